"""What the program is built without: kinds of mistakes that are not there to be made."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("nlu/havn_nlu/*.py")])
SCRIPTS = sorted([*ROOT.glob("bot/**/static/*.js")])
TEMPLATES = sorted([*ROOT.glob("bot/**/templates/*.html")])
CALLS = {"eval", "exec", "__import__", "os.system", "os.popen", "pickle.load", "pickle.loads",
         "marshal.loads", "shelve.open", "yaml.unsafe_load", "yaml.full_load",
         "ssl._create_unverified_context"}  # fmt: skip
ARGUMENTS = {("verify", False), ("shell", True), ("follow_redirects", True), ("debug", True),
             ("autoescape", False)}  # fmt: skip
MODULES = {"xml", "lxml", "smtplib", "imaplib", "ftplib", "telnetlib", "pickle", "marshal",
           "shelve", "dill", "jsonpickle"}  # fmt: skip
# The one file that reads XML, of translation agencies; it refuses every DTD before it is parsed
# (tests/unit/web/test_exchange.py).
MAY_IMPORT = {"bot/i18n/exchange/xliff.py": {"xml"}}
# The one form that takes a file, of staff: .po and XLIFF, 2 MB, parsed and never kept.
TAKES_A_FILE = {"exchange.html"}
# Each stands for a technology: directories, caches, GraphQL, WebSocket, tokens that speak for
# themselves, OAuth, SAML, WebRTC, mail, telephone messages.
LIBRARIES = {
    *("ldap3", "python-ldap", "pymemcache", "python-memcached", "graphql-core"),
    *("strawberry-graphql", "requests-oauthlib"),
    *("websockets", "wsproto", "websocket-client", "pyjwt", "python-jose", "authlib", "oauthlib"),
    *("joserfc", "jwcrypto", "pysaml2", "python3-saml", "aiortc", "aiosmtplib", "twilio"),
    *("lxml", "defusedxml", "httptools", "itsdangerous"),
}  # fmt: skip


def called(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def arguments(tree: ast.AST) -> set[tuple[str, object]]:
    return {
        (word.arg or "", word.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if isinstance(word.value, ast.Constant)
    }


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 200
    assert len(SCRIPTS) >= 4
    assert len(TEMPLATES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_text_reads_objects_or_trusts_anybody(path: Path) -> None:
    """No code from text, no shell, no objects from bytes, one XML reader, no mail, no open TLS."""
    tree = ast.parse(path.read_text("utf-8"))
    assert called(tree) & CALLS == set()
    assert arguments(tree) & ARGUMENTS == set()
    allowed = MAY_IMPORT.get(str(path.relative_to(ROOT)), set())
    assert imported(tree) & MODULES == allowed


def test_these_rules_find_what_they_forbid() -> None:
    tree = ast.parse("import pickle\nx.get(u, verify=False)\neval(t)\n")
    assert called(tree) & CALLS == {"eval"}
    assert arguments(tree) & ARGUMENTS == {("verify", False)}
    assert imported(tree) & MODULES == {"pickle"}


def test_no_library_for_what_the_program_does_not_do() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    assert {one["name"] for one in lock["package"]} & LIBRARIES == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_or_code_from_text(path: Path) -> None:
    text = path.read_text("utf-8")
    words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    # Trusted types refuse these as well; what is marked up comes parsed from our own server.
    assert re.findall(words, text) == []
    assert re.findall(r"addEventListener\(\s*['\"]message|postMessage|new WebSocket", text) == []
    assert re.findall(r"sessionStorage|indexedDB|document\.cookie", text) == []


def test_no_script_writes_into_objects_under_names_it_was_sent() -> None:
    """Names of ours only: nothing can reach the prototype of everything."""
    written: set[str] = set()
    for path in SCRIPTS:
        text = path.read_text("utf-8")
        assert (
            re.findall(r"__proto__|setPrototypeOf|\.prototype\b|for \((?:const|let) \w+ in ", text)
            == []
        )
        assert "JSON.parse" not in text
        written |= set(re.findall(r"Object\.assign\(([^,]+),", text))
        written |= set(re.findall(r"(\w+\[[^\]'\"]+\]) = ", text))
    # Attributes of an element; the state of the bell, from a literal; the three parts of a passkey.
    assert written == {"one.dataset", "bell", "response[part]"}


def test_chance_decides_only_how_long_to_pause() -> None:
    """Everything that must not be guessed comes from the system (`secrets`)."""
    using = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if "random" in imported(ast.parse(path.read_text("utf-8")))
    }
    assert {path for path in using if not path.startswith("bot/commands/bench/")} == {
        "bot/services/deliver.py",
        "bot/adapters/backoff.py",
    }


def test_the_browser_keeps_one_choice_and_nothing_else() -> None:
    """Whether single keys are on: nothing about anybody."""
    kept = [
        name
        for path in SCRIPTS
        for name in re.findall(r"localStorage\.\w+\(\s*\"(\w+)\"", path.read_text("utf-8"))
    ]
    assert set(kept) == {"keys"}
    uses = sum(path.read_text("utf-8").count("localStorage") for path in SCRIPTS)
    assert uses == len(kept)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_one_form_takes_a_file_and_no_field_refuses_what_is_pasted(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ('type="file"' in text) == (path.name in TAKES_A_FILE)
    assert "onpaste" not in text
    assert not re.search(r'type="password"[^>]*autocomplete="off"', text)
