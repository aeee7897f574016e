"""A console on a free port of this machine, over a real store in memory."""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from playwright.sync_api import BrowserContext, Page

from bot.web import create_console
from tests.support.console import Rig, make_rig

Result = TypeVar("Result")


@dataclass
class Console:
    """A running console and what stands behind it."""

    url: str
    rig: Rig
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something behind the console's back, in its own thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


@contextmanager
def running(folder: Path) -> Iterator[Console]:
    """Run a console until the block ends. Passkeys need to know its address before it listens."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    url = f"http://localhost:{listening.getsockname()[1]}"
    made = make_rig(folder, address=f"{url}/")
    loop = asyncio.new_event_loop()
    app = create_console(made.desk)
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    work = server.serve(sockets=[listening])
    thread = threading.Thread(target=loop.run_until_complete, args=(work,), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Console(url, made, loop)
    finally:
        server.should_exit = True
        thread.join(10)
        loop.close()
        listening.close()


def with_authenticator(context: BrowserContext) -> Page:
    """Return a page of a device that has passkeys and has just recognised its owner."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page
