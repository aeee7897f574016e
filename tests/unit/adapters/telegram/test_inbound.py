"""The door of Telegram: what is let in, and that everything else is dropped."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.constants import UpdateType

from bot.adapters.telegram.inbound import COMMANDS, Entry, Reader, Refused, Why
from bot.domain.messages import Channel, Event, Incoming, Media, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.domain.turn import ACTIONS
from tests.support.deck import deck
from tests.support.telegram_payloads import MEDIA, Person, bot_user, forwarded_from, media

PERSON = Person.invented(7_000_000_101, language_code="da")
READER = Reader("42", lambda: ("en", "da", "ro", "pt_BR"))
MENU = Tapped(Tap("utter_main_menu"))


def message(**fields: Any) -> dict[str, Any]:
    base = {"message_id": 9, "date": 1, "chat": PERSON.chat(), "from": PERSON.user()}
    return base | fields


def update(kind: str = "message", **content: Any) -> dict[str, Any]:
    return {"update_id": 77, kind: content}


def event_of(raw: object) -> Event:
    entry = READER.read(raw)
    assert isinstance(entry, Entry), entry
    return entry.incoming.event


def typed(text: str) -> Event:
    return event_of(update(**message(text=text)))


def why(raw: object) -> Why:
    refused = READER.read(raw)
    assert isinstance(refused, Refused), refused
    return refused.why


def tapped(data: object, **chat: Any) -> dict[str, Any]:
    shown = message(text="Hello") | {"message_id": 12, "chat": PERSON.chat() | chat}
    return update("callback_query", id="4", **{"from": PERSON.user()}, message=shown, data=data)


def test_text_keeps_what_is_needed_and_nothing_else() -> None:
    assert READER.read(update(**message(text="hello"))) == Entry(
        77,
        Incoming(
            channel=Channel.TELEGRAM,
            external_id="42:77",
            sender="7000000101",
            address="7000000101",
            reference="9",
            event=Text("hello"),
            hint="da",
        ),
    )


def test_tap_keeps_its_target_and_the_message_it_was_under() -> None:
    entry = READER.read(tapped("action_set_language locale=ro"))
    assert entry == Entry(
        77,
        Incoming(
            channel=Channel.TELEGRAM,
            external_id="42:77",
            sender="7000000101",
            address="7000000101",
            on="12",
            event=Tapped(Tap("action_set_language", {"locale": "ro"})),
            hint="da",
        ),
        tap="4",
    )


@pytest.mark.parametrize("data", ["", "rm -rf", "utter_x" * 20, None, 7, ["utter_x"], "\ud800"])
def test_forged_or_old_button_leads_to_the_menu(data: object) -> None:
    assert event_of(tapped(data)) == MENU


def test_button_under_a_message_that_is_gone_still_works() -> None:
    raw = tapped("utter_phone_numbers")
    gone = {"message_id": 12, "chat": PERSON.chat(), "date": 0}
    raw["callback_query"]["message"] = gone
    assert event_of(raw) == Tapped(Tap("utter_phone_numbers"))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("", Start()),
        ("ro-p07", Start("ro")),
        ("ro", Start("ro")),
        ("da-pro", Start("da", "pro")),
        ("pro", Start("", "pro")),
        ("pt-BR-press", Start("pt_BR", "press")),
        ("pt_BR", Start("pt_BR")),
        ("xx-secret-token-of-hers", Start()),
        ("da pro", Start()),
        ("-", Start()),
    ],
)
def test_deep_link_gives_locale_and_branch_only(payload: str, expected: Start) -> None:
    assert typed(f"/start {payload}") == expected


def test_every_command_of_the_menu_is_obeyed() -> None:
    profile: Any = deck().meta["channel_profile"]
    assert {entry["command"] for entry in profile["commands"]} == COMMANDS.keys()
    assert all(tap.to in {*deck().screens, *ACTIONS} for tap in COMMANDS.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/menu", MENU),
        ("/MENU@emulated_info_bot", MENU),
        ("/phone", Tapped(Tap("utter_phone_numbers"))),
        ("/person", Tapped(Tap("utter_human_consent"))),
        ("/hide", Tapped(Tap("action_hide"))),
        ("/hide quick", Tapped(Tap("action_hide"))),
        ("/language", Tapped(Tap("utter_choose_language"))),
        ("/forget", Tapped(Tap("utter_forget_confirm"))),
        ("/report", Tapped(Tap("action_report_text"))),
        ("/report he has a knife", Text("report he has a knife")),
        ("/person he has a knife", Text("person he has a knife")),
        ("/slet", Text("slet")),
        ("/help me\nnow", Text("help me\nnow")),
        ("/request_human{}", Text("/request_human{}")),
        ("/", Text("/")),
        ("  two  words ", Text("two  words")),
        ("half \ud83d of a pair", Text("half ? of a pair")),
        ("nul\0byte", Text("nulbyte")),
    ],
)
def test_commands_and_words(text: str, expected: Event) -> None:
    assert typed(text) == expected


def test_command_before_lines_of_text_is_read_as_words() -> None:
    assert typed("/menu\nhe is here") == Text("menu he is here")


@pytest.mark.parametrize("kind", MEDIA)
def test_media_is_answered_and_its_caption_heard(kind: str) -> None:
    assert event_of(update(**message(**media(kind, PERSON)))) == Media()
    with_words = message(**media(kind, PERSON), caption="help me")
    assert event_of(update(**with_words)) == Text("help me")


def test_unknown_kind_of_content_and_empty_text_count_as_media() -> None:
    assert event_of(update(**message(hologram={"x": 1}))) == Media()
    assert event_of(update(**message(text="  "))) == Media()
    assert event_of(update(**message())) == Media()


def test_edited_words_are_new_words_but_a_moving_location_is_silent() -> None:
    assert event_of(update("edited_message", **message(text="again"))) == Text("again")
    caption = message(**media("photo", PERSON), caption="see")
    assert event_of(update("edited_message", **caption)) == Text("see")
    moving = message(**media("location", PERSON))
    assert why(update("edited_message", **moving)) is Why.NOTHING_SAID


def test_report_of_telegram_is_not_answered() -> None:
    timer = message(message_auto_delete_timer_changed={"message_auto_delete_time": 86400})
    assert why(update(**timer)) is Why.NOTHING_SAID


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_groups_are_left(kind: str) -> None:
    chat = {"id": -100, "type": kind, "title": "T"}
    member = {"user": bot_user(42), "status": "member"}
    updates = [
        update(**message(text="hi") | {"chat": chat}),
        update("edited_message", **message(text="hi") | {"chat": chat}),
        update("channel_post", chat=chat, message_id=1),
        tapped("utter_main_menu", id=-100, type=kind),
        update("my_chat_member", chat=chat, new_chat_member=member),
    ]
    for raw in updates:
        refused = READER.read(raw)
        assert isinstance(refused, Refused)
        assert (refused.why, refused.leave) == (Why.NOT_PRIVATE, -100)


def test_a_group_that_removed_us_is_not_left_again_and_a_block_is_only_counted() -> None:
    gone = {"user": bot_user(42), "status": "kicked"}
    chat = {"id": -100, "type": "group", "title": "T"}
    for place in (chat, PERSON.chat()):
        refused = READER.read(update("my_chat_member", chat=place, new_chat_member=gone))
        assert refused == Refused(77, Why.MEMBERSHIP, UpdateType.MY_CHAT_MEMBER)


def test_other_bots_are_not_heard() -> None:
    robot = message(text="hi") | {"from": {"id": 1, "is_bot": True, "first_name": "B"}}
    assert why(update(**robot)) is Why.FROM_A_BOT


def test_unknown_kinds_are_named_by_type_only() -> None:
    assert READER.read(update("poll", id="1")) == Refused(77, Why.UNKNOWN_KIND, UpdateType.POLL)
    assert READER.read(update("hologram", id="1")) == Refused(77, Why.UNKNOWN_KIND, None)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "text",
        {},
        {"update_id": True},
        {"update_id": "5"},
        {"update_id": -1},
        {"update_id": 10**30},
        {"update_id": 5, "message": None},
        {"update_id": 5, "message": []},
        {"update_id": 5, "message": {"chat": 7}},
        update(**message(text=["a"])),
        update(**message(text={"a": 1})),
        update(**message(text="hi") | {"from": "you"}),
        update(**message(text="hi") | {"message_id": None}),
        update(**message(text="hi") | {"chat": {"type": "private", "id": "7"}}),
        update("callback_query", id="4", data="utter_x", inline_message_id="1"),
    ],
)
def test_malformed_update_is_refused_without_an_error(raw: object) -> None:
    assert why(raw) is Why.UNREADABLE


def test_nothing_about_the_person_is_kept() -> None:
    fields = message(text="hello", **forwarded_from(PERSON, 1))
    for kind in MEDIA:
        fields |= media(kind, PERSON)
    whole = repr(fields)
    marks = PERSON.canaries()
    assert all(mark in whole for mark in marks), "the payload must carry what could leak"
    entry = READER.read(update(**fields))
    assert isinstance(entry, Entry)
    kept = "".join(str(getattr(entry.incoming, name)) for name in entry.incoming.__slots__)
    assert not [mark for mark in marks if mark in kept]


def test_repr_shows_neither_words_nor_address() -> None:
    entry = READER.read(update(**message(text="a secret")))
    assert "secret" not in repr(entry)
    assert "7000000101" not in repr(entry)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.data())
def test_mutated_updates_never_raise(data: st.DataObject) -> None:
    good = [update(**message(text="/start ro")), tapped("utter_main_menu")]
    raw = copy.deepcopy(data.draw(st.sampled_from(good)))
    place: Any = raw
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(JSON)
        break
    assert isinstance(READER.read(raw), Entry | Refused)
