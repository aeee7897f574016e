"""One-time and session tokens: 256 random bits, of which only the hash is kept."""

import hashlib
import secrets


def new_token() -> str:
    """Return 256 random bits in 43 characters that are safe in an address and a cookie."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
