"""Passkeys by WebAuthn: discoverable, and only with the user verified by their device."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bot.domain.errors import ProofError
from bot.domain.factors import Passkey
from bot.domain.staff import Staff, StaffId

_PATIENCE_MS = 300_000
# What a malformed answer makes the library raise besides its own errors.
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError)


class WebAuthn:
    """The PasskeyRites of a console at one address: passkeys work there and nowhere else."""

    def __init__(self, address: str, name: str = "Havn") -> None:
        parts = urlsplit(address)
        self._site = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._name = name

    def creation(self, staff: Staff, held: Sequence[Passkey], challenge: bytes) -> Any:
        """Return what navigator.credentials.create() needs."""
        options = generate_registration_options(
            rp_id=self._site,
            rp_name=self._name,
            user_id=staff.id.encode(),
            user_name=staff.alias,
            challenge=challenge,
            timeout=_PATIENCE_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_named(held),
        )
        return json.loads(options_to_json(options))

    def created(self, answer: Any, challenge: bytes, name: str, now: datetime) -> Passkey:
        """Return the new passkey."""
        try:
            verified = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._site,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _MALFORMED:
            raise ProofError("this is no passkey for this console") from None
        return Passkey(
            id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=name,
            added_at=now,
        )

    def request(self, held: Sequence[Passkey], challenge: bytes) -> Any:
        """Return what navigator.credentials.get() needs."""
        options = generate_authentication_options(
            rp_id=self._site,
            challenge=challenge,
            timeout=_PATIENCE_MS,
            allow_credentials=_named(held),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return json.loads(options_to_json(options))

    def claimed(self, answer: Any) -> tuple[StaffId, bytes]:
        """Return whose passkey an answer claims to be, and its id."""
        try:
            handle = answer["response"].get("userHandle") or ""
            return StaffId(base64url_to_bytes(handle).decode()), base64url_to_bytes(answer["id"])
        except _MALFORMED:
            raise ProofError("this is no passkey for this console") from None

    def proved(self, answer: Any, passkey: Passkey, challenge: bytes) -> Passkey:
        """Return the passkey with its new count; a count that fell back means a copied key."""
        try:
            verified = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._site,
                expected_origin=self._origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except _MALFORMED:
            raise ProofError("this passkey does not fit") from None
        return replace(passkey, sign_count=verified.new_sign_count)


def _named(held: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=passkey.id) for passkey in held]
