"""Every page of the program, looked at in a browser after hostile words went in.

The console's pages and forms come from its own route table: a page that nobody gave an address
here ends the run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request

from bot.domain.staff import Permission
from bot.services.staff.demo import DemoLinks
from bot.web import make_app
from bot.web.demo import demo_routes
from bot.web.routes import Declared, declared
from tests.attack.corpora import calm, packed
from tests.attack.world import ANA, FACT, SCREEN, WORD, Person, World

# Which elements and attributes stand on a page, and whether there is a comment; of attributes that
# load, run, send or look like something, the values too.
_SHAPE = """(doc) => {
  for (const one of doc.querySelectorAll('details')) one.open = true;
  const found = new Set();
  const walk = doc.createTreeWalker(doc, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_COMMENT
    | NodeFilter.SHOW_CDATA_SECTION | NodeFilter.SHOW_PROCESSING_INSTRUCTION);
  while (walk.nextNode()) {
    const one = walk.currentNode;
    if (one.nodeType !== Node.ELEMENT_NODE) { found.add(one.nodeName); continue; }
    const name = one.namespaceURI.split('/').pop() + ' ' + one.localName;
    found.add(name);
    for (const { name: key, value } of one.attributes) {
      const acts = /^(on|href|src|style|action|target|formaction|http-equiv|xlink)/.test(key);
      found.add(name + ' ' + key + (acts ? '=' + value.replace(/[?#].*/s, '')
        .replace(/[0-9a-f]{12,}|[0-9]+/g, '#').replace(/([/]t|[/]enrol)[/].*/, '$1') : ''));
    }
  }
  return [...found].sort();
}"""
_LOOK = f"({_SHAPE})(document)"
# Reads a page without showing it: the browser's parser builds its nodes, and nothing runs.
_READ = f"""([path, fields]) => new Promise((resolve, reject) => {{
  const asked = new XMLHttpRequest();
  asked.open(fields ? 'POST' : 'GET', path);
  asked.responseType = 'document';
  asked.onload = () => resolve(asked.response ? ({_SHAPE})(asked.response) : []);
  asked.onerror = reject;
  asked.send(fields ? new URLSearchParams(fields) : null);
}})"""
# What the browser itself says: of a page that was refused on purpose, of a bell before anybody
# has pressed anything, of a date that is none.
_USUAL = re.compile(
    r"Failed to load resource: the server responded with a status of 4\d\d"
    r"|The AudioContext was not allowed to start"
    r"|The specified value .* does not conform to the required format",
    re.DOTALL,
)
# They end the session of whoever presses, or all of them, and show nothing of what was sent.
_NOT_PRESSED = {
    *("/sign-out", "/account/end-sessions", "/staff/end-sessions", "/practice/end"),
    *("/shift/end", "/practice/shift/end", "/queue/next", "/practice/queue/next"),
}
# A stream, and a file to keep: neither is a page.
_NO_PAGES = {"/events", "/practice/events", "/content/exchange/file", "/figures/{kind}"}
_FIELDS = (
    *("text", "once", "screen", "note", "word", "level", "reason", "up", "to", "why", "need"),
    *("risk", "next", "outcome", "topic", "referral", "erase", "alias", "password", "code"),
    *("role", "language", "locale", "day", "passkey", "former", "name", "audience", "value"),
    *("source_url", "source_says", "owner", "conflicts", "checked_on", "review_by", "keep"),
    *("label", "row", "report", "translated", "secret", "notes", "item", "number"),
)
_QUERIES = ("q", "next", "notice", "state", "show", "page", "weeks", "day", "after")
# What a form must say so that it goes as far as showing what was written.
_STEPS: Mapping[str, Mapping[str, str]] = {
    "/content/facts/{key}/edit": {"step": "check", "version": "0"},
    "/content/text/{item:path}": {"step": "check", "version": "0"},
    "/content/screen/new": {"step": "check", "version": "0", "audience": "anyone"},
    "/content/screen/{id}": {"step": "check", "version": "0"},
    "/content/word/{id}": {"step": "check", "version": "0"},
    "/content/change/{id}/submit": {"version": "0"},
    "/content/change/{id}/approve": {"version": "0"},
    "/content/change/{id}/send-back": {"version": "0"},
    "/content/change/{id}/stop": {"version": "0"},
    "/enrol/{token}/password": {"secret": "AAAA"},
    "/account/passkey/remove": {"passkey": "AAAA"},
    "/talk/{held}/transfer": {"why": "transfer_shift", "to": "p0"},
}
_SUBMIT = """([path, fields]) => {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = path;
  for (const [name, value] of Object.entries(fields)) {
    const box = document.createElement('textarea');
    box.name = name;
    box.value = value;
    form.append(box);
  }
  if (path === '/content/exchange') {
    const box = document.createElement('input');
    const file = new DataTransfer();
    file.items.add(new File([fields.text], fields.name));
    Object.assign(box, { type: 'file', name: 'file', files: file.files });
    form.enctype = 'multipart/form-data';
    form.append(box);
  }
  document.body.append(form);
  form.submit();
}"""


@dataclass(frozen=True)
class Size:
    """How much of it. ``apart``: each payload in a message of its own; ``narrow``: how many go
    through doors that take little; ``shown``: every page is shown, not only those that hold what
    people wrote, while the others are read by the browser's parser."""

    apart: bool
    narrow: int
    shown: bool


SMALL, FULL = Size(apart=False, narrow=40, shown=False), Size(apart=True, narrow=10**6, shown=True)
# Shown at every size: what visitors and staff wrote stands here.
_SHOWN = frozenset(
    {"/talk/{held}", "/board/{number}", "/content/change/{id}", "/content/text/{item:path}",
     "/content/facts/{key}", "/staff", "/queue"}
)  # fmt: skip


@dataclass
class Looker:
    """Looks at pages and remembers what they are made of, and every alarm."""

    world: World
    size: Size
    known: dict[str, set[str]] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    looked: int = 0
    learning: bool = False
    at: str = "the beginning"

    def __post_init__(self) -> None:
        world, haven = self.world, self.world.haven
        world.watch = self._watch
        self._listen(world.chat, haven.chat)
        for person in (world.ana, world.root, world.auditor):
            self._listen(person.page, haven.console)

    def learn(self) -> None:
        """Learn what pages are made of while everybody writes what is harmless."""
        self.learning = True
        # What was written before stands beside, and in the history.
        first, second = calm("the tide comes in", 20), calm("the tide goes out", 100)
        self.world.fill(first, apart=False, narrow=20)
        self.round(second)
        self.learning = False

    def round(self, payloads: Sequence[str]) -> None:
        """Send payloads everywhere, and look everywhere."""
        world = self.world
        self.at = "the doors"
        world.fill(payloads, apart=self.size.apart, narrow=self.size.narrow)
        world.chat.reload()
        self._watch("the visitors' page, loaded anew", world.chat)
        for path in ("/facts", "/privacy", "/closed", "/nothing"):
            self._opens(world.chat, f"{world.haven.chat}{path}", f"visitors' {path}")
        for person in (world.ana, world.root, world.auditor):
            person.page.goto(f"{world.haven.console}/account")
        for one in self.routes():
            for method in sorted((one.methods or set()) - {"HEAD"}):
                if method == "GET" and one.path not in _NO_PAGES:
                    self._reads(one, payloads)
                elif method == "POST" and one.path not in _NOT_PRESSED:
                    self._presses(one, payloads)

    def routes(self) -> Sequence[Declared]:
        """Return every page and form of the console."""
        return declared(make_app(self.world.desk, more=demo_routes(DemoLinks())).routes)

    def _reads(self, one: Declared, payloads: Sequence[str]) -> None:
        page, home = self._who(one).page, self.world.haven.console
        paths = list(self.paths(one))
        for path in paths:
            self._opens(page, f"{home}{path}", one.path)
        for words in list(packed(payloads, 90))[: 3 if self.size.shown else 1]:
            asked = urlencode(dict.fromkeys(_QUERIES, words), errors="replace")
            self._opens(page, f"{home}{paths[0]}?{asked}", f"{one.path}?")

    def _presses(self, one: Declared, payloads: Sequence[str]) -> None:
        who, steps = self._who(one), _STEPS.get(one.path, {})
        if one.fresh:
            self.world.sign_in(who)
        words = next(packed(payloads, 700))
        texts = list(packed(payloads, 2500))[:3] if "step" in steps else [words]
        path, page, self.at = next(iter(self.paths(one))), who.page, f"POST {one.path}"
        for text in texts:
            fields = {
                **dict.fromkeys(_FIELDS, words),
                **dict.fromkeys(("text", "value", "name", "alias", "note"), text),
                "csrf": who.csrf,
                **steps,
            }
            if self.size.shown:
                with page.expect_navigation(wait_until="load"):
                    page.evaluate(_SUBMIT, [path, fields])
                self._check(page.evaluate(_LOOK))
            else:
                self._check(page.evaluate(_READ, [path, fields]))

    def _who(self, one: Declared) -> Person:
        match one.permission:
            case Permission.MANAGE_STAFF:
                return self.world.root
            case Permission.READ_AUDIT:
                return self.world.auditor
            case _:
                return self.world.ana

    def paths(self, one: Declared) -> Iterator[str]:
        """Yield the addresses of a page; KeyError if nobody said what its places stand for."""
        world = self.world
        places: dict[str, Sequence[object]] = {
            "number": [world.talks[-1].number],
            "message": [world.talks[-1].message],
            "held": [talk.number for talk in world.talks],
            "waiting": [world.waiting],
            "offered": [world.waiting],
            "kind": ["level"],
            "key": [FACT],
            "item:path": world.texts,
            "id": world.changes,
            "token": ["none"],
        }
        if one.path.startswith("/practice/"):
            places |= {name: [1] for name in ("held", "waiting", "offered", "message")}
        for begins, values in (
            ("/content/screen/", [SCREEN]),
            ("/content/word/", [WORD]),
            ("/staff/", [ANA]),
            ("/t/", [world.link]),
            ("/enrol/", [world.enrol]),
        ):
            if one.path.startswith(begins):
                places |= {"id": values, "token": values}
        names = re.findall(r"\{([\w:]+)\}", one.path)
        longest = max((len(places[name]) for name in names), default=1)
        for at in range(longest):
            path = one.path
            for name in names:
                path = path.replace(f"{{{name}}}", str(places[name][at % len(places[name])]))
            yield path

    # --- what goes off --------------------------------------------------------------------------

    def _opens(self, page: Page, address: str, at: str) -> None:
        self.at = at
        if self.size.shown or at in _SHOWN or page is self.world.chat:
            page.goto(address)
            self._check(page.evaluate(_LOOK))
        else:
            self._check(page.evaluate(_READ, [address, None]))

    def _watch(self, at: str, page: Page) -> None:
        """Look at a page as it stands."""
        self.at = at
        self._check(page.evaluate(_LOOK))

    def _check(self, nodes: Sequence[str]) -> None:
        """Compare a page with what it is made of when everybody is harmless."""
        self.looked += 1
        if self.learning:
            self.known.setdefault(self.at, set()).update(nodes)
            return
        for node in sorted(set(nodes) - self.known.get(self.at, set())):
            self._alarm(f"unexpected node: {node[:120]}")

    def _listen(self, page: Page, home: str) -> None:
        def asked(request: Request) -> None:
            if not request.url.startswith((home, "data:", "blob:")):
                self._alarm("request to elsewhere")

        def said(message: ConsoleMessage) -> None:
            if not _USUAL.match(message.text):
                self._alarm(f"console: {message.type}: {message.text[:160]}")

        def dialog(one: Dialog) -> None:
            self._alarm("dialog")
            one.dismiss()

        page.on("dialog", dialog)
        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: self._alarm(f"error: {str(error)[:160]}"))
        page.on("popup", lambda _page: self._alarm("window"))
        page.on("download", lambda _file: self._alarm("download"))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('policy',"
            " e.violatedDirective))"
        )

    def _alarm(self, what: str) -> None:
        self.alarms.append(f"{self.at}: {what}")
