import json
import re

from tests.support.deck import ROOT, deck

# Reasons that counsellors will choose from as soon as a conversation can be handed on.
AWAITED = "transfer_"


def test_every_interface_word_is_used() -> None:
    """A word that nothing shows would be translated fourteen times for nobody."""
    program = [
        path.read_text("utf-8")
        for path in (ROOT / "bot").rglob("*")
        if path.suffix in {".py", ".html", ".js"}
    ]
    named = set(re.findall(r"[\"'](\w+)[\"']", "\n".join([*program, json.dumps(deck().meta)])))
    assert len(named & deck().words.keys()) > 50
    assert [key for key in deck().words if key not in named and not key.startswith(AWAITED)] == []
