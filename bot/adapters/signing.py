"""Bundles in files and under signatures: Ed25519 by pyca/cryptography (RFC 8032).

The signer's private key is read by the process ``havn sign`` and by nothing else. Channels hold
the public key and the last bundle they took.
"""

import contextlib
import fcntl
import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.adapters.sealing.files import write_secret
from bot.content_ports import Signed
from bot.domain.errors import BundleError, ConfigurationError


class Signer:
    """The BundleSigner of an installation."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def open(cls, private: Path, public: Path) -> "Signer":
        """Read the private key, or make both at the first call; ConfigurationError when it fails.

        A private key is never made beside a public one: channels would refuse what it signs. A
        public one that was lost is written again.
        """
        try:
            if not private.exists():
                if public.exists():
                    raise ConfigurationError(
                        f"{private} is missing while {public} is there: restore it, or remove "
                        "both and publish everything anew"
                    )
                _make(private, public)
            key = Ed25519PrivateKey.from_private_bytes(private.read_bytes())
            if not public.exists():
                _write(public, key.public_key().public_bytes_raw())
            return cls(key)
        except (OSError, ValueError) as error:
            if isinstance(error, ConfigurationError):
                raise
            raise ConfigurationError(f"{private} cannot be used: {type(error).__name__}") from None

    def sign(self, body: bytes) -> bytes:
        """Return the signature of a body."""
        return self._key.sign(body)


def _make(private: Path, public: Path) -> None:
    key = Ed25519PrivateKey.generate()
    _write(private, key.private_bytes_raw())
    _write(public, key.public_key().public_bytes_raw())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(path, content)


class Verifier:
    """The BundleVerifier of an installation; it reads the public key when it is first needed."""

    def __init__(self, public: Path) -> None:
        self._public = public

    def verify(self, signed: Signed) -> None:
        """BundleError unless the signer signed this body."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self._public.read_bytes())
            key.verify(signed.signature, signed.body)
        except (OSError, ValueError) as error:
            raise BundleError("the public key of the signer cannot be read") from error
        except InvalidSignature:
            raise BundleError("it is not signed by the signer") from None


class LastGoodFile:
    """The LastGood of one process, in a file of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Signed | None:
        """Return the last bundle that was taken; a damaged file counts as none."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(self._path.read_text("utf-8"))
            signature = bytes.fromhex(data["signature"])
            return Signed(int(data["number"]), data["body"].encode(), signature)
        return None

    def write(self, bundle: Signed) -> None:
        """Keep this one from now on; another process of this folder may have a newer one."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._write(bundle)

    def _write(self, bundle: Signed) -> None:
        kept = self.read()
        if kept is not None and kept.number >= bundle.number:
            return
        data = {
            "number": bundle.number,
            "body": bundle.body.decode(),
            "signature": bundle.signature.hex(),
        }
        write_secret(self._path, json.dumps(data, ensure_ascii=False).encode())
