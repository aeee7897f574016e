"""What a visitor's browser sends, read within fixed limits and cleaned before it goes on."""

import re
import unicodedata
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

BODY_BYTES = 16 * 1024
TEXT_CHARACTERS = 4096
_FIELDS = 20
_LARGEST_ID = 2**63 - 1
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_NUMBER = re.compile(r"[0-9]{1,19}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[_-][A-Za-z]{2,4})?")
# Control, surrogate, private and unassigned characters; line breaks and tabs are kept.
_UNWANTED = frozenset({"Cc", "Cs", "Co", "Cn"})
# Marks that turn the direction of the text around them and are not closed by it.
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class TooLargeError(Exception):
    """The body is larger than any form of the page can be."""


class MalformedError(Exception):
    """The body is not a form of the page. The message never quotes it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One pressed button or sent text.

    ``token`` recognises the visitor and ``nonce`` the form; both are "" unless they have the right
    shape. ``last`` is the id of the last message on the page, ``at`` the time of the page in Unix
    seconds. ``watch`` is set by the script, which asks by itself. ``begun`` tells whether the page
    says that the chat was started, ``chosen`` whether the visitor chose ``locale``. ``pick`` is a
    locale pressed on the first page.
    """

    token: str = field(default="", repr=False)
    nonce: str = field(default="", repr=False)
    last: int = 0
    at: int = 0
    begun: bool = False
    locale: str = ""
    chosen: bool = False
    pick: str = ""
    tap: str = ""
    watch: bool = False
    text: str = field(default="", repr=False)
    cut: bool = False

    @property
    def is_genuine(self) -> bool:
        """Tell whether it came from a form of the page at all."""
        return bool(self.token and self.nonce)


async def read_submission(request: Request) -> Submission:
    """Read the form of a request; TooLargeError or MalformedError where it cannot be one."""
    form = await _parse(request)
    text = clean(_one(form, "text"))
    return Submission(
        token=_matching(_SECRET, _one(form, "token")),
        nonce=_matching(_SECRET, _one(form, "nonce")),
        last=min(int(_matching(_NUMBER, _one(form, "last")) or 0), _LARGEST_ID),
        at=int(_matching(_NUMBER, _one(form, "at")) or 0),
        begun=_one(form, "begun") == "1",
        locale=_matching(_LOCALE, _one(form, "lang")),
        chosen=_one(form, "chosen") == "1",
        pick=_matching(_LOCALE, _one(form, "pick")),
        tap=_one(form, "tap"),
        watch=_one(form, "watch") == "1",
        text=text[:TEXT_CHARACTERS],
        cut=len(text) > TEXT_CHARACTERS,
    )


def clean(text: str) -> str:
    """Return a text without characters that a person cannot have meant to write."""
    kept = (c for c in text.replace("\r\n", "\n") if c in "\n\t" or _is_wanted(c))
    return "".join(kept).strip()


def _is_wanted(character: str) -> bool:
    return unicodedata.category(character) not in _UNWANTED and character not in _OVERRIDES


def _matching(pattern: re.Pattern[str], value: str) -> str:
    return value if pattern.fullmatch(value) else ""


def _one(form: FormData, name: str) -> str:
    """Return a field's first value; a file or an absent field is no value."""
    value = form.getlist(name)[:1]
    return value[0] if value and isinstance(value[0], str) else ""


async def _parse(request: Request) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = _within_limit(request)
    parser: FormParser | MultiPartParser
    if kind == "multipart/form-data":
        # Files are refused before their content is read: none may reach the disk.
        parser = MultiPartParser(request.headers, body, max_files=0, max_fields=_FIELDS)
    elif kind == "application/x-www-form-urlencoded":
        parser = FormParser(request.headers, body, max_fields=_FIELDS)
    else:
        raise MalformedError("not a form")
    try:
        return await parser.parse()
    except (MultiPartException, LookupError, ValueError):
        raise MalformedError("not a readable form") from None


async def _within_limit(request: Request) -> AsyncGenerator[bytes, None]:
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > BODY_BYTES:
        raise TooLargeError("the body is too large")
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES:
            raise TooLargeError("the body is too large")
        yield chunk
