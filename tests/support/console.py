"""A console over a real store, with a clock to turn and an authenticator made of software."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cbor2
import httpx
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bot.adapters.anchor import AnchorFile
from bot.adapters.bus import MemoryBus
from bot.adapters.passkeys import WebAuthn
from bot.adapters.passwords import Argon2Hasher
from bot.adapters.push import NoAlerts
from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import MemoryStore
from bot.adapters.translator import NoTranslator
from bot.bootstrap import make_world
from bot.domain import totp
from bot.domain.audit import OPERATOR, AuditEvent
from bot.domain.conversation import Consent, Conversation
from bot.domain.factors import Session
from bot.domain.handover import asked, claimed, offer, offered_transfer
from bot.domain.messages import Channel
from bot.domain.staff import Role, StaffId
from bot.domain.triage import Level
from bot.i18n import Texts
from bot.ports import Lookup, Sealer, Store
from bot.services.content.links import TextLinks
from bot.services.erase import Eraser
from bot.services.hotline import Hotline, Reader
from bot.services.ids import MessageIds, conversation_id
from bot.services.practice import Rooms
from bot.services.staff import (
    Accounts,
    Challenges,
    Enrolment,
    NewSession,
    SessionKeeper,
    SignIn,
    Trail,
)
from bot.settings import Settings
from bot.staff_ports import Alerts
from bot.web import Desk, Words
from bot.web.forgery import token_of
from tests.support import deck
from tests.support.content import content_desk
from tests.support.fakes import FakeClock

ADDRESS = "https://staff.example"
LOCALES = Path(__file__).parents[2] / "locales"
PASSWORD = "grey harbour seven lanterns"
CHEAP = Argon2Hasher(PasswordHasher.from_parameters(CHEAPEST))


@dataclass
class Rig:
    """A desk and what stands behind it."""

    desk: Desk
    store: Store
    sealer: Sealer
    clock: FakeClock
    rites: WebAuthn
    anchors: AnchorFile

    async def invited(self, alias: str, *roles: Role) -> str:
        """Return the token of a fresh invitation."""
        languages = ("th",) if Role.TRANSLATOR in roles else ()
        chosen = roles or (Role.RESPONDER,)
        return await self.desk.accounts.invite(alias, chosen, OPERATOR, languages)

    async def with_passkey(self, alias: str, *roles: Role) -> "tuple[Authenticator, NewSession]":
        """Return somebody who has enrolled a passkey, signed in."""
        token = await self.invited(alias, *roles)
        key = Authenticator()
        challenge, options = await self.desk.enrolment.passkey_options(token)
        answer = key.create(options)
        return key, await self.desk.enrolment.enrol_passkey(token, challenge, answer, "passkey")

    async def with_password(self, alias: str, *roles: Role) -> tuple[bytes, NewSession]:
        """Return the secret of somebody who has enrolled a password, signed in."""
        token = await self.invited(alias, *roles)
        account = await self.desk.enrolment.invited(token)
        secret, sealed = self.desk.enrolment.new_secret(account)
        new = await self.desk.enrolment.enrol_password(token, PASSWORD, sealed, self.code(secret))
        return secret, new

    async def talk(
        self, owner: StaffId, offered_to: StaffId | None = None, *, store: Store | None = None
    ) -> int:
        """Return the number of a talk that somebody holds, and perhaps offers to somebody."""
        now, id_ = self.clock.now(), conversation_id()
        await self.sealer.create_keys([id_])
        agreed = replace(offer(id_, Level.YELLOW, "en", now), consent=Consent.NEW)
        held = claimed(asked(agreed, now, staffed=True), owner, now)
        if offered_to:
            held = offered_transfer(held, owner, now, to=offered_to)
        async with (store or self.store).begin() as unit:
            visitor = Conversation(id_, Channel.WEB, now, now)
            await unit.conversations.add({Lookup(id_.encode()): visitor})
            saved = await unit.handovers.save(held)
        assert saved.id is not None
        return saved.id

    def code(self, secret: bytes, steps: int = 0) -> str:
        """Return the code of an app whose clock is right, or some steps off."""
        return totp.code_at(secret, totp.step_at(self.clock.now()) + steps)

    async def events(self) -> list[AuditEvent]:
        """Return everything in the trail, in order."""
        async with self.store.begin() as unit:
            return [entry.happening.event for entry in await unit.audit.after(-1, 1000)]


@asynccontextmanager
async def rig(folder: Path, **options: Any) -> AsyncIterator[Rig]:
    """Lend a desk."""
    yield make_rig(folder, **options)


def make_rig(
    folder: Path,
    *,
    address: str = ADDRESS,
    demo: bool = False,
    alerts: Alerts | None = None,
    sealer: EphemeralKeys | None = None,
    store: Store | None = None,
) -> Rig:
    """Lay a desk over a store, one in memory unless told otherwise."""
    sealer = sealer or EphemeralKeys()
    store, clock = store or MemoryStore(sealer), FakeClock()
    sessions = SessionKeeper(store, clock, demo=demo)
    challenges, rites = Challenges(sealer), WebAuthn(address)
    anchors = AnchorFile(folder / "audit-anchor")
    texts = Texts.load(LOCALES, allow_drafts=True, domain="console")
    bus, ids, renderer = MemoryBus(), MessageIds(), deck.renderer()
    eraser = Eraser(
        store=store,
        sealer=sealer,
        clock=clock,
        renderer=renderer,
        channels={},
        make_room=lambda: False,
    )
    content = content_desk(store, clock, renderer, folder)
    desk = Desk(
        address=address,
        store=store,
        clock=clock,
        words=Words(texts),
        sessions=sessions,
        sign_in=SignIn(store, clock, challenges, rites, CHEAP, sessions),
        enrolment=Enrolment(store, clock, sealer, challenges, rites, CHEAP, sessions),
        accounts=Accounts(store, clock),
        trail=Trail(store, clock, sealer, anchors),
        hotline=Hotline(
            store=store,
            sealer=sealer,
            clock=clock,
            ids=ids,
            eraser=eraser,
            publish=bus.publish,
        ),
        reader=Reader(store=store, clock=clock, renderer=renderer, ids=ids),
        bus=bus,
        renderer=renderer,
        rooms=Rooms(partial(make_world, Settings(root=deck.ROOT), clock, renderer), clock),
        translator=NoTranslator(),
        alerts=alerts or NoAlerts(),
        content=content,
        links=TextLinks(sealer, content),
    )
    return Rig(desk, store, sealer, clock, rites, anchors)


@dataclass
class Authenticator:
    """A passkey in software, after WebAuthn level 2: one key, discoverable, user verified."""

    origin: str = ADDRESS
    verifies_user: bool = True
    counts: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    count: int = 0
    user: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    def create(self, options: Any) -> dict[str, Any]:
        """Answer navigator.credentials.create()."""
        self.user = decode(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        x, y = (n.to_bytes(32, "big") for n in (numbers.x, numbers.y))
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        held = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(options["rp"]["id"], flags=0x41) + held
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._answer({"attestationObject": attested, "clientDataJSON": client})

    def get(self, options: Any) -> dict[str, Any]:
        """Answer navigator.credentials.get()."""
        self.count += self.counts
        data = self._data(options["rpId"], flags=0x01)
        client = self._client("webauthn.get", options["challenge"])
        signed = data + hashlib.sha256(client).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        parts = {
            "authenticatorData": data,
            "clientDataJSON": client,
            "signature": signature,
            "userHandle": self.user,
        }
        return self._answer(parts)

    def _data(self, site: str, flags: int) -> bytes:
        flags |= 0x04 if self.verifies_user else 0
        return (
            hashlib.sha256(site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, parts: dict[str, bytes]) -> dict[str, Any]:
        response = {name: encode(part) for name, part in parts.items()}
        named = encode(self.id)
        return {"id": named, "rawId": named, "type": "public-key", "response": response}


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser(httpx.AsyncClient):
    """A browser at the console: it says where its requests come from, as real ones do."""

    def __init__(self, app: Any, *, address: str = ADDRESS) -> None:
        headers = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
        transport = httpx.ASGITransport(app)
        super().__init__(transport=transport, base_url=address, headers=headers)
        self.session: Session | None = None

    def holds(self, desk: Desk, new: NewSession) -> None:
        """Give it a session."""
        self.cookies.set(desk.cookie.name, new.token)
        self.session = new.session

    async def send_form(self, path: str, **fields: str | Sequence[str]) -> httpx.Response:
        """Send a form with the session's token."""
        assert self.session is not None
        return await self.post(path, data={"csrf": token_of(self.session), **fields})


async def signed_in(rig: Rig, browser: Browser, alias: str, roles: Collection[Role]) -> NewSession:
    """Sign somebody with these roles in, whoever they are."""
    _, new = await rig.with_passkey(alias, *roles)
    browser.holds(rig.desk, new)
    return new
