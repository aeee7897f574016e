"""The cookie that holds a session's token and nothing else."""

from dataclasses import dataclass
from typing import Self

from starlette.requests import Request
from starlette.responses import Response

from bot.settings import is_local


@dataclass(frozen=True, slots=True)
class Cookie:
    """Name and kind of the cookie.

    The prefix ``__Host-`` makes browsers refuse one that another host or an unencrypted page set.
    It needs https, which a try on one machine has not; there the name has no prefix.
    """

    name: str
    secure: bool

    @classmethod
    def of(cls, address: str) -> Self:
        """Return the cookie of a console at an address."""
        return cls("havn", secure=False) if is_local(address) else cls("__Host-havn", secure=True)

    def read(self, request: Request) -> str:
        """Return the token, empty when there is none."""
        return request.cookies.get(self.name, "")

    def give(self, response: Response, token: str) -> None:
        """Give a browser its token. It ends with the browser; the server ends it sooner."""
        response.set_cookie(
            self.name, token, path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def take(self, response: Response) -> None:
        """Take the token away."""
        response.delete_cookie(
            self.name, path="/", secure=self.secure, httponly=True, samesite="strict"
        )
