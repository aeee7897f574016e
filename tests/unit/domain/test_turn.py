from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import turn
from bot.domain.conversation import Choice, Consent, Conversation, Memory, Notify
from bot.domain.handover import State, asked, offer
from bot.domain.messages import Channel, ConversationId, Event, Media, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.domain.triage import Assessment, Flag, Level, Understanding
from bot.domain.turn import Situation, Turn, respond
from tests.support.deck import deck
from tests.support.fakes import OPEN

ID = ConversationId("c" * 32)
RED = Assessment(Level.RED, frozenset({Flag.VIOLENCE}), "utter_danger_now")
SITUATION = Situation(
    deck=deck(), now=OPEN, locales=("en", "da"), staffed=True, wait="10-20", next_open="2026-11-25"
)


def conversation(**memory: object) -> Conversation:
    known = {"locale": "en", "chosen": Choice.CHOSEN, "screen": "utter_main_menu", **memory}
    return Conversation(
        ID,
        Channel.TELEGRAM,
        OPEN,
        OPEN,
        version=3,
        memory=Memory(**known),  # type: ignore[arg-type]
    )


def after(event: Event, before: Conversation | None = None, **situation: object) -> Turn:
    understanding = situation.pop("understanding", None)
    if isinstance(event, Text) and understanding is None:
        understanding = Understanding(Assessment())
    return respond(
        before or conversation(),
        event,
        understanding,  # type: ignore[arg-type]
        replace(SITUATION, **situation),  # type: ignore[arg-type]
    )


def tap(to: str, **values: str) -> Tapped:
    return Tapped(Tap(to, values))


def screens(result: Turn) -> list[str]:
    return [reply.screen for reply in result.replies]


def understood(intent: str, *outcomes: str, **more: object) -> Understanding:
    known: dict[str, object] = {"ranking": ((intent, 0.6), ("debt", 0.2), ("shelter", 0.1))}
    return Understanding(Assessment(), intent, outcomes=outcomes, **{**known, **more})  # type: ignore[arg-type]


class TestOpening:
    def test_a_link_with_a_language_opens_in_it(self) -> None:
        result = after(Start(locale="da"), conversation(locale="", chosen=Choice.HINT))
        assert screens(result) == ["utter_safe_to_talk"]
        assert result.replies[0].locale == "da"

    def test_without_any_language_the_list_comes_first(self) -> None:
        result = after(Start(), conversation(locale="", chosen=Choice.HINT))
        assert screens(result) == ["utter_choose_language"]

    def test_the_hint_of_the_app_is_the_weakest(self) -> None:
        assert after(Start(), conversation(locale=""), hint="da").replies[0].locale == "da"
        assert after(Start(), hint="da").replies[0].locale == "en"

    def test_an_unknown_language_in_a_link_is_no_choice(self) -> None:
        assert after(Start(locale="xx")).replies[0].locale == "en"

    def test_a_branch_opens_its_screen(self) -> None:
        assert screens(after(Start("da", "pro"))) == ["utter_public_professional"]

    def test_the_first_typed_words_are_answered_after_saying_that_a_machine_writes(self) -> None:
        new = replace(conversation(), version=0)
        meant = understood("debt", "utter_debt")
        assert screens(after(Text("x"), new, understanding=meant)) == [
            "utter_safe_to_talk",
            "utter_debt",
        ]

    def test_the_first_words_of_danger_get_the_numbers_alone(self) -> None:
        new = replace(conversation(), version=0)
        result = after(Text("x"), new, understanding=Understanding(RED))
        assert screens(result) == ["utter_danger_now"]


class TestPause:
    LATER = OPEN + timedelta(minutes=31)

    def test_after_a_pause_nothing_from_before_is_left_but_the_language(self) -> None:
        before = conversation(minor=True, sign=True, level=3, consent=Consent.ALL)
        memory = after(tap("utter_debt"), before, now=self.LATER).memory
        assert memory == Memory(locale="en", chosen=Choice.CHOSEN, screen="utter_debt")

    def test_a_greeting_after_a_pause_gets_a_neutral_word(self) -> None:
        meant = understood("greet", "utter_greet")
        result = after(Text("hi"), now=self.LATER, understanding=meant)
        assert screens(result) == ["utter_return_neutral"]


class TestDanger:
    def test_words_of_danger_win_on_every_screen(self) -> None:
        for screen in deck().screens:
            result = after(Text("x"), conversation(screen=screen), understanding=Understanding(RED))
            assert screens(result) == ["utter_danger_now"]
            assert result.effects == (turn.Offer(Level.RED),)

    def test_nobody_is_handed_over_by_words_alone(self) -> None:
        result = after(Text("x"), understanding=Understanding(RED))
        assert not any(isinstance(effect, turn.Ask) for effect in result.effects)

    def test_yes_ask_now_asks_at_once_and_for_everything_they_will_see(self) -> None:
        result = after(tap("action_queue_urgent"), conversation(level=3))
        assert screens(result) == ["utter_queue_wait"]
        assert result.effects == (turn.Ask(Level.RED, Consent.ALL, Notify.PULL, minor=False),)

    def test_from_the_branch_about_dying_the_level_is_orange(self) -> None:
        offered = after(tap("utter_danger_offer_person", level="orange"))
        before = replace(conversation(), memory=offered.memory)
        (ask,) = after(tap("action_queue_urgent"), before).effects
        assert isinstance(ask, turn.Ask)
        assert ask.level is Level.ORANGE

    def test_a_tap_never_lowers_a_level(self) -> None:
        result = after(tap("utter_danger_offer_person", level="orange"), conversation(level=3))
        assert result.memory.level == Level.RED

    def test_i_am_ok_now_clears_the_level(self) -> None:
        before = conversation(screen="utter_danger_now", level=3)
        assert after(tap("utter_main_menu"), before).memory.level == 0

    def test_the_line_is_said_once_more_under_the_next_answer(self) -> None:
        cared = after(tap("utter_suicide_care"))
        before = replace(conversation(), memory=cared.memory)
        again = after(tap("utter_main_menu"), before)
        assert screens(again) == ["utter_main_menu", "utter_suicide_again"]
        before = replace(before, memory=again.memory)
        assert screens(after(tap("utter_main_menu"), before)) == ["utter_main_menu"]


class TestPerson:
    def test_three_questions_lead_into_the_queue(self) -> None:
        memory = after(tap("utter_human_notify", consent="new")).memory
        memory = after(tap("utter_human_code_word", notify="push"), conv(memory)).memory
        result = after(tap("action_queue_open"), conv(memory))
        assert screens(result) == ["utter_queue_wait"]
        assert result.effects == (
            turn.Ask(Level.YELLOW, Consent.NEW, Notify.PUSH, minor=False),
            turn.Redact(turn.CODE_WORD),
        )

    def test_the_typed_code_word_is_taken_as_it_is(self) -> None:
        before = conversation(screen="utter_human_code_word", consent=Consent.ALL)
        ask, redact = after(Text("banana"), before).effects
        assert isinstance(ask, turn.Ask)
        assert ask.code_word == "banana"
        assert redact == turn.Redact(turn.CODE_WORD)

    def test_without_consent_the_queue_asks_for_it_first(self) -> None:
        for target in ("action_queue_open", "utter_queue_kept"):
            result = after(tap(target))
            assert screens(result) == ["utter_human_consent"]
            assert not result.effects

    def test_a_bare_yes_takes_the_narrower_consent(self) -> None:
        before = conversation(screen="utter_human_consent")
        meant = understood("affirm", "utter_human_notify")
        assert after(Text("yes"), before, understanding=meant).memory.consent is Consent.NEW

    def test_the_young_hear_first_whom_staff_must_tell(self) -> None:
        young = conversation(minor=True)
        assert screens(after(tap("utter_human_consent"), young)) == ["utter_minor_limits"]
        asked_for = after(tap("action_queue_open"), conversation(minor=True, consent=Consent.NEW))
        assert isinstance(asked_for.effects[0], turn.Ask)
        assert asked_for.effects[0].level is Level.ORANGE
        assert asked_for.effects[0].minor

    def test_off_hours_offers_to_keep_a_place(self) -> None:
        before = conversation(consent=Consent.ALL)
        result = after(tap("action_queue_open"), before, staffed=False)
        assert screens(result) == ["utter_queue_offhours"]
        kept = after(tap("utter_queue_kept"), conv(result.memory), staffed=False)
        assert kept.effects == (
            turn.Ask(Level.YELLOW, Consent.ALL, Notify.PULL, minor=False, keep=True),
        )

    def test_asking_again_while_waiting_says_where_one_stands(self) -> None:
        agreed = replace(offer(ID, Level.YELLOW, "en", OPEN), consent=Consent.ALL)
        waiting = asked(agreed, OPEN, staffed=True)
        assert waiting.state is State.WAITING
        result = after(tap("utter_human_consent"), handover=waiting)
        assert screens(result) == ["utter_queue_still_waiting"]

    def test_stop_waiting_withdraws_and_forgets_the_consent(self) -> None:
        result = after(tap("utter_human_cancelled"), conversation(consent=Consent.ALL))
        assert result.effects == (turn.Withdraw(),)
        assert result.memory.consent is None


def conv(memory: Memory) -> Conversation:
    return replace(conversation(), memory=memory)


class TestCheck:
    def test_answers_are_not_kept_only_that_a_sign_was_seen_until_the_end(self) -> None:
        memory = conversation(screen="utter_check_q1").memory
        for question in "12345":
            result = after(tap("action_check_next", q=question, answer="no"), conv(memory))
            memory = result.memory
            assert memory.sign
            assert not [name for name in memory.__slots__ if "answer" in name]
        ended = after(tap("action_check_next", q="6", answer="yes"), conv(memory))
        assert screens(ended) == ["utter_check_some_signs"]
        assert not ended.memory.sign

    def test_leaving_in_the_middle_forgets_the_sign(self) -> None:
        before = conversation(screen="utter_check_q3", sign=True)
        assert not after(tap("utter_main_menu"), before).memory.sign

    def test_after_hurt_the_danger_button_is_there_once(self) -> None:
        (reply,) = after(tap("action_check_next", q="5", answer="yes")).replies
        buttons = [*deck()[reply.screen].buttons, *reply.extra]
        assert [b.tap.to for b in buttons].count("utter_danger_now") == 1

    def test_a_typed_no_presses_the_no_of_the_question(self) -> None:
        meant = understood("deny", "action_check_next")
        before = conversation(screen="utter_check_q1")
        result = after(Text("nope"), before, understanding=meant)
        assert screens(result) == ["utter_check_q2"]
        assert result.memory.sign

    def test_an_answer_that_fits_no_button_asks_the_question_again(self) -> None:
        meant = understood("affirm", "action_check_next")
        before = conversation(screen="utter_check_q2")
        assert screens(after(Text("yes"), before, understanding=meant)) == ["utter_check_q2"]


class TestHideAndForget:
    @pytest.mark.parametrize(
        ("to", "effect"), [("action_hide", turn.Hide()), ("action_forget", turn.Forget())]
    )
    def test_they_win_on_every_screen_and_show_nothing_themselves(
        self, to: str, effect: turn.Effect
    ) -> None:
        for screen in deck().screens:
            result = after(tap(to), conversation(screen=screen))
            assert (result.replies, result.effects) == ((), (effect,))

    def test_hiding_forgets_the_topic(self) -> None:
        memory = after(tap("action_hide"), conversation(level=3, consent=Consent.ALL)).memory
        assert memory == Memory(locale="en", chosen=Choice.CHOSEN, screen="utter_hide_done")


class TestUnderstanding:
    def test_two_stages_and_never_a_third(self) -> None:
        lost = understood("nlu_fallback", "utter_fallback_1")
        first = after(Text("x"), understanding=lost)
        assert screens(first) == ["utter_fallback_1"]
        assert dict(first.replies[0].values)["option_1"] == "utter_debt"
        second = after(Text("x"), conv(first.memory), understanding=lost)
        assert screens(second) == ["utter_fallback_2"]
        assert screens(after(Text("x"), conv(second.memory), understanding=lost)) == [turn.MENU]

    def test_with_the_unit_off_buttons_are_pointed_to(self) -> None:
        assert screens(after(Text("something"))) == ["utter_nlu_off"]

    def test_with_the_unit_off_a_wish_for_a_person_is_still_heard(self) -> None:
        human = Understanding(Assessment(Level.YELLOW, frozenset({Flag.HUMAN}), None))
        assert screens(after(Text("x"), understanding=human)) == ["utter_human_consent"]

    def test_an_old_button_of_a_screen_that_is_gone_leads_to_the_menu(self) -> None:
        assert screens(after(tap("utter_of_last_year"))) == [turn.MENU]

    def test_pictures_are_answered(self) -> None:
        assert screens(after(Media())) == ["utter_media_received"]

    def test_every_screen_can_be_shown_and_every_button_pressed(self) -> None:
        for screen in deck().screens.values():
            for button in screen.buttons:
                result = after(Tapped(button.tap), conversation(screen=screen.id))
                assert result.replies or result.effects


class TestTwoEvidences:
    """Words near danger and the meaning of the text together are RED; neither is alone."""

    WORDS = Assessment(danger_words=True, unread=Level.ORANGE, unread_screen="utter_danger_now")
    MEANS = Assessment(
        self_harm_words=True, unread=Level.ORANGE, unread_screen="utter_suicide_care"
    )
    PLAIN = Assessment(danger_words=True, unread=Level.RED, unread_screen="utter_danger_now")

    def test_words_and_meaning_are_answered_like_explicit_words(self) -> None:
        sure = Understanding(
            self.WORDS, "danger_now", locale="en", outcomes=("utter_danger_now",), danger=0.9
        )
        assert after(Text("x"), understanding=sure) == after(
            Text("x"), understanding=Understanding(RED)
        )

    def test_means_and_meaning_show_care_and_tell_staff(self) -> None:
        sure = Understanding(self.MEANS, "suicide", locale="en", self_harm=0.9)
        result = after(Text("x"), understanding=sure)
        assert screens(result) == ["utter_suicide_care"]
        assert result.effects == (turn.Offer(Level.RED),)

    def test_the_meaning_counts_although_another_is_likelier(self) -> None:
        debt = Understanding(self.WORDS, "debt", locale="en", outcomes=("utter_debt",), danger=0.4)
        result = after(Text("x"), understanding=debt)
        assert screens(result) == ["utter_danger_now"]
        assert result.effects == (turn.Offer(Level.RED),)

    def test_the_classifier_alone_is_never_red(self) -> None:
        answers = {"danger_now": "utter_danger_now", "suicide": "utter_suicide_care"}
        for intent, screen in answers.items():
            sure = Understanding(
                Assessment(), intent, outcomes=(screen,), danger=1.0, self_harm=1.0
            )
            for before in deck().screens:
                result = after(Text("x"), conversation(screen=before), understanding=sure)
                assert turn.Offer(Level.RED) not in result.effects, before
                assert result.memory.level < Level.RED, before

    def test_words_alone_are_not_red_and_the_meaning_answers(self) -> None:
        calm = Understanding(self.WORDS, "debt", locale="en", outcomes=("utter_debt",))
        result = after(Text("x"), understanding=calm)
        assert screens(result) == ["utter_debt"]
        assert result.effects == ()

    def test_without_the_unit_words_get_the_numbers_and_nobody_is_alarmed(self) -> None:
        for words, screen in ((self.WORDS, "utter_danger_now"), (self.MEANS, "utter_suicide_care")):
            result = after(Text("x"), understanding=Understanding(words))
            assert screens(result) == [screen]
            assert result.effects == ()
            assert result.memory.level == Level.ORANGE

    def test_without_the_unit_a_plain_phrase_tells_staff(self) -> None:
        unread = after(Text("x"), understanding=Understanding(self.PLAIN))
        assert unread == after(Text("x"), understanding=Understanding(RED))
        calm = Understanding(self.PLAIN, "debt", locale="en", outcomes=("utter_debt",))
        result = after(Text("x"), understanding=calm)
        assert (screens(result), result.effects) == (["utter_debt"], ())

    def test_a_plain_phrase_is_no_code_word(self) -> None:
        before = conversation(screen="utter_human_code_word", consent=Consent.NEW)
        result = after(Text("x"), before, understanding=Understanding(self.PLAIN))
        assert screens(result) == ["utter_danger_now"]
        assert turn.Offer(Level.RED) in result.effects

    def test_without_the_unit_help_comes_before_the_question_about_age(self) -> None:
        child = replace(
            self.WORDS,
            level=Level.ORANGE,
            flags=frozenset({Flag.MINOR}),
            screen="utter_minor_check",
            age=15,
        )
        assert screens(after(Text("x"), understanding=Understanding(child))) == ["utter_danger_now"]
        read = Understanding(child, "minor", locale="en", outcomes=("utter_minor_check",))
        assert screens(after(Text("x"), understanding=read)) == ["utter_minor_check"]
        danger = Understanding(child, "minor", locale="en", danger=0.4)
        result = after(Text("x"), understanding=danger)
        assert screens(result) == ["utter_danger_now"]
        assert (result.effects, result.memory.level) == ((turn.Offer(Level.RED),), Level.RED)

    def test_nothing_lowers_explicit_words(self) -> None:
        calm = Understanding(RED, "greet", locale="en", outcomes=("utter_greet",))
        assert screens(after(Text("x"), understanding=calm)) == ["utter_danger_now"]

    def test_a_code_word_may_be_a_word_near_danger(self) -> None:
        before = conversation(screen="utter_human_code_word", consent=Consent.NEW)
        result = after(Text("hammer"), before, understanding=Understanding(self.WORDS))
        assert screens(result) == ["utter_queue_wait"]


class TestLanguage:
    DANISH = understood("debt", "utter_debt", locale="da", locale_confidence=0.99)

    def test_typed_words_beat_a_hint(self) -> None:
        before = conversation(chosen=Choice.HINT)
        result = after(Text("x"), before, understanding=self.DANISH)
        assert result.replies[0].locale == "da"
        assert (result.memory.locale, result.memory.chosen) == ("da", Choice.TYPED)

    def test_a_choice_stays_and_the_switch_is_offered_once(self) -> None:
        first = after(Text("x"), understanding=self.DANISH)
        assert first.replies[0].locale == "da"
        assert [b.tap.to for b in first.replies[0].extra] == ["action_set_language"]
        assert first.memory.locale == "en"
        again = after(Text("x"), conv(first.memory), understanding=self.DANISH)
        assert again.replies[0].extra == ()

    def test_an_unsure_detector_is_not_believed(self) -> None:
        unsure = replace(self.DANISH, locale_confidence=0.5)
        assert after(Text("x"), understanding=unsure).replies[0].locale == "en"

    @pytest.mark.parametrize("text", ["मेरो मालिक", "我的老板", "εδώ", "မြန်မာ"])
    @pytest.mark.parametrize(
        "read", [Understanding(Assessment()), understood("deny", "utter_greet")]
    )
    def test_letters_of_no_language_of_ours_are_told_so(
        self, text: str, read: Understanding
    ) -> None:
        result = after(Text(text), understanding=read)
        assert screens(result) == ["utter_language_missing"]
        assert result.replies[0].locale == "en"

    @pytest.mark.parametrize(
        ("text", "locale", "screen"),
        [
            ("ik heb hulp nodig", "", "utter_language_missing"),
            ("ik heb hulp nodig", "da", "utter_debt"),
            ("hulp nodig baas", "", "utter_debt"),
            ("😭 123 ...", "", "utter_debt"),
            ("ＨＥＬＰ 𝐦𝐞 hulp", "en", "utter_debt"),
        ],
    )
    def test_four_words_that_the_unit_does_not_know_are_of_another_language(
        self, text: str, locale: str, screen: str
    ) -> None:
        read = understood("debt", "utter_debt", locale=locale)
        assert screens(after(Text(text), understanding=read)) == [screen]

    def test_danger_and_the_wish_for_a_person_count_in_any_language(self) -> None:
        text = Text("ik heb hulp nodig")
        assert screens(after(text, understanding=Understanding(RED, "deny"))) == [
            "utter_danger_now"
        ]
        for screen in ("utter_danger_now", "utter_suicide_care", "utter_danger_offer_person"):
            assert screens(after(text, understanding=understood("x", screen))) == [screen]
        wish = understood("talk_to_human", "utter_human_consent")
        wish = replace(wish, assessment=Assessment(flags=frozenset({Flag.HUMAN})))
        assert screens(after(text, understanding=wish)) == ["utter_human_consent"]

    def test_who_comes_back_is_not_told_what_this_chat_is(self) -> None:
        before = conversation(screen="")
        result = after(Text("我的老板"), before, understanding=Understanding(Assessment()))
        assert screens(result) == ["utter_return_neutral"]

    def test_choosing_shows_the_same_screen_again(self) -> None:
        before = conversation(screen="utter_danger_now")
        result = after(tap("action_set_language", locale="da"), before)
        assert screens(result) == ["utter_danger_now"]
        assert result.replies[0].locale == "da"

    def test_a_draft_language_says_so_once_but_never_before_help_in_danger(self) -> None:
        drafts = frozenset({"en"})
        first = after(tap("utter_debt"), drafts=drafts)
        assert screens(first) == ["utter_translation_unreviewed", "utter_debt"]
        assert screens(after(tap("utter_debt"), conv(first.memory), drafts=drafts)) == [
            "utter_debt"
        ]
        danger = after(tap("utter_danger_now"), drafts=drafts)
        assert screens(danger) == ["utter_danger_now"]
