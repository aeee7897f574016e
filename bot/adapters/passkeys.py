"""Passkeys by WebAuthn: discoverable, and only with the user verified by their device."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bot.domain.errors import ProofError
from bot.domain.factors import Passkey
from bot.domain.staff import Staff, StaffId

_PATIENCE_MS = 300_000


def _library() -> Any:
    """Return py_webauthn, loaded at its first use: a third of a second no start need wait for."""
    import webauthn  # noqa: PLC0415 -- see above

    return webauthn


@contextmanager
def _refusing(says: str) -> Iterator[None]:
    """Turn whatever a malformed or wrong answer makes the library raise into ProofError."""
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 -- see _library

    malformed = (ValueError, TypeError, KeyError, AttributeError, IndexError)
    try:
        yield
    except (WebAuthnException, *malformed):
        raise ProofError(says) from None


class WebAuthn:
    """The PasskeyRites of a console at one address: passkeys work there and nowhere else."""

    def __init__(self, address: str, name: str = "Havn") -> None:
        parts = urlsplit(address)
        self._site = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._name = name

    def creation(self, staff: Staff, held: Sequence[Passkey], challenge: bytes) -> Any:
        """Return what navigator.credentials.create() needs."""
        library, structs = _library(), _library().helpers.structs
        options = library.generate_registration_options(
            rp_id=self._site,
            rp_name=self._name,
            user_id=staff.id.encode(),
            user_name=staff.alias,
            challenge=challenge,
            timeout=_PATIENCE_MS,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_named(held),
        )
        return json.loads(library.options_to_json(options))

    def created(self, answer: Any, challenge: bytes, name: str, now: datetime) -> Passkey:
        """Return the new passkey."""
        with _refusing("this is no passkey for this console"):
            verified = _library().verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._site,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        return Passkey(
            id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=name,
            added_at=now,
        )

    def request(self, held: Sequence[Passkey], challenge: bytes) -> Any:
        """Return what navigator.credentials.get() needs."""
        library, structs = _library(), _library().helpers.structs
        options = library.generate_authentication_options(
            rp_id=self._site,
            challenge=challenge,
            timeout=_PATIENCE_MS,
            allow_credentials=_named(held),
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        return json.loads(library.options_to_json(options))

    def claimed(self, answer: Any) -> tuple[StaffId, bytes]:
        """Return whose passkey an answer claims to be, and its id."""
        with _refusing("this is no passkey for this console"):
            decode = _library().base64url_to_bytes
            handle = decode(answer["response"].get("userHandle") or "")
            return StaffId(handle.decode()), decode(answer["id"])

    def proved(self, answer: Any, passkey: Passkey, challenge: bytes) -> Passkey:
        """Return the passkey with its new count; a count that fell back means a copied key."""
        with _refusing("this passkey does not fit"):
            verified = _library().verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._site,
                expected_origin=self._origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        return replace(passkey, sign_count=verified.new_sign_count)


def _named(held: Sequence[Passkey]) -> Sequence[Any]:
    descriptor = _library().helpers.structs.PublicKeyCredentialDescriptor
    return [descriptor(id=passkey.id) for passkey in held]
