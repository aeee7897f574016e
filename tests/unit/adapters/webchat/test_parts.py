"""The small parts: links, the crowd, sessions and what a page keeps."""

from datetime import UTC, datetime

import pytest

from bot.adapters.webchat.crowd import Crowd, network
from bot.adapters.webchat.links import Piece, screen_links, split
from bot.adapters.webchat.session import Departures, external_id, is_idle, new_secret
from bot.adapters.webchat.view import Said, View, remaining
from bot.domain.messages import Bubble, Choice, MessageId, Sent
from bot.settings import Settings
from tests.support.webchat_door import make_renderer

PHONE = "+45\u00a070\u00a020\u00a025\u00a050"
LINKS = {PHONE: "tel:+4570202550", "112": "tel:112"}


def bubble(screen: str, text: str = "words", on: str = "") -> Bubble:
    return Bubble(screen, "en", text, (), on)


def test_numbers_become_links() -> None:
    assert split(f"Call {PHONE}, or 112.", LINKS) == [
        Piece("Call "),
        Piece(PHONE, "tel:+4570202550"),
        Piece(", or "),
        Piece("112", "tel:112"),
        Piece("."),
    ]


def test_isolated_numbers_become_links() -> None:
    assert [p.href for p in split(f"\u2066{PHONE}\u2069", LINKS)] == ["", "tel:+4570202550", ""]


@pytest.mark.parametrize("text", ["1123", "2112", "+112", "a112", "112a", "70 20 25 50", ""])
def test_parts_of_other_numbers_are_no_links(text: str) -> None:
    assert [piece for piece in split(text, LINKS) if piece.href] == []


def test_statistics_never_dial() -> None:
    renderer = make_renderer()
    said = Settings().said()
    menu = screen_links(renderer.deck, renderer.registry, said, "utter_main_menu")
    assert menu == LINKS
    assert "112" not in screen_links(
        renderer.deck, renderer.registry, said, "utter_statistics_more"
    )
    assert screen_links(renderer.deck, renderer.registry, said, "") == {}


def test_only_https_addresses_become_links() -> None:
    renderer = make_renderer()
    for address, linked in (("https://a.example/p", True), ("http://a.example/p", False)):
        said = {**Settings().said(), "privacy_url": address}
        found = screen_links(renderer.deck, renderer.registry, said, "utter_privacy_short")
        assert (address in found) is linked


async def test_crowd_slows_one_network_and_no_other() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    now = [0.0]
    crowd = Crowd(clock=lambda: now[0], sleep=sleep)
    for i in range(20):
        await crowd.arrive(f"192.0.2.{i}")
    assert waits == []
    for i in range(100):
        await crowd.arrive(f"192.0.2.{i}")
    assert waits[0] == 0.25
    assert max(waits) == 4.0
    count = len(waits)
    await crowd.arrive("198.51.100.1")
    await crowd.arrive("2001:db8::1")
    assert len(waits) == count
    now[0] = 601
    await crowd.arrive("192.0.2.1")
    assert len(waits) == count


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("unix:", ""),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
    ],
)
def test_network_is_coarse(address: str, expected: str) -> None:
    assert network(address) == expected


async def test_crowd_keeps_no_address() -> None:
    crowd = Crowd()
    await crowd.arrive("192.0.2.77")
    assert "192.0.2" not in repr(vars(crowd))


def test_secrets_are_long_and_new() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert all(len(new_secret()) == 43 for _ in range(10))


def test_external_id_differs_with_each_part() -> None:
    ids = {
        external_id("t", "n", "Text", "a"),
        external_id("t", "n", "Text", "b"),
        external_id("t", "n", "Tapped", "a"),
        external_id("t", "m", "Text", "a"),
        external_id("u", "n", "Text", "a"),
    }
    assert len(ids) == 5
    assert {len(one) for one in ids} == {64}


def test_idle_counts_from_the_last_sign_of_life() -> None:
    assert not is_idle(1200, page_at=0, shown_at=0, minutes=20)
    assert is_idle(1201, page_at=0, shown_at=0, minutes=20)
    assert not is_idle(1201, page_at=10, shown_at=0, minutes=20)
    assert is_idle(5000, page_at=9999, shown_at=0, minutes=20)


def test_departures_are_forgotten_in_time() -> None:
    now = [0.0]
    left = Departures(seconds=10, clock=lambda: now[0])
    left.note("token")
    assert "token" in left
    assert "other" not in left
    now[0] = 11
    assert "token" not in left


def test_page_keeps_nothing_from_before_a_hiding() -> None:
    said = [Said(bubble("utter_a"), 1), Said(bubble("utter_hide_done"), 2), Said(bubble("b"), 3)]
    assert [m.id for m in remaining(said)] == [2, 3]


def test_page_keeps_the_code_word_question_only_while_it_is_open() -> None:
    asked = [Said(bubble("utter_a"), 1), Said(bubble("utter_human_code_word"), 2)]
    assert [m.id for m in remaining(asked)] == [1, 2]
    assert [m.id for m in remaining([*asked, Said(bubble("b"), 3)])] == [1, 3]


def test_page_drops_what_was_replaced() -> None:
    assert [m.id for m in remaining([Said(bubble("a"), 1), Said(bubble("b", on="1"), 2)])] == [2]


def test_page_keeps_the_last_few_and_everything_new() -> None:
    said = [Said(bubble(f"s{i}"), i) for i in range(1, 31)]
    assert [m.id for m in remaining(said)] == list(range(25, 31))
    assert [m.id for m in remaining(said, fresh={29, 30})] == list(range(25, 31))
    assert [m.id for m in remaining(said, fresh=range(11, 31))] == list(range(11, 31))


def test_row_of_ways_out_is_told_from_other_buttons() -> None:
    def offering(*rows: tuple[str, ...]) -> View:
        made = tuple(tuple(Choice(data, data) for data in row) for row in rows)
        return View("en", "t", "n", [Said(Bubble("s", "en", "x", made))])

    full = ("utter_phone_numbers", "utter_human_consent", "action_hide")
    assert [c.data for c in offering(("utter_x",), full).row] == list(full)
    assert offering(("utter_x",), ("utter_phone_numbers",)).row == ()
    both = offering(("utter_human_consent",), full)
    assert [c.data for c in both.row] == list(full), "the row is whole on every screen"
    assert [[c.data for c in row] for row in both.answers] == [["utter_human_consent"]]


def test_buttons_of_a_notice_come_after_the_answer() -> None:
    notice = Bubble("utter_translation_unreviewed", "en", "x", ((Choice("Menu", "m"),),))
    answer = Bubble("utter_x", "en", "x", ((Choice("Danger", "d"),), (Choice("Menu", "m"),)))
    view = View("en", "t", "n", [Said(notice, 1), Said(answer, 2)])
    assert [[c.data for c in row] for row in view.answers] == [["d"], ["m"]]


def test_person_is_named_and_the_program_is_not() -> None:
    at = datetime(2027, 1, 1, tzinfo=UTC)
    assert Said.of(Sent(MessageId(1), "program", at, bubble("a"))).person == ""
    assert Said.of(Sent(MessageId(1), "Ana", at, bubble(""))).person == "Ana"


@pytest.mark.parametrize(
    ("screens", "expected"),
    [
        (("utter_debt",), True),
        (("utter_debt", "utter_suicide_again"), True),
        (("utter_debt", "utter_push_ping"), True),
        (("utter_translation_unreviewed", "utter_debt"), True),
        (("utter_push_ping",), False),
        (("utter_debt", "utter_report_done"), False),
        (("utter_report_nothing",), False),
        # A counsellor's own words, questions for a secret, and pages that show nothing of before.
        (("utter_human_joined", "line"), False),
        (("utter_debt", "utter_human_code_word"), False),
        (("utter_safe_word",), False),
        (("utter_hide_done",), False),
        (("utter_decoy_2",), False),
    ],
)
def test_a_page_offers_to_report_the_text_that_is_meant(
    screens: tuple[str, ...], expected: bool
) -> None:
    said = [Said(bubble(screen), number) for number, screen in enumerate(screens, 1)]
    assert View("en", "t", "n", said=said, begun=True).reportable is expected
    assert View("en", "t", "n", before=said, begun=True).reportable is expected
    assert not View("en", "t", "n", said=said).reportable
    # The numbers a broken store leaves, and nothing at all.
    assert not View("en", "t", "n", said=[Said(bubble("utter_error"))], begun=True).reportable
    assert not View("en", "t", "n", begun=True).reportable
