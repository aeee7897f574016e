"""Firefox and WebKit, driven as W3C WebDriver says: the browsers that Playwright cannot start here.

Firefox has the commands of WebDriver inside it, under Marionette's names and by Marionette's few
lines of JSON over TCP; WebKitGTK has a program beside it that takes them over HTTP. So a command
has one name here, Marionette's, and a table says where it goes over HTTP.
"""

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx

FIREFOX = Path("/usr/bin/firefox-esr")
WEBKIT_DRIVER = Path("/usr/bin/WebKitWebDriver")
XVFB = Path("/usr/bin/Xvfb")
_MINIBROWSER = "webkit2gtk-4.1/MiniBrowser"
_PATIENCE = 30
# Asked while a page gives way to another, WebKit's driver sometimes answers nothing at all; asked
# again (``until``), it does.
_ANSWER = 3
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_OVER_HTTP: Mapping[str, tuple[str, str]] = {
    "Back": ("POST", "back"),
    "CloseWindow": ("DELETE", "window"),
    "ElementClick": ("POST", "element/{id}/click"),
    "ElementSendKeys": ("POST", "element/{id}/value"),
    "ExecuteScript": ("POST", "execute/sync"),
    "FindElement": ("POST", "element"),
    "Forward": ("POST", "forward"),
    "GetCurrentURL": ("GET", "url"),
    "GetPageSource": ("GET", "source"),
    "Navigate": ("POST", "url"),
    "NewWindow": ("POST", "window/new"),
    "Refresh": ("POST", "refresh"),
    "SwitchToWindow": ("POST", "window"),
}
# Nothing of its own over the network, no page about itself, and clocks that tell the truth.
_PREFERENCES: Mapping[str, bool | int | str] = {
    "marionette.port": 0,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "privacy.reduceTimerPrecision": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
# Nobody waits for a page but who asked for it: without script, WebKit's driver was seen to wait in
# vain for a page that came by Back.
_WISHES: Mapping[str, Any] = {
    "acceptInsecureCerts": True,
    "pageLoadStrategy": "none",
    "unhandledPromptBehavior": "accept",
}
Ask = Callable[[str, Mapping[str, Any]], Any]


class RefusedError(Exception):
    """The browser did not do what a command asked."""


class Driven:
    """A browser that does what it is told. Every ``tab`` is a new one, with a history of its own.

    It returns before a page has come, so wait for what should be on it (``until``). A browser that
    would ask whether to send a form again is told yes.
    """

    def __init__(self, ask: Ask, version: str) -> None:
        self._ask = ask
        self.version = version

    def tab(self) -> None:
        """Close the tab there is and take a new one."""
        found = self._ask("NewWindow", {"type": "tab"})
        self._ask("CloseWindow", {})
        self._ask("SwitchToWindow", {"handle": found["handle"]})

    def go(self, url: str) -> None:
        self._ask("Navigate", {"url": url})

    def back(self) -> None:
        self._ask("Back", {})

    def forward(self) -> None:
        self._ask("Forward", {})

    def reload(self) -> None:
        self._ask("Refresh", {})

    def click(self, css: str) -> None:
        """Press what a selector finds first, as a finger or a mouse would."""
        self._ask("ElementClick", {"id": self._element(css)})

    def write(self, css: str, text: str) -> None:
        self._ask("ElementSendKeys", {"id": self._element(css), "text": text})

    def run(self, script: str, *args: object) -> Any:
        """Call a function on the page, even on one that may run no script of its own."""
        body = f"return ({script})(...arguments);"
        return self._ask("ExecuteScript", {"script": body, "args": list(args)})

    @property
    def url(self) -> str:
        return str(self._ask("GetCurrentURL", {}))

    @property
    def source(self) -> str:
        return str(self._ask("GetPageSource", {}))

    def has(self, css: str) -> bool:
        """Tell whether a selector finds anything now."""
        try:
            return bool(self._element(css))
        except RefusedError:
            return False

    def _element(self, css: str) -> str:
        found = self._ask("FindElement", {"using": "css selector", "value": css})
        return str(found[_ELEMENT])


def firefox_missing() -> str:
    """Say what to install where there is no Firefox."""
    return "" if os.access(FIREFOX, os.X_OK) else "apt-get install firefox-esr"


def webkit_missing() -> str:
    """Say what to install where there is no WebKitGTK, or no screen to show it on."""
    wanted = {WEBKIT_DRIVER: "webkit2gtk-driver", XVFB: "xvfb"}
    missing = [name for path, name in wanted.items() if not os.access(path, os.X_OK)]
    return f"apt-get install {' '.join(missing)}" if missing else ""


@contextmanager
def firefox(proxy: str, *, script: bool) -> Iterator[Driven]:
    """Run Firefox, with script or without, until the block ends."""
    chosen = {**_PREFERENCES, "javascript.enabled": script}
    lines = (f"user_pref({json.dumps(key)}, {json.dumps(one)});" for key, one in chosen.items())
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        profile = Path(folder)
        (profile / "user.js").write_text("\n".join(lines), "utf-8")
        command = [str(FIREFOX), "--headless", "--marionette", "--no-remote", "--profile", folder]
        stack.enter_context(_running(command))
        port = until(lambda: _number(profile / "MarionetteActivePort"), "the port of Firefox")
        line = stack.enter_context(socket.create_connection(("127.0.0.1", port), _PATIENCE))
        ask = _marionette(line)
        wishes = {**_WISHES, "proxy": _through(proxy)}
        capabilities = ask("NewSession", wishes)["capabilities"]
        yield Driven(ask, f"Firefox {capabilities['browserVersion']}")


@contextmanager
def webkit(proxy: str, *, script: bool) -> Iterator[Driven]:
    """Run WebKitGTK's own small browser, with script or without, until the block ends."""
    with ExitStack() as stack:
        screen = stack.enter_context(_screen())
        port = _free_port()
        env = {**os.environ, "DISPLAY": screen, "LANGUAGE": "en_GB", "LC_ALL": "en_GB.UTF-8"}
        stack.enter_context(_running([str(WEBKIT_DRIVER), f"--port={port}"], env))
        client = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_ANSWER, trust_env=False)
        )
        until(lambda: _reached(client), "the driver of WebKit")
        browser = {
            "binary": str(next(Path("/usr/lib").glob(f"*/{_MINIBROWSER}"))),
            "args": [
                "--automation",
                f"--proxy=http://{proxy}",
                "--ignore-host=127.0.0.1",
                f"--enable-javascript={str(script).lower()}",
            ],
        }
        wishes = {**_WISHES, "webkitgtk:browserOptions": browser}
        asked = {"capabilities": {"alwaysMatch": wishes}}
        answer = client.post("/session", json=asked, timeout=_PATIENCE)
        begun = _value(answer)
        session = f"/session/{begun['sessionId']}"
        stack.callback(_end, client, session)
        version = f"WebKitGTK {begun['capabilities']['browserVersion']}"
        yield Driven(_over_http(client, session), version)


def _through(proxy: str) -> Mapping[str, Any]:
    return {
        "proxyType": "manual",
        "httpProxy": proxy,
        "sslProxy": proxy,
        "noProxy": ["127.0.0.1"],
    }


def _marionette(line: socket.socket) -> Ask:
    """Return how to ask Firefox: ``length:[0, number, command, what]`` and the like back."""
    stream, numbers = line.makefile("rb"), count(1)

    def read() -> Any:
        length = b""
        while not length.endswith(b":"):
            one = stream.read(1)
            if not one:
                raise RefusedError("the browser is gone")
            length += one
        return json.loads(stream.read(int(length[:-1])))

    read()  # it names itself first

    def ask(name: str, what: Mapping[str, Any]) -> Any:
        body = json.dumps([0, next(numbers), f"WebDriver:{name}", what]).encode()
        line.sendall(b"%d:%s" % (len(body), body))
        _, _, wrong, found = read()
        if wrong:
            raise RefusedError(f"{name}: {wrong['error']}: {wrong['message']}")
        return found["value"] if isinstance(found, dict) and found.keys() == {"value"} else found

    return ask


def _over_http(client: httpx.Client, session: str) -> Ask:
    def ask(name: str, what: Mapping[str, Any]) -> Any:
        method, path = _OVER_HTTP[name]
        url = f"{session}/{path.format(**what)}"
        try:
            return _value(client.request(method, url, json=what if method == "POST" else None))
        except (RefusedError, httpx.ReadTimeout) as error:
            raise RefusedError(f"{name}: {error}") from error

    return ask


def _end(client: httpx.Client, session: str) -> None:
    """Let the browser go; what it showed is known by now."""
    with suppress(httpx.HTTPError):
        client.delete(session, timeout=_PATIENCE)


def _value(answer: httpx.Response) -> Any:
    found = answer.json()["value"]
    if answer.is_error:
        raise RefusedError(f"{found['error']}: {found['message']}")
    return found


@contextmanager
def _screen() -> Iterator[str]:
    """Run a screen that nobody sees, and return its name."""
    ours, theirs = os.pipe()
    size = "800x1000x24"
    command = [str(XVFB), "-displayfd", str(theirs), "-screen", "0", size, "-nolisten", "tcp"]
    with os.fdopen(ours) as told, _running(command, pass_fds=(theirs,)):
        os.close(theirs)
        number = told.readline().strip()
        if not number:
            raise RefusedError("Xvfb did not start")
        yield f":{number}"


@contextmanager
def _running(
    command: list[str], env: Mapping[str, str] | None = None, pass_fds: tuple[int, ...] = ()
) -> Iterator[None]:
    """Run a program without its chatter until the block ends."""
    with subprocess.Popen(
        command,
        env=env,
        pass_fds=pass_fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def until(look: Callable[[], Any], what: str) -> Any:
    """Look again and again until there is something, and return it; RefusedError names ``what``.

    A browser that refuses to look, as between two pages, has nothing yet.
    """
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(RefusedError):
            if found := look():
                return found
        time.sleep(0.02)
    raise RefusedError(f"never came: {what}")


def _number(path: Path) -> int:
    text = path.read_text("utf-8") if path.exists() else ""
    return int(text or 0)


def _reached(client: httpx.Client) -> bool:
    try:
        return client.get("/status").is_success
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
