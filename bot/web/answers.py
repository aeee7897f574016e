"""What the script for passkeys and the pages exchange: challenges out, answers in."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.services.staff import NewSession
from bot.web.desk import desk_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authenticator said to a challenge."""

    challenge: bytes
    credential: Any = field(repr=False)


def ask(challenge: bytes, options: Any) -> Response:
    """Send a challenge to the script."""
    return JSONResponse({"challenge": encode(challenge), "options": options})


async def read_answer(request: Request) -> Answer:
    """Read what the script brings back; 400 when it is not of its making."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise HTTPException(400)
    try:
        body = await request.json()
        return Answer(decode(str(body["challenge"])), dict(body["credential"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise HTTPException(400) from None


def encode(data: bytes) -> str:
    """Return bytes as they stand in a form."""
    return urlsafe_b64encode(data).decode()


def decode(text: str) -> bytes:
    """Undo encode(); 400 for anything else."""
    try:
        return urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        raise HTTPException(400) from None


def refusal(why: str, status: int = 400) -> Response:
    """Tell the script why not; the page has the words."""
    return JSONResponse({"refusal": why}, status)


def go_on(request: Request, to: str, new: NewSession | None = None) -> Response:
    """Tell the script where to go on, with a new token if there is one."""
    return _with_token(request, JSONResponse({"to": to}), new)


def send_on(request: Request, to: str, new: NewSession | None = None) -> Response:
    """Send the browser on after a form, with a new token if there is one."""
    return _with_token(request, RedirectResponse(to, 303), new)


def _with_token(request: Request, response: Response, new: NewSession | None) -> Response:
    if new is not None:
        desk_of(request).cookie.give(response, new.token)
    return response


async def fields(request: Request, *names: str) -> tuple[str, ...]:
    """Return fields of a form, empty where they are missing or are files."""
    form = await request.form(max_files=0)
    values = (form.get(name, "") for name in names)
    return tuple(value if isinstance(value, str) else "" for value in values)
