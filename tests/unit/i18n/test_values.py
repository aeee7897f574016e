import re
from datetime import date
from pathlib import Path

import pytest

from bot.domain.errors import FactError
from bot.domain.facts import Fact, Kind, Registry
from bot.domain.hours import WeekHours
from bot.domain.screens import Deck
from bot.i18n import Texts, Values
from bot.i18n.values import phone, write_date, write_moment

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
WORDS = {
    "open_always": "day and night",
    "public_holidays": "public holidays",
    "closed": "closed",
    "wait_minutes": "{low} to {high} minutes",
}
DANISH = {
    "day and night": "dag og nat",
    "public holidays": "helligdage",
    "closed": "lukket",
    "{low} to {high} minutes": "{low} til {high} minutter",
}
SETTINGS = {"operator_name": "Havn (demo)"}
NAME = ("name", "CMM")


def fact(key: str, kind: str, value: object) -> Fact:
    day = date(2026, 11, 22)
    return Fact(key, Kind(kind), value, "", (), day, day, "operator")  # type: ignore[arg-type]


def values(folder: Path, **facts: tuple[str, object]) -> Values:
    """Return values for a deck of words with a Danish translation and the given facts."""
    path = folder / "da" / "LC_MESSAGES" / "deck.po"
    path.parent.mkdir(parents=True)
    entries = [f'msgctxt "word"\nmsgid "{en}"\nmsgstr "{da}"\n' for en, da in DANISH.items()]
    entries.append('msgctxt "fact:call"\nmsgid "Call {line}."\nmsgstr "Ring til {line}."\n')
    path.write_text("\n".join(['msgid ""\nmsgstr ""\n', *entries]), "utf-8")
    deck = Deck({}, WORDS, (), frozenset(), {})
    registry = Registry({key: fact(key, *given) for key, given in facts.items()})
    return Values(deck, registry, Texts.load(folder, allow_drafts=False), SETTINGS)


def week(**days: list[str]) -> WeekHours:
    return WeekHours.parse({"tz": "Europe/Copenhagen", "week": days})


def office() -> WeekHours:
    days = {day: ["08:30-16:00"] for day in WORKDAYS}
    return week(**days, sat=["09:00-15:00"], sun=["09:00-15:00"], holiday=["09:00-15:00"])


# --- opening hours ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", "Mon–Fri 08:30–16:00; Sat and Sun 09:00–15:00; public holidays 09:00–15:00"),
        ("da", "man.–fre. 08:30–16:00; lør. og søn. 09:00–15:00; helligdage 09:00–15:00"),
    ],
)
def test_days_with_the_same_hours_are_joined(tmp_path: Path, locale: str, expected: str) -> None:
    assert values(tmp_path).hours(office(), locale) == expected


def test_hours_in_arabic_keep_their_direction(tmp_path: Path) -> None:
    written = values(tmp_path).hours(office(), "ar")

    assert written.startswith("الاثنين–الجمعة \u206608:30–16:00\u2069; السبت والأحد ")
    assert written.count("\u2066") == written.count("\u2069") == 3


def test_a_pause_and_a_closed_day_are_written(tmp_path: Path) -> None:
    hours = week(mon=["08:00-12:00", "13:00-00:00"], wed=["08:00-12:00"], holiday=[])
    written = values(tmp_path).hours(hours, "en")

    assert written == "Mon 08:00–12:00, 13:00–00:00; Wed 08:00–12:00; public holidays closed"


def test_round_the_clock_is_said_in_words(tmp_path: Path) -> None:
    made = values(tmp_path, line_hours=("hours", WeekHours.parse({"always": True})))

    assert made.fill("{line_hours}", "en", {}) == "day and night"
    assert made.fill("{line_hours}", "da", {}) == "dag og nat"


# --- numbers, dates, moments --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+4570202550", "+45 70 20 25 50"),
        ("112", "112"),
        ("116111", "116111"),
        ("+4640000000000", "+4640000000000"),
        ("+451234567", "+451234567"),
    ],
)
def test_a_danish_number_is_grouped_and_never_broken(number: str, expected: str) -> None:
    assert phone(number) == expected.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", "+45 70 20 25 50, 1,233, 118.2"),
        ("da", "+45 70 20 25 50, 1.233, 118,2"),
        ("ar", "\u2066+45 70 20 25 50\u2069, \u20661,233\u2069, \u2066118.2\u2069"),
    ],
)
def test_numbers_are_written_as_the_language_does(
    tmp_path: Path, locale: str, expected: str
) -> None:
    made = values(
        tmp_path, line=("phone", "+4570202550"), total=("number", 1233), cost=("number", 118.2)
    )

    written = made.fill("{line}, {total}, {cost}", locale, {})
    assert written.replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", "22 November 2026"),
        ("da", "22. november 2026"),
        ("ar", "\u206822 نوفمبر 2026\u2069"),
        ("pt_BR", "22 de novembro de 2026"),
    ],
)
def test_a_date_is_written_in_full(locale: str, expected: str) -> None:
    assert write_date(date(2026, 11, 22), locale) == expected


@pytest.mark.parametrize(
    ("moment", "clock"),
    [
        ("2026-12-28T07:30:00+00:00", "08:30"),
        ("2026-12-28T08:30:00+01:00", "08:30"),
        ("2026-07-06T06:30:00+00:00", "08:30"),
    ],
)
def test_a_moment_is_danish_local_time_by_the_24_hour_clock(moment: str, clock: str) -> None:
    assert write_moment(moment, "en").endswith(clock)
    assert write_moment(moment, "en").startswith("Monday")
    assert write_moment(moment, "da").startswith("mandag")
    assert re.fullmatch(rf"\u2068.*{clock}\u2069", write_moment(moment, "ar"))


def test_a_moment_after_midnight_in_denmark_is_the_next_day() -> None:
    assert write_moment("2026-12-27T23:30:00+00:00", "da").startswith("mandag")


def test_a_wait_is_a_range_of_minutes(tmp_path: Path) -> None:
    made = values(tmp_path)

    assert made.wait("10-20", "en") == "10 to 20 minutes"
    assert made.fill("{wait_estimate}", "da", {"wait_estimate": "10-20"}) == "10 til 20 minutter"


# --- filling ------------------------------------------------------------------------------------


def test_a_sentence_is_translated_and_its_own_facts_are_filled(tmp_path: Path) -> None:
    made = values(tmp_path, line=("phone", "112"), call=("sentence", "Call {line}."))

    assert made.fill("Now: {call}", "en", {}) == "Now: Call 112."
    assert made.fill("Nu: {call}", "da", {}) == "Nu: Ring til 112."
    assert made.fill("{call}", "ar", {}) == "Call \u2066112\u2069."


def test_what_the_moment_and_the_settings_say_is_isolated_in_arabic(tmp_path: Path) -> None:
    made = values(tmp_path, cmm=NAME)
    text = "{cmm} {operator_name} {staff_alias}"

    assert made.fill(text, "da", {"staff_alias": "Anna"}) == "CMM Havn (demo) Anna"
    written = made.fill(text, "ar", {"staff_alias": "Anna"})
    assert written == "\u2068CMM\u2069 \u2068Havn (demo)\u2069 \u2068Anna\u2069"


def test_a_value_is_never_filled_again(tmp_path: Path) -> None:
    """A name given by a person may hold braces; it must not reach for facts."""
    made = values(tmp_path, cmm=NAME)

    assert made.fill("{staff_alias}", "en", {"staff_alias": "{cmm}"}) == "{cmm}"


def test_the_languages_name_themselves(tmp_path: Path) -> None:
    made = values(tmp_path)

    assert made.fill("{supported_languages}", "en", {}) == "English, Dansk"
    assert made.fill("{language_th}", "en", {}) == "ไทย"


def test_a_placeholder_that_nothing_stands_behind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FactError, match="no fact nothing"):
        values(tmp_path).fill("Call {nothing}.", "en", {})


def test_a_word_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FactError, match="no word nothing"):
        values(tmp_path).word("nothing", "en")


def test_facts_in_a_circle_are_an_error_and_no_endless_loop(tmp_path: Path) -> None:
    made = values(tmp_path, one=("sentence", "See {two}."), two=("sentence", "See {one}."))

    with pytest.raises(FactError, match="circle"):
        made.fill("{one}", "en", {})


@pytest.mark.parametrize("kind", ["hours", "date", "number", "phone"])
def test_a_value_that_does_not_fit_its_kind_is_an_error(tmp_path: Path, kind: str) -> None:
    value = 5 if kind == "phone" else "five"

    with pytest.raises(FactError, match="does not fit"):
        values(tmp_path, odd=(kind, value)).fill("{odd}", "en", {})
