"""Each sentence of the deck that says what Havn does has a test that it is true (invariant 9).

LOOKED_AT holds a fingerprint of each sentence. When one changes, read the tests registered for it,
change them where they no longer prove it, and only then write the new fingerprint down.
"""

import asyncio
import itertools
import logging
import random
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from bot import metrics
from bot.adapters.code_words import read_code_words
from bot.adapters.storage import tables
from bot.bootstrap import App, policy
from bot.commands.chat import chat
from bot.domain.conversation import Consent, Notify
from bot.domain.errors import AlreadyTakenError, NotYoursError
from bot.domain.handover import SIGNAL, Close, Outcome, State
from bot.domain.messages import Channel, Media, MessageId, Reply, Sent, Tapped, Text
from bot.domain.return_code import WORDS
from bot.domain.screens import Tap
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from bot.domain.wording import RUNTIME
from bot.ports import Messages
from bot.services import erase
from bot.services.privacy import privacy_page
from bot.settings import AUTO_DELETE_HOURS, DELETE_WINDOW_HOURS, Settings
from tests.support import translation_server
from tests.support.app import COLLEAGUE, Visitor, off_shift, on_shift, screens
from tests.support.claims import (
    IN_FORCE,
    REGISTERED,
    browser,
    claims,
    deliver,
    digest,
    files,
    havn,
    in_force,
    keep_house,
    opened,
    phone,
    rows,
)
from tests.support.deck import ROOT, deck
from tests.support.fakes import CLOSED, FakeClock, FakeDialogue, RecordingChannel, meaning
from tests.support.telegram_payloads import MEDIA

CRY = "he has a knife and locked me in"
CANARY = "zebracanary"
STATIC = ROOT / "bot" / "adapters" / "webchat" / "static"
LOOKED_AT = {
    "utter_safe_to_talk": "23e4f2c3",
    "utter_not_safe": "9fc535e1",
    "utter_about_bot": "c5ba29f6",
    "utter_privacy_short": "2b9e039f",
    "utter_privacy_more": "553d2ad5",
    "utter_return_neutral": "89902762",
    "utter_greet": "cdf3b87f",
    "utter_nlu_off": "4e935275",
    "utter_danger_where": "0b00636b",
    "utter_danger_offer_person": "dc870cd3",
    "utter_danger_offer_young": "3b53c152",
    "utter_check_intro": "470ad159",
    "utter_police_papers": "40ba27d8",
    "utter_shelter": "0f25d0e1",
    "utter_minor_limits": "cce4412c",
    "utter_minor_urgent": "d4b72b65",
    "utter_return_code": "479fcf8e",
    "utter_return_code_ask": "fde4452c",
    "utter_return_code_wrong": "f1479e4b",
    "utter_report_done": "06e6148e",
    "utter_report_nothing": "b21bd422",
    "utter_human_consent": "1cc1cad6",
    "utter_human_notify": "c3c5f86c",
    "utter_human_code_word": "12ed380d",
    "utter_queue_wait": "7610608e",
    "utter_queue_red_unanswered": "107864f6",
    "utter_queue_offhours": "dd2b1c16",
    "utter_queue_kept": "1f88fc59",
    "utter_queue_kept_in_hours": "12b48d2d",
    "utter_human_joined": "9a2735b7",
    "utter_human_nothing_new": "49ad38a7",
    "utter_human_lost": "e8f7fb88",
    "utter_human_parked": "ed431649",
    "utter_human_transfer": "7c31a68b",
    "utter_human_transfer_yes": "ef75daee",
    "utter_human_transfer_no": "6a970730",
    "utter_human_quiet": "02c90159",
    "utter_human_cancelled": "6c5bb1e4",
    "utter_hide_limits": "7c61a822",
    "utter_safe_word": "fabe87be",
    "utter_safe_word_set": "8532a459",
    "utter_forget_confirm": "60153b4f",
    "utter_forget_done": "6d17d568",
    "utter_autoclean_on": "bfd06fb6",
    "utter_autoclean_off": "26674a2e",
    "utter_web_interruption": "251b28a3",
    "utter_web_session_closed": "2a571851",
    "utter_probe_refuse": "cbf19c68",
    "utter_public_tell": "ee3f2814",
    "utter_media_received": "7b7c72f6",
    "utter_translation_unreviewed": "9a001908",
    "privacy_title": "0a388368",
    "privacy_who": "4e534af2",
    "privacy_machine": "3a1790f8",
    "privacy_not_asked": "b63d4ccf",
    "privacy_not_kept": "17b8add2",
    "privacy_kept": "318758c2",
    "privacy_check": "21295dfb",
    "privacy_report": "b10c6083",
    "privacy_kept_bot": "be445344",
    "privacy_kept_person": "d5876ece",
    "privacy_case_notes": "b1238131",
    "privacy_telegram": "299a8e85",
    "privacy_telegram_number": "8cbc6ea2",
    "privacy_web": "9bfb7510",
    "privacy_web_idle": "bb12b66a",
    "privacy_hide": "f6345ff4",
    "privacy_hide_limits": "1a5da3c0",
    "privacy_readers": "274ac1dc",
    "privacy_translator": "482d6d28",
    "privacy_signal": "2d826735",
    "privacy_sharing": "953fc52f",
    "privacy_court": "6a564f80",
    "privacy_counts": "3db19a9c",
    "privacy_rights": "89d62f98",
    "privacy_contact": "26b3274d",
}


def shown(
    screen: str, channel: Channel = Channel.TELEGRAM, locale: str = "en", **values: str
) -> str:
    """Return the words of a screen under the settings of these tests."""
    return in_force().render(Reply(screen, locale, values=values), channel).text


def word(key: str) -> str:
    """Return a word of the privacy page under the settings of these tests."""
    return in_force().values.word(key, "en")


ALIAS, OTHER = "Ana", StaffId("0b5e55ed")
# Tables in which nothing stands about visitors.
OF_STAFF = frozenset(
    {"staff", "invitations", "spent", "sessions", "shifts", "audit", "audit_aliases"}
    | {"subscriptions"}  # where a counsellor's browser is rung
    # What editors write and publish; a visitor's report of a text holds no word of theirs.
    | {"content_changes", "bundles", "content_remarks", "servings"}
)


async def everything(visitor: Visitor) -> Sequence[Sent]:
    """Return what the visitor was shown so far."""
    return await visitor.app.reception.shown(visitor.channel, visitor.sender, MessageId(0))


async def joined(app: App, visitor: Visitor) -> Sent:
    """Have somebody join a visitor who asks; return what says so."""
    await asks_for_a_person(visitor)
    handover = await visitor.handover()
    assert handover is not None
    await app.hotline.take(COLLEAGUE, ALIAS, handover.id or 0)
    return (await everything(visitor))[-1]


async def asks_for_a_person(visitor: Visitor, *, code_word: str = "") -> None:
    await visitor.taps("utter_human_notify consent=all")
    await visitor.taps("utter_human_code_word notify=pull")
    await (visitor.says(code_word) if code_word else visitor.taps("action_queue_open"))


# --- the register -----------------------------------------------------------------------------


def all_claims() -> list[str]:
    words = [key for key in deck().words if key.startswith("privacy_")]
    return [*deck().meta["system_claims"], *words]  # type: ignore[misc]


@pytest.mark.parametrize("key", all_claims())
def test_every_claim_has_a_test(key: str) -> None:
    assert REGISTERED[key], f"write a test for {key} and mark it with @claims"


@pytest.mark.parametrize("key", all_claims())
def test_no_claim_was_changed_without_looking_at_its_tests(key: str) -> None:
    assert LOOKED_AT.get(key) == digest(key), (
        f"{key} has changed: read {REGISTERED[key]}, then write {digest(key)!r} in LOOKED_AT"
    )


def test_no_test_is_registered_for_something_else() -> None:
    assert set(REGISTERED) | set(LOOKED_AT) == set(all_claims())


# --- the settings in force --------------------------------------------------------------------

_HOURS = f"{IN_FORCE['retention_idle_hours']} hours"
_WEB_MINUTES = f"{IN_FORCE['web_idle_minutes']} minutes"
_CAP = f"{IN_FORCE['retention_cap_days']} days"


class TestNumbersComeFromTheSettings:
    @claims("utter_privacy_short")
    def test_privacy_short(self) -> None:
        telegram, web = (shown("utter_privacy_short", c) for c in (Channel.TELEGRAM, Channel.WEB))
        assert f"after {_HOURS} without" in telegram
        assert f"after {_CAP} at the latest" in telegram
        assert f"after {_WEB_MINUTES} without" in web
        assert all(text.endswith("https://chat.example/privacy") for text in (telegram, web))

    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("privacy_kept_bot", _HOURS),
            ("privacy_kept_person", _CAP),
            ("privacy_web_idle", _WEB_MINUTES),
            ("privacy_hide", "less than 48 hours"),
            ("privacy_who", IN_FORCE["operator_name"]),
            ("privacy_contact", IN_FORCE["operator_contact"]),
        ],
    )
    @claims("privacy_kept_bot", "privacy_kept_person", "privacy_web_idle", "privacy_hide")
    @claims("privacy_who", "privacy_contact")
    def test_privacy_page(self, key: str, said: str) -> None:
        assert said in word(key)

    @pytest.mark.parametrize(
        ("screen", "channel", "said"),
        [
            ("utter_about_bot", Channel.WEB, f"program of {IN_FORCE['operator_name']}."),
            ("utter_human_consent", Channel.WEB, f"person from {IN_FORCE['operator_name']} can"),
            ("utter_safe_to_talk", Channel.TELEGRAM, "last 48 hours"),
            ("utter_hide_limits", Channel.TELEGRAM, "less than 48 hours"),
            ("utter_autoclean_on", Channel.TELEGRAM, f"every {AUTO_DELETE_HOURS} hours"),
            ("utter_autoclean_on", Channel.WEB, _WEB_MINUTES),
            ("utter_autoclean_off", Channel.WEB, _WEB_MINUTES),
            ("utter_queue_wait", Channel.WEB, _WEB_MINUTES),
            ("utter_queue_kept", Channel.WEB, _WEB_MINUTES),
            ("utter_queue_kept_in_hours", Channel.WEB, _WEB_MINUTES),
            ("utter_web_interruption", Channel.WEB, _WEB_MINUTES),
            ("utter_web_interruption", Channel.WEB, "It opens weather.example."),
        ],
    )
    @claims("utter_about_bot", "utter_human_consent", "utter_safe_to_talk", "utter_hide_limits")
    @claims("utter_autoclean_on", "utter_autoclean_off", "utter_queue_wait", "utter_queue_kept")
    @claims("utter_web_interruption", "utter_queue_kept_in_hours")
    def test_screens(self, screen: str, channel: Channel, said: str) -> None:
        values = {"wait_estimate": "10-20", "next_open_time": "2026-11-24T09:00:00+00:00"}
        assert said in shown(screen, channel, **values)

    async def test_the_policy_in_force_is_the_one_that_is_told(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            told, kept = app.settings.said(), policy(app.settings)
            assert app.keeper._policy == kept
        assert timedelta(hours=int(told["idle_hours"])) == kept.idle
        assert timedelta(minutes=int(told["web_idle_minutes"])) == kept.web
        assert timedelta(days=int(told["retention_cap_days"])) == kept.cap


# --- a machine writes -------------------------------------------------------------------------


class TestAMachineWrites:
    @claims("utter_safe_to_talk", "privacy_machine", "utter_web_interruption")
    async def test_the_first_answer_in_the_web_chat_says_so(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            await visit.get()
            assert "Exit button" in visit.page
            await visit.send(tap="utter_safe_to_talk")
            assert "I am a computer program" in visit.page

    @claims("utter_safe_to_talk", "privacy_machine")
    @pytest.mark.parametrize("first", ["/start", "what is this"])
    async def test_the_first_answer_on_telegram_says_so(self, tmp_path: Path, first: str) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            await chat.sends(first)
            program = [message.text for message in chat.person.chat if message.from_bot]
            assert program[0].startswith("I am a computer program.")

    @claims("utter_safe_to_talk")
    async def test_only_the_choice_of_a_language_comes_before(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock(), language_code="xx") as chat:
            await chat.sends("/start")
            assert chat.texts[-1] == "Hello. Choose your language."
            await chat.taps("English")
            assert chat.texts[-1].startswith("I am a computer program.")

    @claims("utter_safe_to_talk")
    async def test_in_the_terminal_too_and_again_in_every_session(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app, Channel.TERMINAL)
            for _ in range(2):
                said = await visitor.starts()
                assert said[0].bubble.text.startswith("I am a computer program.")
                clock.turn(hours=1)

    @claims("utter_greet")
    async def test_a_greeting_is_answered_by_a_program(self, tmp_path: Path) -> None:
        dialogue = FakeDialogue(hello=meaning("greet", "utter_greet"))
        async with havn(tmp_path, FakeClock(), dialogue=dialogue) as app:
            visitor = Visitor(app)
            await visitor.starts()
            said = await visitor.says("hello")
            assert said[-1].bubble.text.startswith("Hello. I am a computer program.")

    @claims("utter_about_bot", "privacy_machine")
    async def test_it_only_sends_sentences_that_were_written_before(self, tmp_path: Path) -> None:
        meanings = {CANARY: meaning(CANARY, f"utter_{CANARY}"), "debt": meaning("d", "utter_debt")}
        async with havn(tmp_path, FakeClock(), dialogue=FakeDialogue(**meanings)) as app:
            visitor, said = Visitor(app), []
            for typed in (CANARY, "debt", f"{CRY} {CANARY}", "yes", CANARY):
                said += await visitor.says(typed)
        assert len(said) >= 5
        for sent in said:
            bubble = sent.bubble
            assert CANARY not in repr(bubble)
            source = deck()[bubble.screen].source(Channel.WEB)
            pieces = [piece.strip() for piece in re.split(r"\{\w+\}", source)]
            assert all(piece in bubble.text for piece in pieces), bubble

    @claims("privacy_machine", "utter_human_joined")
    async def test_a_person_writes_after_a_yes_and_the_program_is_quiet(
        self, tmp_path: Path
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.starts()
            talk = await joined(app, visitor)
            said = await visitor.taps("action_pull")
            assert f"You can call them {ALIAS}." in talk.bubble.text
            assert screens(said) == ["utter_human_nothing_new"]
            for words in ("hello?", "what is a shelter", "yes"):
                assert await visitor.says(words) == []
            # "Press Back to menu to stop."
            assert screens(await visitor.taps("action_leave_human")) == ["utter_human_ended"]
            assert screens(await visitor.taps("utter_main_menu")) == ["utter_main_menu"]

    @claims("utter_queue_red_unanswered")
    async def test_after_five_minutes_in_danger_it_says_that_nobody_is_free(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app)
            await visitor.says(CRY)
            await visitor.taps("action_queue_urgent")
            await keep_house(app, clock, minutes=4, seconds=59)
            assert "utter_queue_red_unanswered" not in screens(await everything(visitor))
            await keep_house(app, clock, seconds=1)
            assert screens(await everything(visitor))[-1] == "utter_queue_red_unanswered"
            handover = await visitor.handover()
            assert handover is not None
            assert handover.state is State.WAITING  # "I keep asking"

    @claims("utter_human_joined", "utter_queue_red_unanswered")
    async def test_and_no_forged_button_shows_them(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            for screen in ("utter_human_joined", "utter_queue_red_unanswered"):
                assert screens(await Visitor(app).taps(screen)) == ["utter_main_menu"]


# --- who can read -----------------------------------------------------------------------------


class TestWhoCanRead:
    @claims("utter_safe_to_talk", "utter_privacy_short", "privacy_telegram", "utter_privacy_more")
    async def test_telegram_sees_every_word_of_both_sides(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            await chat.sends(f"what about {CANARY}")
            sent = [call.params["text"] for call in chat.api.calls_of("sendMessage")]
            assert sent
            assert {m.text for m in chat.person.chat if m.from_bot} <= set(sent)
            assert any(CANARY in text for text in chat.texts)

    @claims("utter_safe_to_talk", "utter_privacy_short", "privacy_web", "privacy_kept")
    async def test_our_server_can_read_and_its_disk_cannot(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            await visit.begins()
            await visit.send(text=CANARY)
            assert CANARY in await opened(app, tmp_path)
            assert CANARY.encode() not in files(tmp_path)

    @claims("privacy_kept")
    async def test_it_keeps_what_was_written_the_language_and_the_place(
        self, tmp_path: Path
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.starts("da")
            await visitor.says(CANARY)
            await asks_for_a_person(visitor)
            kept = await opened(app, tmp_path)
            assert CANARY in kept
            assert '"da"' in kept
            assert "handovers.state='waiting'" in kept

    @claims("privacy_court", "privacy_kept", "privacy_not_kept")
    def test_nothing_else_has_a_place_in_the_store(self) -> None:
        columns = {name: set(table.c.keys()) for name, table in tables.metadata.tables.items()}
        assert {name: columns[name] for name in columns.keys() - OF_STAFF} == {
            "conversations": {"id", "lookup", "channel", "version", "created_at", "last_seen_at"}
            | {"forgetting_at", "memory", "address"},
            "receipts": {"channel", "external", "at"},
            "messages": {"id", "conversation_id", "channel", "incoming", "human", "state", "at"}
            | {"due_at", "urgent", "attempts", "body", "aside", "reference"},
            "handovers": {"id", "conversation_id", "state", "level", "locale", "offered_at"}
            | {"asked_at", "closed_at", "owner", "lease_until", "version", "details"},
            "notes": {"id", "conversation_id", "author", "kind", "at", "body"},
            "drafts": {"conversation_id", "staff", "body"},
            "figures": {"week", "kind", "value", "number"},
            "timers": {"conversation_id", "kind", "due_at"},
            "return_codes": {"hash", "conversation_id"},
            "marks": {"name", "value"},
        }

    @claims("privacy_readers", "utter_privacy_short")
    async def test_nobody_can_search_in_words(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            for _ in range(2):
                await Visitor(app).says(CANARY)
            bodies = [r["body"] for r in rows(tmp_path, "messages") if r["incoming"]]
            assert len(set(bodies)) == 2  # equal words are not equal on the disk
            names = {row["name"] for row in rows(tmp_path, "sqlite_master")}
        assert not [name for name in names if name.endswith("_fts") or "search" in name]
        ways = {name for name in vars(Messages) if not name.startswith("_")}
        assert ways == {
            *("accept", "unanswered", "with_unanswered", "settle", "post", "due", "mark"),
            *("replies_after", "references", "erase", "forget_receipts"),
            *("thread", "newest", "release", "held", "drop", "once", "is_known", "move", "remove"),
        }

    @claims("privacy_readers", "utter_privacy_short", "utter_human_consent", "utter_human_notify")
    @claims("utter_danger_offer_person", "utter_queue_wait", "utter_queue_offhours")
    @claims("utter_human_code_word", "utter_queue_kept", "privacy_signal", "utter_minor_limits")
    async def test_a_person_reads_after_a_yes_and_only_who_took_the_talk(
        self, tmp_path: Path
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.says(f"{CRY} {CANARY}")
            signal = await visitor.handover()
            assert signal is not None
            board = await app.reader.board(COLLEAGUE)
            assert [card.handover.id for card in board.signals] == [signal.id]
            assert CANARY not in repr(board)
            with pytest.raises(AlreadyTakenError):
                await app.hotline.take(COLLEAGUE, ALIAS, signal.id or 0)
            await asks_for_a_person(visitor)
            with pytest.raises(NotYoursError):
                await app.reader.open(COLLEAGUE, signal.id or 0)
            await app.hotline.take(COLLEAGUE, ALIAS, signal.id or 0)
            with pytest.raises(NotYoursError):
                await app.reader.open(OTHER, signal.id or 0)
            talk = await app.reader.open(COLLEAGUE, signal.id or 0)
            assert CANARY in next(s.text for s in talk.said if s.author == "visitor")


# --- the terminal -----------------------------------------------------------------------------


class TestTheTerminal:
    @claims("utter_safe_to_talk", "utter_not_safe", "utter_privacy_short", "utter_privacy_more")
    @claims("utter_human_consent", "utter_human_notify", "utter_hide_limits")
    @claims("utter_queue_wait", "utter_queue_offhours", "utter_queue_kept")
    @claims("utter_queue_kept_in_hours", "utter_autoclean_on", "utter_autoclean_off")
    @pytest.mark.parametrize("locale", in_force().texts.locales)
    def test_says_nothing_that_is_true_of_other_channels_only(self, locale: str) -> None:
        elsewhere = re.compile(
            r"telegram|this page|browser|denne side|\bsiden\b|\bexit\b|forlad\b", re.IGNORECASE
        )
        for screen in deck().screens.values():
            if screen.variants:
                text = shown(screen.id, Channel.TERMINAL, locale, **RUNTIME)
                assert not elsewhere.search(text), screen.id
                assert text != shown(screen.id, Channel.TELEGRAM, locale, **RUNTIME)

    @claims("utter_privacy_short", "utter_autoclean_on", "utter_autoclean_off", "utter_not_safe")
    @claims("utter_queue_wait", "utter_queue_offhours", "utter_queue_kept", "utter_hide_limits")
    @claims("utter_safe_to_talk")
    async def test_hide_clears_the_window_and_quit_deletes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asking = ["Person", "Only new messages", "No, I will look", "Skip"]
        lines = iter([CANARY, "Hide", *asking, "/quit"])
        cleared: list[str] = []
        waiting = 0

        def write(_console: Console, _prompt: str) -> str:
            nonlocal waiting
            waiting = max(waiting, len(rows(tmp_path, "handovers")) if cleared else 0)
            return next(lines)

        monkeypatch.setattr(Console, "input", write)
        monkeypatch.setattr(Console, "clear", lambda _console: cleared.append("window"))
        settings = Settings(root=ROOT, data_dir=tmp_path / "var", **IN_FORCE)
        await chat(settings, locale="en", script=None, as_lines=False)
        assert cleared == ["window"]
        assert waiting == 1
        assert rows(tmp_path, "conversations") == rows(tmp_path, "handovers") == []

    @claims("utter_privacy_short")
    async def test_what_a_kill_leaves_is_deleted_in_time(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app, Channel.TERMINAL)
            await asks_for_a_person(visitor)
            assert await visitor.handover() is not None
            await keep_house(app, clock, days=2, hours=23)
            assert await is_known(app, visitor)
            await keep_house(app, clock, hours=2)
            assert not await is_known(app, visitor)


# --- what is not asked, and not kept ----------------------------------------------------------


class TestNotAsked:
    @claims("utter_safe_to_talk", "utter_privacy_short", "privacy_not_asked", "utter_public_tell")
    @claims("utter_danger_where")
    def test_no_screen_asks_who_or_where_somebody_is(self) -> None:
        personal = re.compile(
            r"your (full |first |last )?name|phone number|your address|where (are|do) you"
            r"|how old|your (passport|papers) number|born|which country"
        )
        for screen in deck().screens.values():
            for source in screen.sources():
                questions = re.findall(r"[^.?!]*\?", source)
                assert not [q for q in questions if personal.search(q.lower())], screen.id

    @claims("privacy_not_asked", "utter_privacy_more")
    async def test_the_page_has_one_field_and_needs_no_account(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            pages = []
            await visit.begins()
            pages.append(visit.page)
            for screen in ("utter_main_menu", "utter_human_consent", "utter_danger_where"):
                await visit.send(tap=screen)
                pages.append(visit.page)
            assert not visit.client.cookies
        for page in pages:
            fields = re.findall(r"<(?:input|textarea|select)[^>]*>", page)
            assert [f for f in fields if 'type="hidden"' not in f] == [
                f for f in fields if f.startswith('<textarea id="text" name="text"')
            ]

    @claims("privacy_not_asked")
    async def test_no_telegram_button_asks_for_a_number_or_a_place(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            for text in ("/start", "/menu", "/person", "/phone"):
                await chat.sends(text)
            calls = [repr(c.params) for c in chat.api.calls_of("sendMessage")]
            assert len(calls) >= 4
            assert not [c for c in calls if "request_" in c]

    @claims("utter_danger_where", "utter_public_tell")
    async def test_an_address_or_a_tip_is_not_repeated(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            for screen in ("utter_danger_where", "utter_public_tell"):
                await visitor.taps(screen)
                said = await visitor.says("Vestergade 12 in Aarhus, a man called Zebracanary")
                said = [*said, *await visitor.taps("utter_main_menu")]
                assert said
                assert not re.search("vestergade|zebracanary", repr(said).lower())
            assert await visitor.handover() is None  # and it goes to nobody


class TestNotKept:
    @claims("utter_privacy_more", "utter_human_consent", "utter_media_received")
    @claims("privacy_not_kept", "privacy_telegram_number")
    async def test_telegram_s_names_numbers_and_files(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with phone(tmp_path, FakeClock(), username="canary_user") as chat:
            person = chat.person.person
            await chat.sends("/start")
            await chat.sends("a few words")
            for kind in MEDIA:
                await chat.sends(kind=kind)
                await chat.sends(kind=kind, caption="look at this")
            kept = await opened(chat.app, tmp_path)
            number = str(person.id)
            canaries = {*person.canaries(), "canary_user"}
            assert len(canaries) >= 5
            assert not [canary for canary in canaries if canary in kept]
            # The number is kept to answer, and only sealed.
            assert f"conversations.address={number}" in kept
            raw = files(tmp_path) + "".join(capfd.readouterr()).encode() + caplog.text.encode()
            assert not [c for c in {*canaries, number} if c.encode() in raw]
            assert not chat.api.calls_of("getFile")
            assert not [call for call in chat.api.calls if "file" in call.method.lower()]
            assert sum("I did not keep the file." in text for text in chat.texts) == len(MEDIA)

    @claims("utter_media_received", "privacy_not_kept")
    async def test_of_a_picture_not_even_that_it_was_one(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app, Channel.TELEGRAM)
            assert screens(await visitor.does(Media())) == ["utter_media_received"]
            assert [r["body"] for r in rows(tmp_path, "messages") if r["incoming"]] == [None]

    @claims("utter_privacy_more", "privacy_not_kept", "utter_human_consent", "privacy_web")
    async def test_the_browser_s_address(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        told = {
            "x-forwarded-for": "198.51.100.23",
            "user-agent": "canaryagent/7",
            "referer": "https://canaryreferer.example/",
            "accept-language": "da;q=0.8, canarylang;q=0.9",
        }
        async with havn(tmp_path, FakeClock()) as app, browser(app, **told) as visit:
            await visit.begins()
            await visit.send(text="hello")
            await visit.send(tap="utter_human_consent")
            await visit.get("/nowhere")
            await visit.get("/privacy")
            kept = (await opened(app, tmp_path)).encode() + files(tmp_path)
            kept += "".join(capfd.readouterr()).encode() + caplog.text.encode()
        assert b"hello" in kept
        for canary in ("198.51.100.23", "203.0.113.77", "canaryagent", "canaryref", "canarylang"):
            assert canary.encode() not in kept
        serve = (ROOT / "bot" / "commands" / "serve.py").read_text("utf-8")
        assert "access_log=False" in serve

    @claims("privacy_counts")
    async def test_figures_count_messages_and_name_nobody(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            await Visitor(app, sender=CANARY).says(f"{CRY} {CANARY}")
            ids = [row["id"] for row in rows(tmp_path, "conversations")]
        figures = metrics.exposition().decode()
        assert not [text for text in (*ids, CANARY, "utter_", 'locale="') if text in figures]
        names = set(re.findall(r"^# TYPE (\w+)", figures, re.MULTILINE))
        assert names == {
            *("havn_messages_received_total", "havn_answer_seconds", "havn_nlu_asked_total"),
            *("havn_deliveries_total", "havn_forgotten_total", "havn_updates_refused_total"),
            "havn_inbox_age_seconds",
        }
        assert set(re.findall(r'(\w+)="', figures)) <= {"channel", "result", "why", "le"}


# --- how long ---------------------------------------------------------------------------------


async def is_known(app, visitor: Visitor) -> bool:  # type: ignore[no-untyped-def]
    async with app.store.begin() as unit:
        return bool(
            await unit.conversations.find(app.sealer.lookups(visitor.channel, visitor.sender))
        )


class TestHowLong:
    @claims("utter_privacy_short", "privacy_kept_bot", "privacy_telegram_number")
    async def test_with_the_program_alone_the_idle_hours_and_not_before(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app, Channel.TELEGRAM)
            await visitor.says(CANARY)
            await keep_house(app, clock, hours=4, minutes=59)
            assert await is_known(app, visitor)
            await visitor.says("still here")
            await keep_house(app, clock, hours=4, minutes=59)
            assert CANARY in await opened(app, tmp_path)
            await keep_house(app, clock, minutes=2)
            assert not await is_known(app, visitor)
            assert await opened(app, tmp_path) == ""

    @claims("utter_privacy_short", "privacy_kept_person", "utter_queue_kept", "utter_queue_wait")
    @claims("utter_queue_kept_in_hours")
    @pytest.mark.parametrize(("kept", "in_hours"), [(False, True), (True, False), (True, True)])
    async def test_who_waits_is_kept_until_the_cap(
        self, tmp_path: Path, *, kept: bool, in_hours: bool
    ) -> None:
        clock = FakeClock() if in_hours else FakeClock(CLOSED)
        async with havn(tmp_path, clock) as app:
            if kept and in_hours:
                await off_shift(app, COLLEAGUE)
            visitor = Visitor(app, Channel.TELEGRAM)
            await asks_for_a_person(visitor)
            if kept:
                await visitor.taps("utter_queue_kept")
            await keep_house(app, clock, days=2, hours=23)
            handover = await visitor.handover()
            assert handover is not None
            assert handover.state is (State.LEFT_MESSAGE if kept else State.WAITING)
            await keep_house(app, clock, hours=2)
            assert not await is_known(app, visitor)

    @claims("utter_privacy_short", "privacy_web_idle", "utter_autoclean_on", "utter_autoclean_off")
    @claims("utter_web_interruption", "utter_queue_wait", "utter_queue_offhours")
    @claims("utter_queue_kept", "utter_queue_kept_in_hours")
    @pytest.mark.parametrize("waiting", ["", "waits", "kept", "kept in hours"])
    async def test_a_web_chat_the_idle_minutes_whoever_waits(
        self, tmp_path: Path, waiting: str
    ) -> None:
        clock = FakeClock(CLOSED) if waiting == "kept" else FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app)
            await visitor.starts()
            if waiting == "kept in hours":
                await off_shift(app, COLLEAGUE)
            if waiting:
                await asks_for_a_person(visitor)
            if waiting.startswith("kept"):
                await visitor.taps("utter_queue_kept")
            assert (await visitor.handover() is not None) is bool(waiting)
            await keep_house(app, clock, minutes=6)
            assert await is_known(app, visitor)
            await keep_house(app, clock, minutes=2)
            assert not await is_known(app, visitor)

    @claims("utter_queue_wait", "utter_queue_kept", "utter_human_joined")
    async def test_who_waits_on_the_web_stays_while_they_look(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app, browser(app) as visit:
            await visit.begins()
            for tap in ("utter_human_notify consent=new", "action_queue_open"):
                await visit.send(tap=tap)
            for _ in range(5):
                await keep_house(app, clock, minutes=6)
                assert (await visit.send(tap="action_pull")).status_code == 200
            assert [row["state"] for row in rows(tmp_path, "handovers")] == ["waiting"]

    async def test_a_script_that_looks_by_itself_keeps_nobody(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app, browser(app) as visit:
            await visit.begins()
            await visit.send(tap="utter_danger_now")  # staff see a signal; nobody is waited for
            assert [row["state"] for row in rows(tmp_path, "handovers")] == ["offered"]
            await keep_house(app, clock, minutes=6)
            await visit.send(watch="1")
            await keep_house(app, clock, minutes=2)
            assert rows(tmp_path, "conversations") == []

    async def test_a_clock_that_jumps_ahead_erases_no_web_chat(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app, browser(app) as visit:
            await visit.begins()
            old = dict(visit.fields)
            clock.turn(days=1)
            assert (await visit.send(tap="utter_main_menu")).status_code == 410
            await app.keeper.round()
            clock.turn(days=-1)
            visit.fields = old
            assert (await visit.send(tap="utter_main_menu")).status_code == 200
            assert "How can I help?" in visit.page

    @claims("privacy_web_idle", "utter_web_session_closed", "utter_autoclean_on")
    @claims("utter_web_interruption", "utter_autoclean_off")
    async def test_the_page_does_not_show_it_again(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app, browser(app) as visit:
            await visit.begins()
            await visit.send(tap="utter_shelter")
            old = dict(visit.fields)
            assert "safe place" in visit.page
            clock.turn(minutes=8)
            answer = await visit.send(tap="action_pull")
            assert answer.status_code == 410
            assert "This chat is closed." in visit.page
            assert "safe place" not in visit.page
            await keep_house(app, clock)
            visit.fields = old
            clock.turn(minutes=-7)
            await visit.send(tap="action_pull")
            assert "safe place" not in visit.page
            await visit.send(tap="utter_safe_to_talk")  # "You can start a new chat."
            visit.fields.clear()
            await visit.begins()
            assert "I am a computer program" in visit.page

    @claims("utter_not_safe", "utter_autoclean_off", "privacy_telegram")
    async def test_when_the_time_is_over_nothing_happens_on_the_visitor_s_side(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erase, "LAST_WORD_SECONDS", 0.01)
        clock, channel = FakeClock(), RecordingChannel()
        async with havn(tmp_path, clock, channel=channel) as app:
            visitor = Visitor(app, Channel.TELEGRAM)
            await visitor.taps("utter_not_safe")
            await deliver(app, clock)
            before = len(channel.shown)
            await keep_house(app, clock, hours=6)
            await asyncio.sleep(0.05)
            await deliver(app, clock)
            assert not await is_known(app, visitor)
            assert len(channel.shown) == before
            assert not channel.deleted


# --- hide -------------------------------------------------------------------------------------


class TestHide:
    @claims("utter_safe_to_talk", "utter_hide_limits", "privacy_hide", "utter_not_safe")
    async def test_it_reaches_what_is_younger_than_telegram_s_limit_and_nothing_older(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        kept = {"retention_idle_hours": 100, "retention_cap_days": 30}
        async with phone(tmp_path, clock, settings=kept) as chat:
            await chat.sends("too old")
            clock.turn(minutes=30)
            await chat.sends("young enough")
            clock.turn(hours=DELETE_WINDOW_HOURS, minutes=-15)
            await chat.sends("/hide")
            await chat.settle()
            assert "too old" in chat.texts
            assert "young enough" not in chat.texts
            assert chat.texts[-1] == shown("utter_hide_done")
            done = {call.method.lower() for call in chat.api.calls}
            # "I cannot remove the chat from your list": Telegram offers a bot no such thing.
            assert done <= {
                *("getupdates", "deletewebhook", "answercallbackquery"),
                *("sendmessage", "editmessagetext", "deletemessages"),
            }

    @claims("utter_hide_limits")
    async def test_telegram_itself_refuses_what_is_older(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with phone(tmp_path, clock) as chat:
            await chat.sends("old")
            (first, *_) = chat.person.chat
            clock.turn(hours=DELETE_WINDOW_HOURS, minutes=1)
            channel = chat.app.eraser._channels[Channel.TELEGRAM]
            await channel.delete(str(chat.person.id), [str(first.id)])
            assert "old" in chat.texts

    @claims("utter_not_safe")
    async def test_the_button_on_the_screen_clears_the_chat(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            await chat.sends("/start")
            await chat.taps("utter_not_safe")
            assert "come back when you are alone" in chat.texts[-1]
            await chat.taps("Hide now")
            assert chat.texts == [shown("utter_hide_done")]

    @claims("utter_not_safe", "utter_hide_limits", "privacy_hide", "utter_web_session_closed")
    @pytest.mark.parametrize("way", ["hide", "exit"])
    async def test_in_the_web_chat_hide_and_exit_clear_the_page(
        self, tmp_path: Path, way: str
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            await visit.begins()
            await visit.send(tap="utter_shelter")
            answer = await (visit.send(tap="action_hide") if way == "hide" else visit.send("/exit"))
            assert answer.status_code == 200
            assert "safe place" not in visit.page
            assert "computer program:" not in visit.page or way == "hide"
            kept = await opened(app, tmp_path)
            assert "utter_shelter" not in kept
            assert (kept == "") is (way == "exit")
            await visit.send(tap="action_pull")  # the Back button, then any button of the old page
            assert "safe place" not in visit.page

    @claims("utter_hide_limits", "privacy_hide_limits", "utter_safe_to_talk")
    @claims("utter_web_interruption")
    async def test_the_browser_is_told_to_drop_what_it_can_and_history_is_not_among_it(
        self, tmp_path: Path
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            await visit.begins()
            answer = await visit.send("/exit")
            assert answer.headers["clear-site-data"] == '"cache", "cookies", "storage"'
        assert "history." not in (STATIC / "chat.js").read_text("utf-8")

    @claims("privacy_hide_limits", "utter_hide_limits")
    async def test_other_chats_are_out_of_reach(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            other = chat.api.visitor(language_code="en")
            await other.sends("another phone")
            await chat.sends("/start")
            await chat.sends("/hide")
            assert "another phone" in [message.text for message in other.chat]


# --- forget -----------------------------------------------------------------------------------


class TestForget:
    @claims(
        "utter_forget_confirm", "utter_forget_done", "privacy_rights", "privacy_telegram_number"
    )
    async def test_language_messages_and_place_are_gone_and_nobody_is_known(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erase, "LAST_WORD_SECONDS", 0.05)
        async with phone(tmp_path, FakeClock(), language_code="xx") as chat:
            await chat.sends("/start")
            await chat.taps("Dansk")
            await chat.sends(CANARY)
            visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
            await asks_for_a_person(visitor)
            await chat.sends("/forget")
            assert await visitor.handover() is not None  # nothing goes before the yes
            await chat.taps("action_forget")
            await chat.person.until(
                lambda now: [m.text for m in now] == [shown("utter_hide_done", locale="da")]
            )
            assert chat.person.heard[-2].text == shown("utter_forget_done", locale="da")
            assert await opened(chat.app, tmp_path) == ""
            for table in ("conversations", "messages", "handovers", "timers"):
                assert not rows(tmp_path, table)
            await chat.sends("/start")
            assert chat.texts[-1] == "Hello. Choose your language."

    @claims("utter_forget_done")
    async def test_done_is_not_said_before_it_is_done(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.says(CANARY)
            real, order = app.eraser._say_last_word, []
            app.eraser._failpoint = order.append
            app.eraser._say_last_word = lambda one: order.append("said") or real(one)  # type: ignore[func-returns-value]
            assert screens(await visitor.taps("action_forget")) == ["utter_forget_done"]
            assert await opened(app, tmp_path) == ""
            phoned = Visitor(app, Channel.TELEGRAM)
            await phoned.says(CANARY)
            order.clear()
            await phoned.taps("action_forget")
            assert order[-2:] == ["forget_scrubbed", "said"]

    @claims("privacy_rights")
    async def test_the_way_named_on_the_page_exists(self, tmp_path: Path) -> None:
        renderer = in_force()
        menu = renderer.render(Reply("utter_menu_more", "en"), Channel.WEB)
        (hide,) = [c for row in menu.rows for c in row if c.label == "Hide or delete"]
        everything = renderer.render(Reply(hide.data, "en"), Channel.WEB)
        (about,) = [c for row in everything.rows for c in row if c.label == "All about me"]
        assert about.data == "utter_forget_confirm"
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            await visit.get("/privacy")
            assert "Hide or delete, All about me" in visit.page
            assert IN_FORCE["operator_contact"] in visit.page


# --- cleaning by itself -----------------------------------------------------------------------


class TestAutoclean:
    def test_it_stays_inside_telegram_s_window(self) -> None:
        assert AUTO_DELETE_HOURS < DELETE_WINDOW_HOURS - 1

    @claims("utter_autoclean_on")
    async def test_after_its_hours_the_chat_is_empty_and_nothing_is_said(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with phone(tmp_path, clock, settings={"retention_idle_hours": 100}) as chat:
            await chat.sends("/start")
            await chat.taps("utter_not_safe")
            visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
            await visitor.taps("utter_autoclean_on")
            await chat.settle()
            for _ in range(2):  # every day, not once
                await keep_house(chat.app, clock, hours=AUTO_DELETE_HOURS - 1)
                await deliver(chat.app, clock)
                assert chat.texts
                await keep_house(chat.app, clock, hours=1, minutes=1)
                await deliver(chat.app, clock)
                assert chat.texts == []
                await chat.sends("again")

    @claims("utter_autoclean_on")
    @pytest.mark.parametrize("idle_hours", [5, AUTO_DELETE_HOURS])
    async def test_also_where_we_forget_earlier(self, tmp_path: Path, idle_hours: int) -> None:
        clock = FakeClock()
        settings = {"retention_idle_hours": idle_hours}
        async with phone(tmp_path, clock, settings=settings) as chat:
            await chat.sends("/start")
            visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
            await visitor.taps("utter_autoclean_on")
            await chat.settle()
            assert chat.texts
            heard = len(chat.person.heard)
            await keep_house(chat.app, clock, hours=AUTO_DELETE_HOURS, minutes=1)
            await deliver(chat.app, clock)
            assert chat.texts == []
            assert len(chat.person.heard) == heard
            assert await opened(chat.app, tmp_path) == ""

    @claims("utter_autoclean_off")
    async def test_switched_off_it_cleans_no_more_but_hide_does(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with phone(tmp_path, clock, settings={"retention_idle_hours": 100}) as chat:
            await chat.sends("/start")
            visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
            await visitor.taps("utter_autoclean_on")
            await visitor.taps("action_autoclean_off")
            await chat.settle()
            there = chat.texts
            await keep_house(chat.app, clock, hours=AUTO_DELETE_HOURS + 1)
            await deliver(chat.app, clock)
            assert chat.texts == there
            await chat.sends("/hide")
            assert chat.texts == [shown("utter_hide_done")]


# --- the web page -----------------------------------------------------------------------------


class TestWebPage:
    @claims("privacy_web", "utter_privacy_more")
    async def test_it_loads_nothing_from_elsewhere(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            pages = []
            for path in ("/", "/privacy", "/closed", "/nowhere"):
                answer = await visit.get(path)
                pages.append(answer)
            await visit.get()
            pages.append(await visit.send(tap="utter_safe_to_talk"))
            pages += [await visit.send(tap=tap) for tap in ("utter_legal_help", "utter_phone_more")]
        loaded = re.compile(r'(?:src|action|(?<!a )href|data|poster)="([^"]*)"')
        for page in pages:
            directives = page.headers["content-security-policy"].split("; ")
            policy_ = dict(directive.partition(" ")[::2] for directive in directives)
            assert policy_["default-src"] == "'none'"
            own = {"script-src", "style-src", "img-src", "connect-src", "form-action"}
            assert {policy_[name] for name in own} == {"'self'"}
            assert page.headers["referrer-policy"] == "no-referrer"
            assert not re.search(r"<(?:iframe|img|audio|video|object|embed|base)\b", page.text)
            without_links = re.sub(r"<a [^>]*>", "", page.text)
            assert loaded.findall(without_links)
            for address in loaded.findall(without_links):
                assert not urlsplit(address).netloc, address
        for asset in ("chat.css", "chat.js"):
            text = (STATIC / asset).read_text("utf-8")
            assert "//" not in re.sub(r"(^|\s)//\s.*$", "", text, flags=re.MULTILINE)

    @claims("utter_web_interruption")
    async def test_exit_goes_to_the_site_that_is_named(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            await visit.begins()
            assert 'data-away="https://weather.example/today"' in visit.page
            assert (await visit.client.get("/exit")).headers["location"] == IN_FORCE["neutral_site"]
            await visit.send("/exit")
            assert 'content="0;url=https://weather.example/today"' in visit.page
            assert await opened(app, tmp_path) == ""

    @claims("utter_web_interruption")
    def test_three_times_shift_is_the_exit(self) -> None:
        """What the page does then is tried in a real browser (tests/browser)."""
        script = (STATIC / "chat.js").read_text("utf-8")
        assert "event.key === 'Shift'" in script
        assert re.search(r"if \(shifts\.length === 3 .*\) exit\(\);", script)
        assert "location.replace(root.dataset.away)" in script

    @claims("privacy_title")
    async def test_the_page_is_the_title_and_every_part_once(self, tmp_path: Path) -> None:
        written = {key for key in deck().words if key.startswith("privacy_")}
        title, *parts = privacy_page(in_force().values, "en", telegram=True, translator=True)
        assert title == word("privacy_title")
        assert sorted([title, *parts]) == sorted(word(key) for key in written)
        web_only = privacy_page(in_force().values, "en", telegram=False, translator=True)
        assert set(parts) - set(web_only) == {
            word("privacy_telegram"),
            word("privacy_telegram_number"),
        }
        async with havn(tmp_path, FakeClock()) as app, browser(app) as visit:
            await visit.get("/privacy")
            assert visit.page.count("<h1>") == 1
            assert f"<h1>{title}</h1>" in visit.page

    @claims("privacy_translator")
    async def test_a_translator_is_named_where_one_is_set_and_gets_words_and_languages_only(
        self, tmp_path: Path
    ) -> None:
        """The rest is tried in tests/unit/web/.

        That no translation of a visitor's words is kept: test_translation.py. That what a
        counsellor writes may be translated too: test_send_translated.py.
        """
        async with havn(tmp_path / "off", FakeClock()) as app, browser(app) as visit:
            await visit.get("/privacy")
            assert word("privacy_translator") not in visit.page
        async with translation_server.running() as server:
            settings = {"translator_url": server.address}
            async with havn(tmp_path / "on", FakeClock(), **settings) as app, browser(app) as visit:
                await visit.get("/privacy")
                assert word("privacy_translator") in visit.page
                await app.translator.translate(CANARY, "da", "en")
        expected = {"q": CANARY, "source": "da", "target": "en", "format": "text"}
        assert server.asked == [expected]

    @claims("privacy_case_notes", "privacy_sharing")
    def test_what_staff_keep_and_tell_is_the_operator_s_to_confirm(self) -> None:
        registry = in_force().registry
        for key, fact in (
            ("privacy_case_notes", "case_note_retention"),
            ("privacy_sharing", "authority_sharing_note"),
        ):
            assert deck().words[key] == f"{{{fact}}}"
            assert registry[fact].verify_before_launch
            assert registry[fact].owner == "operator"

    @claims("utter_translation_unreviewed")
    async def test_drafts_say_so_once_a_session_and_checked_words_never(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            for locale, times in (("da", 1), ("en", 0)):
                visitor = Visitor(app, Channel.TERMINAL)
                for _ in range(2):
                    said = list(await visitor.starts(locale))
                    for screen in ("utter_main_menu", "utter_shelter", "utter_debt"):
                        said += await visitor.taps(screen)
                    assert screens(said).count("utter_translation_unreviewed") == times
                    clock.turn(hours=1)

    @claims("utter_translation_unreviewed")
    def test_the_number_is_the_same_in_all_languages(self) -> None:
        locales = in_force().texts.locales
        assert len(locales) > 1
        numbers = {
            re.sub(r"\D", "", shown("utter_translation_unreviewed", locale=locale))
            for locale in locales
        }
        assert numbers == {str(in_force().registry["cmm_phone"].value).removeprefix("+")}


# --- the six questions and the code word ------------------------------------------------------


class TestSixQuestions:
    @claims("utter_check_intro", "privacy_check")
    @pytest.mark.parametrize("typed", [False, True])
    async def test_no_answer_is_in_the_store_during_or_after(
        self, tmp_path: Path, *, typed: bool
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.taps("utter_check_intro")
            await visitor.taps("utter_check_q1")
            for number in range(1, 7):
                answers = [b for b in deck()[f"utter_check_q{number}"].buttons if b.tap.values]
                answer = random.Random(number).choice(answers)
                said = await (
                    visitor.says(answer.label) if typed else visitor.taps(answer.tap.encode())
                )
                following = f"utter_check_q{number + 1}"
                assert screens(said)[-1].startswith(following if number < 6 else "utter_check_")
                incoming = [row for row in rows(tmp_path, "messages") if row["incoming"]]
                assert len(incoming) == 2 + number
                assert {row["body"] for row in incoming} == {None}
                kept = await opened(app, tmp_path)
                assert "answer" not in kept
                assert f'"{answer.label}"' not in kept
            memory = [line for line in kept.splitlines() if line.startswith("conversations.mem")]
            assert "true" not in memory[0]

    @claims("utter_check_intro")
    async def test_words_of_their_own_are_not_saved_either(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.taps("action_check_next q=1 answer=skip")
            await visitor.says(f"my boss has it {CANARY}")
            assert CANARY not in await opened(app, tmp_path)

    @claims("utter_check_intro")
    def test_there_are_six_each_with_skip_and_stop(self) -> None:
        questions = [s for s in deck().screens if re.fullmatch(r"utter_check_q\d", s)]
        assert len(questions) == 6
        for number, screen in enumerate(questions, 1):
            assert deck()[screen].text.startswith(f"{number} of 6.")
            labels = {b.label: b.tap.to for b in deck()[screen].buttons}
            assert labels["Stop"] == "utter_main_menu"
            assert labels["Skip"] == "action_check_next"

    @claims("utter_check_intro")
    async def test_the_ending_names_nothing(self, tmp_path: Path) -> None:
        endings = set()
        async with havn(tmp_path, FakeClock()) as app:
            for answers in ("no other no yes yes no", "yes self yes no no yes"):
                visitor = Visitor(app)
                for number, answer in enumerate(answers.split(), 1):
                    said = await visitor.taps(f"action_check_next q={number} answer={answer}")
                endings.add(said[-1].bubble.screen)
        assert endings == {"utter_check_some_signs", "utter_check_no_signs"}
        text = " ".join(deck()[screen].text.lower() for screen in endings)
        assert not re.search("you are a|victim|trafficking|slave|crime", text)


class TestCodeWord:
    @claims("utter_human_code_word", "privacy_check")
    async def test_only_a_check_of_it_is_kept(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await asks_for_a_person(visitor, code_word="Zebracanary")
            handover = await visitor.handover()
            assert handover is not None
            hash_word = app.sealer.hash_word
            assert handover.code_word == hash_word(handover.conversation, " zebracanary")
            assert handover.code_word != hash_word(handover.conversation, "apple")
            kept = await opened(app, tmp_path)
            assert handover.code_word in kept
            assert CANARY not in kept.lower()

    @claims("utter_human_code_word")
    async def test_question_and_word_leave_the_chat(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            await chat.sends("/person")
            await chat.taps("Only new messages")
            await chat.taps("No, I will look")
            assert "one easy word" in chat.texts[-1]
            await chat.sends("apple")
            assert not [t for t in chat.texts if "one easy word" in t or t == "apple"]
            assert "I asked a person." in chat.texts[-1]


# --- asking for a person ----------------------------------------------------------------------


class TestOnlyAfterAYes:
    @claims(
        "privacy_readers", "privacy_machine", "utter_privacy_short", "utter_danger_offer_person"
    )
    async def test_before_a_yes_there_is_nothing_a_person_could_take(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            for screen in ("utter_danger_now", "utter_danger_offer_person", "utter_human_consent"):
                await visitor.taps(screen)
            await visitor.taps("utter_human_notify consent=all")
            handover = await visitor.handover()
            assert handover is not None
            assert (handover.state, handover.consent) == (State.OFFERED, None)
            await visitor.taps("action_queue_open")
            handover = await visitor.handover()
            assert handover is not None
            assert (handover.state, handover.consent) == (State.WAITING, Consent.ALL)

    @claims("utter_danger_offer_person")
    async def test_yes_in_danger_shows_the_chat_and_asks_at_once(self, tmp_path: Path) -> None:
        assert "They will see this chat." in shown("utter_danger_offer_person")
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.says(CRY)
            await visitor.taps("utter_danger_offer_person level=red")
            assert screens(await visitor.taps("action_queue_urgent")) == ["utter_queue_wait"]
            handover = await visitor.handover()
            assert handover is not None
            assert (handover.state, handover.level) == (State.WAITING, Level.RED)
            assert handover.consent is Consent.ALL

    @claims("utter_human_consent", "utter_minor_limits")
    @pytest.mark.parametrize("minor", [False, True])
    @pytest.mark.parametrize("consent", ["all", "new"])
    async def test_the_visitor_says_what_a_person_may_see(
        self, tmp_path: Path, consent: str, *, minor: bool
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            if minor:
                await visitor.taps("utter_minor_intro minor=yes")
                asked = await visitor.taps("utter_human_consent")
                assert screens(asked) == ["utter_minor_limits"]
                offered = {c.data for row in asked[0].bubble.rows for c in row}
                assert f"utter_human_notify consent={consent}" in offered
            await visitor.taps(f"utter_human_notify consent={consent}")
            await visitor.taps("action_queue_open")
            handover = await visitor.handover()
            assert handover is not None
            assert (handover.consent, handover.minor) == (Consent(consent), minor)

    @claims("utter_minor_limits", "utter_police_papers", "utter_human_consent")
    async def test_the_rules_come_before_the_question(self, tmp_path: Path) -> None:
        assert "Press Talk to a person" in shown("utter_police_papers")
        async with havn(tmp_path, FakeClock()) as app:
            values = app.renderer.values
            for first, fact in (
                ("utter_main_menu", "authority_sharing_note"),
                ("utter_minor_intro minor=yes", "minor_sharing_note"),
            ):
                visitor = Visitor(app)
                await visitor.taps(first)
                (papers,) = await visitor.taps("utter_police_papers")
                (talk,) = [
                    c for row in papers.bubble.rows for c in row if c.label == "Talk to a person"
                ]
                (asked,) = await visitor.taps(talk.data)
                rules = values.fill(f"{{{fact}}}", "en", {})
                assert asked.bubble.text.find(rules) >= 0
                assert await visitor.handover() is None

    @claims("utter_police_papers", "utter_probe_refuse")
    async def test_nothing_is_ever_sent_to_anybody_but_the_visitor(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            for text in ("/start", CRY, "they took my papers, I am illegal", "call the police"):
                await chat.sends(text)
            visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
            await visitor.taps("action_queue_urgent")
            await chat.settle()
            assert "I asked a person." in chat.texts[-1]
            chats = {c.params.get("chat_id") for c in chat.api.calls if "chat_id" in c.params}
            assert {int(one) for one in chats} == {chat.person.id}
        # The channels, the NLU unit's own socket, and two ways that are off unless the operator
        # sets them up, are the only ways out: their own translator, and the bell of counsellors'
        # browsers, whose calls carry no body (tests/integration/test_alerts.py).
        network = re.compile(r"^(?:import|from) (httpx|requests|aiohttp|smtplib|urllib\.request)\b",
                             re.MULTILINE)  # fmt: skip
        using = {
            path.relative_to(ROOT / "bot").as_posix()
            for path in (ROOT / "bot").rglob("*.py")
            if network.search(path.read_text("utf-8")) and "commands" not in path.parts
        }
        # Machine translation is off unless the operator names a server of their own (privacy.md).
        assert using == {
            "adapters/push/web.py",
            "adapters/telegram/channel.py",
            "adapters/translator/libre.py",
        }
        assert Settings().translator_url == Settings().push_subject == ""

    @claims("utter_privacy_more", "privacy_signal", "utter_danger_offer_person")
    async def test_a_sign_of_danger_holds_level_and_language_for_a_short_time(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app)
            await visitor.says(f"{CRY} {CANARY}")
            handover = await visitor.handover()
            assert handover is not None
            assert (handover.level, handover.locale) == (Level.RED, "en")
            assert CANARY not in repr(handover)
            empty = (handover.consent, handover.code_word, handover.minor, handover.asked_at)
            assert empty == (None, "", False, None)
            assert timedelta(minutes=30) > SIGNAL
            assert handover.is_signal(clock.now())
            assert not handover.is_signal(clock.now() + SIGNAL + timedelta(seconds=1))

    @claims("utter_human_notify")
    @pytest.mark.parametrize(("choice", "kept"), [("push", Notify.PUSH), ("pull", Notify.PULL)])
    async def test_the_hello_is_sent_only_to_who_wants_it(
        self, tmp_path: Path, choice: str, kept: Notify
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.taps("utter_human_notify consent=new")
            await visitor.taps(f"utter_human_code_word notify={choice}")
            await visitor.taps("action_queue_open")
            handover = await visitor.handover()
            assert handover is not None
            assert handover.notify is kept
        # Short and neutral, because it can show on a locked screen.
        assert shown("utter_push_ping") == "Hello. Look here when you are alone."


class TestInATalk:
    @claims("utter_human_parked")
    async def test_a_person_who_has_to_stop_costs_no_place(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app)
            await joined(app, visitor)
            before = await visitor.handover()
            assert before is not None
            await app.hotline.park(COLLEAGUE, before.id or 0)
            assert screens(await everything(visitor))[-1] == "utter_human_parked"
            await app.hotline.end_shift(COLLEAGUE)
            assert screens(await visitor.taps("action_pull")) == ["utter_human_parked"]
            await on_shift(app, OTHER)
            assert screens(await visitor.taps("action_pull")) == ["utter_queue_still_waiting"]
            after = await visitor.handover()
            assert after is not None
            assert (after.state, after.asked_at) == (State.WAITING, before.asked_at)

    @claims("utter_human_parked")
    async def test_a_place_of_a_talk_that_was_parked_lasts_as_long_as_the_page(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app)
            await joined(app, visitor)
            held = await visitor.handover()
            assert held is not None
            await app.hotline.park(COLLEAGUE, held.id or 0)
            await keep_house(app, clock, minutes=6)
            assert await is_known(app, visitor)
            await keep_house(app, clock, minutes=2)
            assert not await is_known(app, visitor)
        assert _WEB_MINUTES in shown("utter_human_parked", Channel.WEB)

    @claims("utter_human_nothing_new", "utter_human_lost")
    async def test_a_lost_person_costs_no_place(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app)
            await joined(app, visitor)
            assert screens(await visitor.taps("action_pull")) == ["utter_human_nothing_new"]
            before = await visitor.handover()
            clock.turn(minutes=2)
            await visitor.says("are you there")
            await keep_house(app, clock, minutes=1)
            assert screens(await everything(visitor))[-1] == "utter_human_lost"
            after = await visitor.handover()
            assert before is not None
            assert after is not None
            assert (after.state, after.asked_at) == (State.WAITING, before.asked_at)
            # "Another person will read this."
            await on_shift(app, OTHER)
            await app.hotline.take(OTHER, "Bo", after.id or 0)
            talk = await app.reader.open(OTHER, after.id or 0)
            assert "are you there" in [s.text for s in talk.said]

    @claims("utter_human_transfer", "utter_human_transfer_yes", "utter_human_transfer_no")
    @pytest.mark.parametrize("agreed", [False, True])
    async def test_a_colleague_reads_what_was_before_only_after_a_yes(
        self, tmp_path: Path, *, agreed: bool
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await joined(app, visitor)
            await visitor.says(CANARY)
            number = (await visitor.handover()).id  # type: ignore[union-attr]
            await on_shift(app, OTHER)
            await app.hotline.offer_transfer(COLLEAGUE, ALIAS, number, OTHER, "", "transfer_shift")
            question = (await everything(visitor))[-1].bubble
            assert f"{ALIAS} wants to ask a colleague" in question.text
            assert "Reason: the working day ends." in question.text
            (told,) = await visitor.taps(f"action_transfer_{'yes' if agreed else 'no'}")
            assert told.bubble.screen == f"utter_human_transfer_{'yes' if agreed else 'no'}"
            await app.hotline.accept_transfer(OTHER, "Bo", number)
            await visitor.says("and now")
            talk = await app.reader.open(OTHER, number)
            read = [s.text for s in talk.said if s.author == "visitor"]
            assert read == ([CANARY, "and now"] if agreed else ["and now"])

    @claims("utter_human_quiet")
    async def test_silence_is_followed_by_nothing_until_the_visitor_comes_back(
        self, tmp_path: Path
    ) -> None:
        clock, channel = FakeClock(), RecordingChannel()
        async with havn(tmp_path, clock, channel=channel) as app:
            visitor = Visitor(app, Channel.TELEGRAM)
            await joined(app, visitor)
            await deliver(app, clock)
            clock.turn(minutes=2)
            number = (await visitor.handover()).id  # type: ignore[union-attr]
            await app.hotline.say(COLLEAGUE, ALIAS, number, "take your time", "1")
            await deliver(app, clock)
            before = len(channel.shown)
            for _ in range(8):
                clock.turn(minutes=4)
                await app.hotline.beat(COLLEAGUE)
            await app.hotline.close(COLLEAGUE, number, Close(Outcome.QUIET))
            await deliver(app, clock)
            assert len(channel.shown) == before
            await visitor.taps("action_pull")
            await deliver(app, clock)
            assert channel.screens[-1] == "utter_human_quiet"
            # "Come back any time and ask again."
            await asks_for_a_person(visitor)
            assert await visitor.handover() is not None

    @claims("utter_minor_urgent", "utter_danger_offer_young")
    async def test_the_young_in_danger_show_only_new_messages_and_read_the_limits(
        self, tmp_path: Path
    ) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            await visitor.taps("utter_minor_intro minor=yes")
            await visitor.says(f"{CRY} {CANARY}")
            (offer,) = await visitor.taps("utter_danger_offer_person level=red")
            assert offer.bubble.screen == "utter_danger_offer_young"
            wait, limits = await visitor.taps("action_queue_urgent")
            assert "112" in wait.bubble.text
            assert wait.bubble.screen == "utter_queue_wait"
            assert app.renderer.values.fill("{minor_sharing_note}", "en", {}) in limits.bubble.text
            handover = await visitor.handover()
            assert handover is not None
            assert (handover.state, handover.level) == (State.WAITING, Level.RED)
            await app.hotline.take(COLLEAGUE, ALIAS, handover.id or 0)
            await visitor.says("new words")
            talk = await app.reader.open(COLLEAGUE, handover.id or 0)
            assert [s.text for s in talk.said if s.author == "visitor"] == ["new words"]


class TestReturnCode:
    @claims("utter_return_code", "utter_return_code_ask", "utter_return_code_wrong")
    async def test_the_words_open_the_chat_once_elsewhere_and_are_deleted(
        self, tmp_path: Path
    ) -> None:
        async with phone(tmp_path, FakeClock(), settings={"return_codes": True}) as chat:
            await chat.sends("/start")
            old = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
            await asks_for_a_person(old)
            waits = await old.handover()
            assert waits is not None
            await old.taps("action_return_code")
            await chat.settle()
            code = chat.texts[-1].partition(":")[2].partition(".")[0].strip()
            assert len(code.split()) == WORDS
            assert all(word in read_code_words() for word in code.split())
            await chat.taps("Go on")
            assert code not in " ".join(chat.texts)

            chat.clock.turn(minutes=4)
            await chat.app.hotline.take(COLLEAGUE, ALIAS, waits.id or 0)
            await chat.app.hotline.say(COLLEAGUE, ALIAS, waits.id or 0, CANARY, "1")
            new, late = Visitor(chat.app), Visitor(chat.app)
            await new.says(code)
            assert CANARY in (await new.taps("action_pull"))[-1].bubble.text
            assert screens(await late.says(code)) == ["utter_return_code_wrong"]

    @claims("utter_return_code", "utter_return_code_wrong")
    async def test_new_words_replace_the_old_and_after_a_minute_words_are_looked_at(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock, return_codes=True) as app:
            visitor, other = Visitor(app), Visitor(app)
            await asks_for_a_person(visitor)
            first, second = [
                said.bubble.text.partition(":")[2].partition(".")[0].strip()
                for _ in range(2)
                for said in await visitor.taps("action_return_code")
            ]
            # However many were wrong before, a minute is enough.
            for _ in range(10):
                assert screens(await other.says(first)) == ["utter_return_code_wrong"]
                clock.turn(minutes=1)
            assert screens(await other.says(first)) == ["utter_return_code_wrong"]
            assert screens(await other.says(second)) == ["utter_return_code_wrong"]
            clock.turn(minutes=1)
            assert screens(await other.says(second)) == ["utter_push_ping"]


class TestReport:
    @claims("utter_report_done", "privacy_report")
    async def test_editors_learn_text_language_and_day_and_nothing_of_the_visitor(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app, Channel.TELEGRAM, sender=CANARY)
            await visitor.starts("da")
            await visitor.says(CANARY)
            await visitor.taps("utter_shelter")
            assert screens(await visitor.taps("action_report_text")) == ["utter_report_done"]
            (known,) = rows(tmp_path, "conversations")
            (told,) = rows(tmp_path, "content_remarks")
            async with app.store.begin() as unit:
                (report,) = await unit.contents.reports()
            # What nobody reported before has the same row, but for the day: it is no visitor's.
            async with havn(tmp_path / "other", clock) as other:
                clock.turn(hours=25)
                somebody = Visitor(other, Channel.TELEGRAM, hint="uk")
                await somebody.starts("da")
                await somebody.taps("utter_shelter")
                await somebody.taps("action_report_text")
                (same,) = rows(tmp_path / "other", "content_remarks")
        assert (report.item.locale, report.item.context) == ("da", "utter_shelter")
        assert {**told, "at": 0} == {**same, "at": 0}
        assert told["at"] % 86_400_000 == same["at"] % 86_400_000 == 0
        assert CANARY not in str(told)
        assert known["id"] not in str(told)

    @claims("utter_report_nothing")
    async def test_it_is_the_text_right_before(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            assert screens(await visitor.taps("action_report_text")) == ["utter_report_nothing"]
            await joined(app, visitor)
            assert screens(await visitor.taps("action_report_text")) == ["utter_report_done"]
            handover = await visitor.handover()
            assert handover is not None
            await app.hotline.say(COLLEAGUE, ALIAS, handover.id or 0, "a person's words", "1")
            assert screens(await visitor.taps("action_report_text")) == ["utter_report_nothing"]


class TestSafeWord:
    @claims("utter_safe_word", "utter_safe_word_set")
    async def test_it_deletes_the_chat_and_comes_back(self, tmp_path: Path) -> None:
        async with phone(tmp_path, FakeClock()) as chat:
            await chat.sends("/start")
            visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
            await visitor.taps("utter_safe_word")
            await chat.settle()
            await chat.sends("hop")  # three letters
            assert "Please take another word." in chat.texts[-1]
            await chat.sends("Zebracanary")
            assert "Your safe word works from now on." in chat.texts[-1]
            # Question and word leave the chat at once.
            told = " ".join(chat.texts).lower()
            assert not [w for w in ("safe word hides", CANARY, "hop", "another word") if w in told]
            assert CANARY not in (await opened(chat.app, tmp_path)).lower()
            await chat.sends("what is a shelter")
            await chat.sends(CANARY)
            assert chat.texts == [
                "Danish word of the day: havn. It means harbour, a place for ships."
            ]
            await chat.sends("ZEBRACANARY")
            assert chat.texts[-1] == "Hello. How can I help?"


class TestWaiting:
    @claims("utter_queue_wait")
    async def test_the_time_told_grows_with_who_waits_before(self, tmp_path: Path) -> None:
        told, clock = [], FakeClock()
        async with havn(tmp_path, clock) as app:
            for _ in range(3):
                clock.turn(seconds=1)
                visitor = Visitor(app)
                await visitor.taps("utter_human_notify consent=all")
                said = await visitor.taps("action_queue_open")
                told.append(said[-1].bubble.text)
        assert ["about 10 to 20 minutes" in told[0], "30 to 60 minutes" in told[2]] == [True] * 2
        assert len(set(told)) == 3

    @claims("utter_queue_wait", "utter_queue_kept")
    async def test_the_chat_may_be_closed_and_looked_at_later(self, tmp_path: Path) -> None:
        clock = FakeClock()
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app, Channel.TELEGRAM)
            await asks_for_a_person(visitor)
            await keep_house(app, clock, hours=6)
            assert screens(await visitor.taps("action_pull")) == ["utter_queue_still_waiting"]

    @claims("utter_queue_offhours", "utter_queue_kept")
    async def test_outside_the_hours_told_a_place_is_kept_only_if_wanted(
        self, tmp_path: Path
    ) -> None:
        clock = FakeClock(CLOSED)
        async with havn(tmp_path, clock) as app:
            visitor = Visitor(app, Channel.TELEGRAM)
            await visitor.taps("utter_human_notify consent=all")
            (closed,) = await visitor.taps("action_queue_open")
            assert closed.bubble.screen == "utter_queue_offhours"
            hours = app.renderer.values.fill("{chat_hours}", "en", {})
            assert f"The usual hours are: {hours}." in closed.bubble.text
            handover = await visitor.handover()
            assert handover is None or handover.state is State.OFFERED
            (kept,) = await visitor.taps("utter_queue_kept")
            assert "after Monday, 23 November 2026, 08:30" in kept.bubble.text
            handover = await visitor.handover()
            assert handover is not None
            assert handover.state is State.LEFT_MESSAGE
            assert screens(await visitor.taps("action_pull")) == ["utter_queue_kept"]
            clock.turn(hours=10)  # Monday, 09:00 in Copenhagen
            await on_shift(app, COLLEAGUE)
            open_now = Visitor(app, Channel.TELEGRAM)
            await open_now.taps("utter_human_notify consent=all")
            assert screens(await open_now.taps("action_queue_open")) == ["utter_queue_wait"]

    @claims("utter_queue_kept")
    async def test_hide_does_not_lose_the_place(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock(CLOSED)) as app:
            visitor = Visitor(app, Channel.TELEGRAM)
            await asks_for_a_person(visitor)
            await visitor.taps("utter_queue_kept")
            await visitor.taps("action_hide")
            handover = await visitor.handover()
            assert handover is not None
            assert handover.state is State.LEFT_MESSAGE
            assert screens(await visitor.taps("action_pull")) == ["utter_queue_kept"]

    @claims("utter_human_cancelled")
    async def test_stop_waiting_ends_it_and_one_can_ask_again(self, tmp_path: Path) -> None:
        async with havn(tmp_path, FakeClock()) as app:
            visitor = Visitor(app)
            for _ in range(2):
                await asks_for_a_person(visitor)
                assert await visitor.handover() is not None
                assert screens(await visitor.taps("utter_human_cancelled"))[-1] == (
                    "utter_human_cancelled"
                )
                assert await visitor.handover() is None
            states = [row["state"] for row in rows(tmp_path, "handovers")]
            assert states == ["closed", "closed"]


# --- answers to others ------------------------------------------------------------------------


class TestDiscretion:
    @claims("utter_probe_refuse")
    async def test_everybody_gets_the_same_words_whoever_has_written(self, tmp_path: Path) -> None:
        dialogue = FakeDialogue(who=meaning("probe", "utter_probe_refuse"))
        answers = set()
        async with havn(tmp_path, FakeClock(), dialogue=dialogue) as app:
            for before in ((), ("utter_danger_now",), ("utter_human_notify consent=all",
                           "action_queue_open"), ("utter_check_q1",)):  # fmt: skip
                visitor = Visitor(app)
                await visitor.starts()
                for tap in before:
                    await visitor.taps(tap)
                await visitor.taps("utter_main_menu")
                for _ in range(2):
                    (said,) = await visitor.says("who")
                    answers.add(repr(said.bubble))
        assert len(answers) == 1
        assert "utter_probe_refuse" in answers.pop()

    @claims("utter_shelter", "utter_probe_refuse")
    def test_no_screen_holds_an_address_or_a_worker_s_name(self) -> None:
        address = re.compile(
            r"\b\w+(?:gade|vej|gaden|vejen|allé|plads|stræde|boulevard) \d|\bDK?-?\d{4} [A-ZÆØÅ]"
        )
        values = {
            "wait_estimate": "10-20",
            "next_open_time": "2026-11-24T09:00:00+00:00",
            "staff_alias": "Alias",
            "option_1": "utter_debt",
            "option_2": "utter_shelter",
            "transfer_reason": "transfer_shift",
            "return_code": "one two three",
            "fact_reviewed_on": "2026-11-22",
        }
        for screen, locale in itertools.product(deck().screens, in_force().texts.locales):
            for channel in (Channel.TELEGRAM, Channel.WEB):
                assert not address.search(shown(screen, channel, locale, **values)), screen
        assert address.search("Vestergade 12")

    @claims("utter_return_neutral")
    async def test_after_a_pause_nothing_tells_of_before(self, tmp_path: Path) -> None:
        clock = FakeClock()
        dialogue = FakeDialogue(hello=meaning("greet", "utter_greet"))
        async with havn(tmp_path, clock, dialogue=dialogue) as app:
            answers = []
            for topic in ("utter_shelter", "utter_debt"):
                visitor = Visitor(app, Channel.TELEGRAM)
                await visitor.starts()
                await visitor.taps(topic)
                clock.turn(minutes=31)
                (said,) = await visitor.says("hello")
                answers.append(said.bubble)
        assert answers[0] == answers[1]
        assert answers[0].screen == "utter_return_neutral"

    @claims("utter_nlu_off")
    async def test_it_says_that_it_cannot_read_only_when_it_cannot(self, tmp_path: Path) -> None:
        dialogue = FakeDialogue(owe=meaning("debt", "utter_debt"))
        async with havn(tmp_path, FakeClock(), dialogue=dialogue) as app:
            visitor = Visitor(app)
            await visitor.starts()
            assert screens(await visitor.says("owe"))[-1] == "utter_debt"
            dialogue.down = True
            assert screens(await visitor.says("owe"))[-1] == "utter_nlu_off"
            # "not well": buttons, their labels and words of danger still work.
            assert screens(await visitor.says("Menu"))[-1] == "utter_main_menu"
            assert screens(await visitor.does(Tapped(Tap("utter_debt"))))[-1] == "utter_debt"
            assert screens(await visitor.does(Text(CRY)))[-1] == "utter_danger_now"
