"""Rules and stories in a really trained model: what a word means on each screen.

A small model is trained once from a few examples of each intent; the rules are all there.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rasa")
yaml = pytest.importorskip("ruamel.yaml")

from havn_nlu.inputs import (  # noqa: E402 - only in the unit's environment
    MODEL_NAME,
    REPOSITORY,
    Inputs,
    up_to_date,
)
from havn_nlu.pipeline import Pipeline  # noqa: E402
from havn_nlu.unit import FALLBACK_INTENT, ModelRefusedError, Unit  # noqa: E402

# isort: split
from rasa.core.channels.channel import UserMessage  # noqa: E402 - after the unit has silenced it

EXAMPLES_PER_INTENT = 12
# Three of the fourteen: enough to tell languages apart, and quickly read.
LANGUAGES = ("da", "en", "pl")
SECRET = "xylophone grandmother"


def _read(path: Path) -> Any:
    return yaml.YAML(typ="safe", pure=True).load(path)


def _small(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the first examples of each block."""
    cut = []
    for block in blocks:
        lines = block["examples"].splitlines()[:EXAMPLES_PER_INTENT]
        cut.append({**block, "examples": "\n".join(lines) + "\n"})
    return cut


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's NLU part with few examples."""
    root = tmp_path_factory.mktemp("repository")
    (root / "config.yml").symlink_to(REPOSITORY / "config.yml")
    (root / "stories").symlink_to(REPOSITORY / "stories")
    data = REPOSITORY / "nlu" / "data"
    for source in sorted(file for one in LANGUAGES for file in (data / one).glob("*.yml")):
        target = root / source.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = {"version": "3.1", "nlu": _small(_read(source)["nlu"])}
        yaml.YAML().dump(content, target)
    return root


def _train(root: Path, out: Path, *more: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "havn_nlu.train", "--root", str(root), "--out", str(out)]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    out = tmp_path_factory.mktemp("models")
    return out, _train(root, out)


@pytest.fixture(scope="session")
def unit(trained: tuple[Path, list[Any]]) -> Unit:
    return Unit.load(trained[0])


@pytest.mark.parametrize("text", ["he took my passport", "jeg er fanget", "ζζζ", "", "🆘"])
def test_a_text_is_read_as_rasa_itself_reads_it(unit: Unit, text: str) -> None:
    message = UserMessage(text, message_id="1", metadata={"locale": "da"})
    wanted = asyncio.run(unit._processor.parse_message(message))
    read = Pipeline(unit._processor).read(message)
    assert wanted["intent_ranking"]
    for found in ("intent", "intent_ranking", "now", "lang", "danger_words"):
        assert read.get(found) == wanted[found]


def _steps(step: dict[str, Any]) -> list[str]:
    return [one["intent"] for one in step.get("or", [step]) if "intent" in one]


def _rules() -> Iterator[tuple[str | None, str, str]]:
    """Every rule as (screen or None, intent, outcome)."""
    for path in sorted((REPOSITORY / "stories" / "rules").glob("*.yml")):
        for rule in _read(path)["rules"]:
            slots = [
                entry
                for condition in rule.get("condition", [])
                for entry in condition["slot_was_set"]
            ]
            if any("minor" in entry for entry in slots):
                continue
            screen = next((entry["screen"] for entry in slots), None)
            for intent in _steps(rule["steps"][0]):
                yield screen, intent, rule["steps"][1]["action"]


RULES = list(_rules())
SCREENS = sorted({screen for screen, _, _ in RULES if screen})
INTENTS = _read(REPOSITORY / "stories" / "domain" / "intents.yml")["intents"]
# On these, being sent back to choose a topic would be cruel.
URGENT = (
    "utter_danger_now",
    "utter_danger_cannot_call",
    "utter_danger_where",
    "utter_danger_offer_person",
    "utter_suicide_care",
    "utter_suicide_stay",
)


def test_every_intent_has_exactly_one_meaning_where_nothing_else_is_known() -> None:
    general = [intent for screen, intent, _ in RULES if screen is None]
    assert sorted(general) == sorted([*INTENTS, FALLBACK_INTENT])
    assert len(INTENTS) == 55


def test_no_screen_gives_one_word_two_meanings() -> None:
    seen = [(screen, intent) for screen, intent, _ in RULES]
    assert len(seen) == len(set(seen))


def test_every_screen_of_a_rule_is_a_value_of_the_slot() -> None:
    slots = _read(REPOSITORY / "stories" / "domain" / "slots.yml")["slots"]
    assert sorted(slots["screen"]["values"]) == SCREENS


def test_the_domain_lists_the_outcomes_of_the_rules_and_no_others() -> None:
    domain = _read(REPOSITORY / "stories" / "domain" / "outcomes.yml")
    assert sorted([*domain["actions"], *domain["responses"]]) == sorted({o for _, _, o in RULES})


@pytest.mark.parametrize(("screen", "intent", "outcome"), RULES)
def test_a_rule_decides_on_its_screen(
    unit: Unit, screen: str | None, intent: str, outcome: str
) -> None:
    assert unit._outcomes(intent, screen, minor=None) == [outcome]
    assert unit._outcomes(intent, screen, minor=False) == [outcome]


@pytest.mark.parametrize("screen", [None, "utter_a_screen_no_rule_names", *SCREENS])
def test_every_intent_has_one_outcome_on_every_screen(unit: Unit, screen: str | None) -> None:
    general = {intent: outcome for on, intent, outcome in RULES if on is None}
    special = {intent: outcome for on, intent, outcome in RULES if on == screen}
    for intent in [*INTENTS, FALLBACK_INTENT]:
        expected = special.get(intent, general[intent])
        assert unit._outcomes(intent, screen, minor=None) == [expected], intent


@pytest.mark.parametrize("screen", URGENT)
def test_an_urgent_screen_never_leads_back_to_choosing_a_topic(unit: Unit, screen: str) -> None:
    lost = {"utter_main_menu", "utter_fallback_1", "utter_fallback_2", "utter_out_of_scope"}
    for intent in ("affirm", "deny", "skip", FALLBACK_INTENT, "out_of_scope"):
        assert not lost & set(unit._outcomes(intent, screen, minor=None)), intent


def test_forgetting_takes_a_yes_on_the_screen_that_asks() -> None:
    asking = {(screen, intent) for screen, intent, outcome in RULES if outcome == "action_forget"}
    assert asking == {
        ("utter_forget_confirm", "affirm"),
        ("utter_forget_confirm", "forget_me"),
    }


def test_nobody_is_queued_without_consent() -> None:
    queued = {(screen, intent) for screen, intent, outcome in RULES if "action_queue" in outcome}
    assert queued == {
        ("utter_danger_offer_person", "affirm"),
        ("utter_danger_offer_person", "talk_to_human"),
        ("utter_human_code_word", "skip"),
        ("utter_human_code_word", "deny"),
    }


@pytest.mark.parametrize("screen", [None, "utter_main_menu", "utter_check_some_signs"])
def test_under_18_the_limits_come_before_the_talk(unit: Unit, screen: str | None) -> None:
    assert unit._outcomes("talk_to_human", screen, minor=True) == ["utter_minor_limits"]


@pytest.mark.parametrize("screen", [None, "utter_main_menu", "utter_minor_intro"])
def test_under_18_a_place_to_stay_is_one_for_children(unit: Unit, screen: str | None) -> None:
    assert unit._outcomes("shelter", screen, minor=True) == ["utter_minor_shelter"]


def test_under_18_a_narrower_meaning_still_wins(unit: Unit) -> None:
    outcomes = unit._outcomes("talk_to_human", "utter_minor_limits", minor=True)
    assert outcomes == ["utter_human_notify"]
    urgent = unit._outcomes("talk_to_human", "utter_danger_offer_person", minor=True)
    assert urgent == ["action_queue_urgent"]


def test_two_questions_and_never_a_third(unit: Unit) -> None:
    screen: str | None = None
    answers = []
    for _ in range(3):
        (screen,) = unit._outcomes(FALLBACK_INTENT, screen, minor=None)
        answers.append(screen)
    assert answers == ["utter_fallback_1", "utter_fallback_2", "utter_main_menu"]


def _turn(unit: Unit, text: str, screen: str | None = None, locale: str = "") -> dict[str, Any]:
    return asyncio.run(unit.turn(text, screen, locale=locale)).as_dict()


@pytest.mark.parametrize(
    ("locale", "intent", "outcome"),
    [("pl", "affirm", "action_check_next"), ("da", "thanks", "utter_thanks")],
)
def test_a_short_word_means_what_it_means_in_the_language_of_the_conversation(
    unit: Unit, locale: str, intent: str, outcome: str
) -> None:
    turn = _turn(unit, "Tak", "utter_check_q1", locale)
    assert (turn["intent"], turn["lang"], turn["outcomes"]) == (intent, locale, [outcome])


def test_a_long_text_is_read_the_same_in_every_conversation(unit: Unit) -> None:
    text = "they took my passport and will not give it back"
    assert _turn(unit, text, None, "pl") == _turn(unit, text, None, "da")


def test_a_turn_tells_of_danger_by_the_dictionary_of_its_language(unit: Unit) -> None:
    """These words are in no dictionary but the Polish one."""
    assert _turn(unit, "on ma nóż i stoi pod drzwiami")["danger_words"]
    assert not _turn(unit, "jaka jest dziś pogoda w kopenhadze")["danger_words"]


def test_a_turn_says_what_is_meant_and_in_which_language(unit: Unit) -> None:
    turn = _turn(unit, "thank you", "utter_main_menu")
    assert turn["intent"] == "thanks"
    assert turn["outcomes"] == ["utter_thanks"]
    assert turn["lang"] == "en"
    assert turn["confidence"] == turn["ranking"][0][1]
    assert turn["ranking"][0][0] == "thanks"
    assert len(turn["ranking"]) == 5
    assert _turn(unit, "tusind tak")["lang"] == "da"


@pytest.mark.parametrize("text", ["", "…", "ฉันกลัว ช่วยด้วย", "хочу додому", "\U0001f9ff"])
def test_what_the_model_never_saw_is_a_fallback_in_no_language(unit: Unit, text: str) -> None:
    turn = _turn(unit, text)
    assert turn["intent"] == FALLBACK_INTENT
    assert turn["outcomes"] == ["utter_fallback_1"]
    assert (turn["lang"], turn["lang_confidence"]) == (None, 0.0)
    assert len(turn["ranking"]) == 5


@pytest.mark.parametrize("text", ["/forget_me", "  //forget_me{}", "\u200b/forget_me"])
def test_a_slash_is_not_a_command(unit: Unit, text: str) -> None:
    """Rasa's parser answers a command with that intent alone; a text gets a ranking."""
    assert len(_turn(unit, text, "utter_main_menu")["ranking"]) == 5


def test_a_turn_leaves_nothing_behind_for_the_next(unit: Unit) -> None:
    before = _turn(unit, "yes", "utter_check_q1")
    _turn(unit, "delete everything about me", "utter_forget_confirm")
    assert _turn(unit, "yes", "utter_check_q1") == before


def test_training_tells_how_far_it_is(trained: tuple[Path, list[Any]]) -> None:
    out, lines = trained
    assert [line["stage"] for line in lines] == ["load", *["train"] * 7, "done"]
    assert [(line["done"], line["of"]) for line in lines[1:-1]] == [(n, 7) for n in range(7)]
    assert sorted(path.name for path in out.iterdir()) == ["model.json", MODEL_NAME]


def test_a_model_is_trained_again_only_if_something_changed(
    root: Path, trained: tuple[Path, list[Any]]
) -> None:
    out, _ = trained
    assert up_to_date(out, Inputs(root))
    assert [line["stage"] for line in _train(root, out, "--if-changed")] == ["unchanged"]
    assert not up_to_date(out, Inputs(REPOSITORY))


def test_a_failed_training_keeps_the_old_model_and_says_why(
    root: Path, trained: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    out, _ = trained
    broken = tmp_path / "repository"
    broken.mkdir()
    (broken / "config.yml").symlink_to(root / "config.yml")
    (broken / "nlu").symlink_to(root / "nlu")
    stories = broken / "stories"
    (stories / "paths").mkdir(parents=True)
    (stories / "domain").symlink_to(REPOSITORY / "stories" / "domain")
    (stories / "rules").symlink_to(REPOSITORY / "stories" / "rules")
    (stories / "paths" / "wrong.yml").write_text(
        "version: '3.1'\nstories:\n- story: against a rule\n  steps:\n"
        "  - intent: danger_now\n  - action: utter_goodbye\n",
        encoding="utf-8",
    )
    last = _train(broken, out)[-1]
    assert (last["stage"], last["error"]) == ("failed", "InvalidRule")
    assert up_to_date(out, Inputs(root))


def test_a_model_that_was_changed_is_refused(
    trained: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    out, _ = trained
    changed = bytearray((out / MODEL_NAME).read_bytes())
    changed[-1] ^= 1
    (tmp_path / MODEL_NAME).write_bytes(changed)
    with pytest.raises(ModelRefusedError, match="no manifest"):
        Unit.load(tmp_path)
    (tmp_path / "model.json").write_bytes((out / "model.json").read_bytes())
    with pytest.raises(ModelRefusedError, match="not the one"):
        Unit.load(tmp_path)
    with pytest.raises(ModelRefusedError, match="not the one"):
        Unit.load(out, pinned="0" * 64)


def test_what_a_visitor_wrote_reaches_no_output_of_the_process(
    trained: tuple[Path, list[Any]],
) -> None:
    question = json.dumps({"text": SECRET, "screen": "utter_main_menu"})
    done = subprocess.run(
        [sys.executable, "-m", "havn_nlu.predict", "--model", str(trained[0])],
        input=question,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LOG_LEVEL": "DEBUG", "LOG_LEVEL_LIBRARIES": "DEBUG"},
    )
    assert json.loads(done.stdout)["outcomes"]
    assert SECRET.partition(" ")[0] not in done.stdout + done.stderr
    assert done.stderr == ""
