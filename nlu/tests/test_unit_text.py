"""The written form in which the NLU unit reads a text. Runs in the unit's own environment."""

from functools import partial

import pytest

text = pytest.importorskip("havn_nlu.text")


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("/request_human", "request_human"),
        (" \u200b//greet{}", "greet{}"),
        ("\ufeff / /greet", "greet"),
        ("help\x00me\nnow", "help me now"),
        ("broken \ud800 half", "broken   half"),
        ("either/or", "either/or"),
        ("", ""),
    ],
)
def test_clean_leaves_no_command_and_no_control(raw: str, cleaned: str) -> None:
    assert text.clean(raw) == cleaned


def test_clean_limits_length() -> None:
    assert len(text.clean("a" * 5000)) == text.MAX_CHARACTERS


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("\uff28\uff25\uff2c\uff30", "help"),
        ("Helllllp", "hellp"),
        ("I\u2019m", "im"),
        ("٤٥ år", "45 år"),
        ("soft\u00adhyphen", "softhyphen"),
        ("h e l p  k n i f e, h-e", "help  knife, h-e"),
        ("м е н я бьют", "меня бьют"),
        ("vlan 7 8 9 0 a", "vlan 7 8 9 0 a"),
        ("no i a m here", "no i a m here"),
        ("ne\u0301e", "née"),
    ],
)
def test_normalise_gives_one_form(typed: str, same: str) -> None:
    assert text.normalise(typed) == same


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("допоможіть", "dopomozhit"),
        ("искам да се прибера", "iskam da se pribera"),
        ("حبسني", "7bsni"),
        ("أَخَذُوا", "akhdoa"),
    ],
)
def test_fold_writes_cyrillic_and_arabic_as_people_type_them(written: str, typed: str) -> None:
    assert text.fold(text.normalise(written)) == typed


def features(normal: str) -> list[str]:
    words, parts = text.ngrams(normal, words=1, pieces=partial(text.pieces, shortest=1, longest=4))
    return words + parts


def test_two_spellings_of_one_word_share_what_is_left_without_vowels() -> None:
    def left(written: str) -> set[str]:
        found = features(text.normalise(written))
        return {ngram for ngram in found if ngram.startswith("c#")}

    assert left("ضربني") == left("darabni") == {"c#drbn"}
    assert left("a") == set()
    assert left("za mnoi") == left("zo mnoy") == {"c#mn", "c##z mn"}
    assert left("a i") == set()


def test_fold_takes_accents_off_and_leaves_thai_alone() -> None:
    assert text.fold("jeg får ingen løn") == "jeg far ingen lon"
    assert text.fold("tôi muốn về nhà") == "toi muon ve nha"
    assert text.fold("ช่วยด้วย") == "ช่วยด้วย"


@pytest.mark.parametrize(
    ("written", "tokens"),
    [
        ("my boss, my passport?", ["my", "boss", "my", "passport", "?"]),
        ("ช่วยด้วย", ["ช่", "ว", "ย", "ด้", "ว", "ย"]),
        ("我想回家", ["我", "想", "回", "家"]),
        ("help ช่วย", ["help", "ช่", "ว", "ย"]),
        ("مرحبا كيف حالك؟", ["مرحبا", "كيف", "حالك", "?"]),
        ("🆘 help", ["🆘", "help"]),
        ("…!!", []),
    ],
)
def test_tokens_follow_the_script(written: str, tokens: list[str]) -> None:
    assert [token for token, _ in text.tokens(text.normalise(written))] == tokens


def test_tokens_say_where_they_start() -> None:
    normal = text.normalise("hej, du ช่วย")
    assert all(normal[start:].startswith(token) for token, start in text.tokens(normal))


def test_pieces_are_the_same_with_and_without_accents() -> None:
    def pieces(written: str) -> set[str]:
        found = features(text.normalise(written))
        return {ngram for ngram in found if ngram.startswith("c")}

    assert pieces("får løn") == pieces("far lon")
    assert {"wfår", "wfar"} <= set(features("får"))
