"""Dictionaries: which form of a word counts, and that what means the same looks the same."""

import json
from pathlib import Path

import pytest

pytest.importorskip("rasa")
component = pytest.importorskip("havn_nlu.concepts")

# isort: split
from rasa.shared.nlu.training_data.message import Message  # noqa: E402
from rasa.shared.nlu.training_data.training_data import TrainingData  # noqa: E402
from storage import Storage  # noqa: E402

from havn_nlu.dictionary import Dictionary, DictionaryError, concepts  # noqa: E402
from havn_nlu.text import normalise  # noqa: E402

FILES = sorted(component.CONCEPTS.glob("*.yml"))


def found(text: str, *dictionaries: dict[str, str]) -> list[str]:
    read = [
        Dictionary.of([(form, concept) for concept, forms in one.items() for form in forms.split()])
        for one in dictionaries
    ]
    return concepts(normalise(text), read)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He LOCKED the dóor", ["lock", "door"]),
        ("locker unlocked", ["cupboard"]),
        ("right now, right there", ["now", "correct"]),
        ("right", ["correct"]),
        ("lockdown", ["lock"]),
        ("xylophone", []),
        ("", []),
    ],
)
def test_the_longest_form_wins(text: str, expected: list[str]) -> None:
    words = {"lock": "lock*", "cupboard": "locker", "door": "door", "now": "right_now"}
    assert found(text, {**words, "correct": "right"}) == expected


def test_accents_count_where_they_are_written() -> None:
    vietnamese = {"sell": "bán", "you": "bạn ban", "shoot": "bắn"}
    assert found("bán bạn bắn ban", vietnamese) == ["sell", "you", "shoot", "you"]


def test_a_form_with_accents_is_found_without_them() -> None:
    assert found("drzwi zamkniete", {"lock": "zamknięte", "door": "drzwi"}) == ["door", "lock"]


def test_a_script_without_spaces_is_cut_at_its_longest_forms() -> None:
    thai = {"lock": "ล็อค", "door": "ประตู", "he": "เขา", "night": "คืน", "tonight": "คืนนี้"}
    assert found("เขาล็อคประตูคืนนี้", thai) == ["he", "lock", "door", "tonight"]
    assert found("ประตู open เขา", thai, {"open": "open"}) == ["door", "open", "he"]


def test_the_first_dictionary_that_knows_a_word_says_what_it_means() -> None:
    danish, english = {"door": "dør die"}, {"die": "die", "help": "help"}
    assert found("die help", danish, english) == ["door", "help"]
    assert found("die help", english, danish) == ["die", "help"]


def test_what_a_language_writes_in_front_of_a_word_is_taken_off(tmp_path: Path) -> None:
    file = tmp_path / "xx.yml"
    file.write_text("_in_front: و ال وال\ndoor: باب\nboy: ولد\ni: انا\n", encoding="utf-8")
    arabic = Dictionary.read(file)
    # A word that begins with these letters is itself first, and too little is left of the last.
    assert concepts("والباب وباب الباب ولد وانا", [arabic]) == [*["door"] * 3, "boy", "i"]
    assert not concepts("والل وال", [Dictionary.of([("ل", "l"), ("لل", "ll")], ["وال"])])


@pytest.mark.parametrize(
    "forms", [{"a": "lock lock*", "b": "lock"}, {"a": "x*", "b": "X*"}, {"a": "+"}]
)
def test_what_says_two_things_is_refused(forms: dict[str, str]) -> None:
    with pytest.raises(DictionaryError):
        found("lock", forms)


@pytest.mark.parametrize("content", ["", "- a\n", "lock:\n", "yes: ja\n", "lock: 3\n"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "xx.yml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DictionaryError):
        Dictionary.read(file)


def test_every_language_has_the_same_concepts() -> None:
    english = next(file for file in FILES if file.stem == "en")
    names = _names(english)
    assert len(FILES) == 14
    assert len(set(names)) == len(names)
    assert all(_names(file) == names for file in FILES)
    assert component._OF_DANGER.issubset(names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dictionary_can_be_read(file: Path) -> None:
    assert len(Dictionary.read(file).typed) > 3000


def _names(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split(":", 1)[0].strip('"') for line in lines if line[0] not in " #_"]


# --- The component ---


CONFIG = {**component.ConceptFeaturizer.get_default_config(), "seen": 1}
NODE = type("", (), {"node_name": "concepts"})


@pytest.fixture
def featurizer(tmp_path: Path) -> object:
    examples = [
        Message({"text": text, "intent": "danger_now", "metadata": {"intent": {"lang": "en"}}})
        for text in ("he locked the door", "he has a knife", "where is the door")
    ]
    component.ConceptFeaturizer(CONFIG, "c", Storage(tmp_path), None).train(TrainingData(examples))
    return component.ConceptFeaturizer.load(CONFIG, Storage(tmp_path), None, NODE)


def said(featurizer: object, text: str, language: str) -> Message:
    message = Message({"text": text, "likeliest_lang": language})
    featurizer.process([message])
    return message


def test_what_means_the_same_has_the_same_features_in_every_language(featurizer: object) -> None:
    rows = [
        said(featurizer, text, language).features[0].features
        for text, language in (
            ("he locked the door", "en"),
            ("han låste døren", "da"),
            ("zamknął drzwi", "pl"),
            ("เขาล็อคประตู", "th"),
        )
    ]
    # Three concepts, their pairs, all three; beginning and end in seven pairs and with two others.
    assert rows[0].nnz == 3 + 3 + 1 + 7 + 2
    shared = [set(rows[0].indices) & set(row.indices) for row in rows[1:]]
    assert all(len(one) >= 2 for one in shared)


def test_how_a_text_begins_and_ends_is_learned(featurizer: object) -> None:
    known = {
        text: said(featurizer, text, "en").features[0].features.nnz
        for text in ("he", "door", "locked", "xylophone")
    }
    # Two examples begin with "he", two end with "door"; one has "locked" in the middle.
    assert known == {"he": 2, "door": 2, "locked": 1, "xylophone": 0}


def test_all_concepts_of_a_text_are_scaled_together(featurizer: object) -> None:
    row = said(featurizer, "where is the door", "en").features[0].features
    assert (row.data**2).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "language", "of_danger"),
    [
        ("i am captive", "en", True),
        ("han har en kniv", "da", True),
        ("la puerta", "es", True),
        ("sous", "fr", True),
        ("hello", "en", False),
    ],
)
def test_a_word_that_tells_of_danger_is_told(
    featurizer: object, text: str, language: str, *, of_danger: bool
) -> None:
    assert said(featurizer, text, language).get("danger_words") is of_danger


# One for each concept of danger.
WORDS_OF_DANGER = """
112 attack neck toilet blood skin bomb smash breath roof fire cellar hostage van choke shoes danger
dead door driver drown drugged escape eye fight follow force petrol grab gun hand hang face hear
hide hit pain jump kick kidnap kill knife foot dark lock overdose pill please poison push whisper
rape road bed wrist scream ship shoot stab stairs chest suicide vomit threat throw tie torture rails
unconscious under disappear sea hammer window wound
hungry thirst eat food cold storm naked sleep sick pregnant fall dog
sell give commission debt client obey wedding send moving border bus confiscated free
"""


def test_each_word_of_danger_is_told_by_itself(featurizer: object) -> None:
    words = WORDS_OF_DANGER.split()
    assert not [word for word in words if not said(featurizer, word, "en").get("danger_words")]
    english = Dictionary.read(component.CONCEPTS / "en.yml")
    assert {one for word in words for one in concepts(word, [english])} == component._OF_DANGER


def test_a_language_without_a_dictionary_reads_what_is_mixed_in(featurizer: object) -> None:
    assert said(featurizer, "xyz knife", "xx").get("danger_words")
    assert json.dumps(said(featurizer, "xyz", "xx").get("danger_words")) == "false"
