"""The documents agree with the code: settings, metrics, tables, memory, links."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from bot import metrics
from bot.adapters.storage.tables import metadata
from bot.domain.conversation import Memory
from bot.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md"))
    if path.is_file()
)


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_every_setting_stands_in_the_table_and_no_other_does() -> None:
    table = page("docs/operator.md").partition("## Settings")[2].partition("\n## ")[0]
    named = set(re.findall(rf"^\| (.*?{PREFIX}.*?) \|", table, re.MULTILINE))
    listed = {name for cell in named for name in re.findall(rf"`({PREFIX}[A-Z_]+)`", cell)}
    known = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}
    assert listed == known | {f"{PREFIX}CONFIG"}


def test_the_defaults_in_the_table_are_those_of_the_code() -> None:
    table = page("docs/operator.md").partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`HAVN_.*?) \| (.*?) \|", table, re.MULTILINE)
    said = {}
    for names, defaults in rows:
        singles = re.findall(r"`HAVN_([A-Z_]+)`", names)
        said.update(zip(singles, defaults.split(", "), strict=False))
    for field in fields(Settings):
        if isinstance(field.default, int) and not isinstance(field.default, bool):
            assert said[field.name.upper()] == str(field.default), field.name


def test_every_table_and_field_stands_in_the_data_map() -> None:
    text = page("docs/privacy.md")
    for table in metadata.sorted_tables:
        section = text.partition(f"### {table.name}\n")[2].partition("\n### ")[0]
        for column in table.columns:
            named = f"`{column.name}`" in section or f"`{table.name}.{column.name}`" in text
            assert named, f"{table.name}.{column.name}"


def test_everything_remembered_of_a_conversation_stands_in_the_data_map() -> None:
    text = page("docs/privacy.md")
    missing = [field.name for field in fields(Memory) if f"`{field.name}`" not in text]
    assert missing == []


def test_every_metric_stands_in_the_table_and_no_other_does() -> None:
    table = page("docs/operator.md").partition("| Metric |")[2].partition("\n\n")[0]
    listed = set(re.findall(r"^\| `(havn_[a-z_]+)` \|", table, re.MULTILINE))
    exposed = set(re.findall(r"^# HELP (\S+)", metrics.exposition().decode(), re.MULTILINE))
    assert listed == exposed


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        found = (path.parent / file) if file else path
        assert found.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.MULTILINE)
            assert anchor in {_anchor(title) for title in titles}, target


def _anchor(title: str) -> str:
    """Return the anchor a page of GitHub or GitLab gives a title."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
