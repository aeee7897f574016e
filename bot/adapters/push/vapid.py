"""Proves to a push service who rings (VAPID, RFC 8292): a token signed with ES256 (RFC 7515)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# RFC 8292 allows a day; a clock that is some minutes off does no harm either way.
_GOOD_FOR = timedelta(hours=1)
_NUMBER_BYTES = 32
_HEAD: Mapping[str, object] = {"typ": "JWT", "alg": "ES256"}


class Vapid:
    """Signs for one operator, whom ``subject`` names (mailto: or https:)."""

    def __init__(self, secret: bytes, subject: str) -> None:
        number = int.from_bytes(secret, "big")
        self._key = ec.derive_private_key(number, ec.SECP256R1())
        self._subject = subject
        public = self._key.public_key()
        self.public = _text(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def header(self, endpoint: str, now: datetime) -> str:
        """Return the Authorization header for a call to an endpoint."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + _GOOD_FOR).timestamp()),
            "sub": self._subject,
        }
        return f"vapid t={self._token(claims)}, k={self.public}"

    def _token(self, claims: Mapping[str, object]) -> str:
        said = ".".join(_json(part) for part in (_HEAD, claims))
        r, s = decode_dss_signature(self._key.sign(said.encode(), ec.ECDSA(SHA256())))
        signature = b"".join(number.to_bytes(_NUMBER_BYTES, "big") for number in (r, s))
        return f"{said}.{_text(signature)}"


def _json(part: Mapping[str, object]) -> str:
    return _text(json.dumps(dict(part), separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
