"""From domain objects to the bytes that are sealed, and back. Any string survives."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from bot.domain.conversation import Choice, Consent, Memory, Notify
from bot.domain.handover import Close, Handover, Outcome, Referral, Topic, Transfer
from bot.domain.messages import Event, Line, Media, MessageId, Reply, Start, Tapped, Text
from bot.domain.screens import Button, Tap
from bot.domain.staff import StaffId
from bot.ports import Deletion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_MEMORY = tuple(field.name for field in fields(Memory))
_DIGEST_BYTES = 16
_write = json.JSONEncoder(separators=(",", ":")).encode
_read = json.JSONDecoder().decode


def to_ms(at: datetime) -> int:
    """Return milliseconds since 1970."""
    return (at - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """Return the aware moment of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=ms)


def digest(external_id: str) -> bytes:
    """Return a short name for an external id, whatever it is made of."""
    return blake2b(text_to_bytes(external_id), digest_size=_DIGEST_BYTES).digest()


def text_to_bytes(text: str) -> bytes:
    """Write a string; lone surrogates too, which UTF-8 has no form for."""
    return text.encode("utf-8", "surrogatepass")


def text_from_bytes(data: bytes) -> str:
    """Read what text_to_bytes() wrote."""
    return data.decode("utf-8", "surrogatepass")


def dump(data: Any) -> bytes:
    """Write compact JSON; everything beyond ASCII as escapes, so lone surrogates survive."""
    return _write(data).encode()


def load(data: bytes) -> Any:
    """Read what dump() wrote."""
    return _read(data.decode())


def memory_to_bytes(memory: Memory) -> bytes:
    """Write a memory."""
    return dump({name: getattr(memory, name) for name in _MEMORY})


def memory_from_bytes(data: bytes) -> Memory:
    """Read a memory; fields of another version of Havn are dropped or take their default."""
    raw = {name: value for name, value in load(data).items() if name in _MEMORY}
    for name, kind in (("chosen", Choice), ("notify", Notify), ("consent", Consent)):
        if raw.get(name) is not None:
            raw[name] = kind(raw[name])
    return Memory(**raw)


def event_to_bytes(event: Event) -> bytes:
    """Write an event."""
    match event:
        case Start():
            return dump({"start": [event.locale, event.branch]})
        case Text():
            return dump({"text": event.text})
        case Tapped():
            return dump({"tap": event.tap.encode()})
        case Media():
            return dump({"media": True})


def event_from_bytes(data: bytes) -> Event:
    """Read an event."""
    raw: Mapping[str, Any] = load(data)
    if "text" in raw:
        return Text(raw["text"])
    if "tap" in raw:
        return Tapped(Tap.decode(raw["tap"]))
    if "start" in raw:
        return Start(*raw["start"])
    return Media()


def body_to_bytes(body: Reply | Line | Deletion) -> bytes:
    """Write what goes out."""
    if isinstance(body, Line):
        return dump({"line": [body.alias, body.text, body.locale, body.original]})
    if isinstance(body, Deletion):
        then = _reply(body.then) if body.then else None
        return dump({"delete": list(body.references), "then": then})
    return dump(_reply(body))


def body_from_bytes(data: bytes) -> Reply | Line | Deletion:
    """Read what goes out."""
    raw = load(data)
    if "line" in raw:
        return Line(*raw["line"])
    if "delete" in raw:
        then = _read_reply(raw["then"]) if raw["then"] else None
        return Deletion(tuple(raw["delete"]), then)
    return _read_reply(raw)


def details_to_bytes(h: Handover) -> bytes:
    """Write what a handover holds besides what queries need."""
    return dump(
        {
            "consent": h.consent,
            "notify": h.notify,
            "minor": h.minor,
            "code_word": h.code_word,
            "readable_after": h.readable_after,
            "claimed_at": _ms(h.claimed_at),
            "answered_at": _ms(h.answered_at),
            "transfer": _transfer(h.transfer),
            "flags": [h.doubted, h.hidden, h.hand, h.pinged],
            "close": [h.close.outcome, h.close.referral, h.close.topic] if h.close else None,
        }
    )


def details_from_bytes(data: bytes) -> Mapping[str, Any]:
    """Read what details_to_bytes() wrote, as arguments of a Handover."""
    raw = load(data)
    doubted, hidden, hand, pinged = raw["flags"]
    close, transfer = raw["close"], raw["transfer"]
    return {
        "consent": None if raw["consent"] is None else Consent(raw["consent"]),
        "notify": Notify(raw["notify"]),
        "minor": raw["minor"],
        "code_word": raw["code_word"],
        "readable_after": MessageId(raw["readable_after"]),
        "claimed_at": moment(raw["claimed_at"]),
        "answered_at": moment(raw["answered_at"]),
        "transfer": None if transfer is None else _read_transfer(*transfer),
        "doubted": doubted,
        "hidden": hidden,
        "hand": hand,
        "pinged": pinged,
        "close": None
        if close is None
        else Close(Outcome(close[0]), Referral(close[1]), Topic(close[2])),
    }


def moment(ms: int | None) -> datetime | None:
    """Return the moment of milliseconds, None for None."""
    return None if ms is None else from_ms(ms)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _transfer(transfer: Transfer | None) -> list[Any] | None:
    return None if transfer is None else [to_ms(transfer.until), transfer.to, transfer.agreed]


def _read_transfer(until: int, to: str | None, agreed: bool | None) -> Transfer:
    return Transfer(from_ms(until), None if to is None else StaffId(to), agreed)


def _reply(reply: Reply) -> dict[str, Any]:
    return {
        "screen": reply.screen,
        "locale": reply.locale,
        "values": dict(reply.values),
        "extra": [[b.label, b.tap.encode()] for b in reply.extra],
        "on": reply.on,
    }


def _read_reply(raw: Mapping[str, Any]) -> Reply:
    extra = tuple(Button(label, Tap.decode(data)) for label, data in raw["extra"])
    return Reply(raw["screen"], raw["locale"], raw["values"], extra, raw["on"])
