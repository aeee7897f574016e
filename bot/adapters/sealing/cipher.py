"""What is done with keys, wherever they are kept; and the Sealer that keeps them in memory."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.domain.audit import ChainKey
from bot.domain.errors import KeyUnavailableError
from bot.domain.messages import Channel, ConversationId
from bot.domain.triage.normalise import MARKS
from bot.ports import Lookup

KEY_BYTES = 32
NONCE_BYTES = 12
# Bound into every value: a later way of sealing takes another number and cannot be mixed up.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one conversation. The cipher is made once: setting it up costs two seals."""

    raw: bytes = field(repr=False)
    cipher: AESGCM = field(repr=False)

    @classmethod
    def of(cls, raw: bytes) -> "DataKey":
        """Make the cipher of a key."""
        return cls(raw, AESGCM(raw))


def encrypt(cipher: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    """Return nonce and ciphertext; ``bound_to`` is authenticated with them."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound_to)


def decrypt(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    """Undo encrypt(); KeyUnavailableError when the key is not the one, or a bit was changed."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise KeyUnavailableError("this value does not open with this key") from None


# Signs of vowels and tones, in the letters of Unicode for marks.
_VOWELS = ("Mn", "Mc")


class Cipher:
    """The part of a Sealer that works on keys in memory."""

    def __init__(self, peppers: Sequence[bytes]) -> None:
        self._peppers = tuple(peppers)
        self._own: AESGCM | None = None
        self._keys: OrderedDict[ConversationId, DataKey] = OrderedDict()

    def lookups(self, channel: Channel, sender: str) -> Sequence[Lookup]:
        """Return the keyed hashes of a visitor, the current pepper's first."""
        name = f"{channel}:{sender}".encode("utf-8", "surrogatepass")
        return [Lookup(hmac.digest(pepper, name, "sha256")) for pepper in self._peppers]

    def hash_word(self, conversation: ConversationId, word: str) -> str:
        """Return a hash of a code word that only this conversation's key can make."""
        plain = MARKS.sub("", unicodedata.normalize("NFKD", word.casefold()))
        # Vowels and tones of Thai are marks: without them rice, news and white are one word.
        kept = "".join(c for c in plain if c.isalnum() or unicodedata.category(c) in _VOWELS)
        # A word of signs alone has no letters; it is taken as it stands.
        letters = kept if any(c.isalnum() for c in kept) else "".join(plain.split())
        key = hashlib.sha256(self._key(conversation).raw + b"code word").digest()
        digest = hmac.digest(key, letters.encode("utf-8", "surrogatepass"), "sha256")
        return base64.b64encode(digest).decode()

    async def stretch_code(self, code: str) -> Sequence[bytes]:
        """Return the keyed, slow hashes of a return code, the current pepper's first."""
        return [await asyncio.to_thread(_stretch, code, pepper) for pepper in self._peppers]

    def has_key(self, conversation: ConversationId) -> bool:
        """Tell whether the key of a conversation is in memory."""
        return conversation in self._keys

    def seal(self, conversation: ConversationId, row: str, field: str, plain: bytes) -> bytes:
        """Encrypt one field of one row."""
        bound_to = _binding(conversation, row, field)
        return encrypt(self._key(conversation).cipher, plain, bound_to)

    def open_sealed(
        self, conversation: ConversationId, row: str, field: str, sealed: bytes
    ) -> bytes:
        """Decrypt one field of one row."""
        bound_to = _binding(conversation, row, field)
        return decrypt(self._key(conversation).cipher, sealed, bound_to)

    def seal_own(self, place: str, plain: bytes) -> bytes:
        """Encrypt what is the console's own."""
        return encrypt(self._own_cipher(), plain, _own_binding(place))

    def open_own(self, place: str, sealed: bytes) -> bytes:
        """Decrypt what is the console's own."""
        return decrypt(self._own_cipher(), sealed, _own_binding(place))

    def _own_cipher(self) -> AESGCM:
        if self._own is None:
            raise KeyUnavailableError("the console's own key is gone")
        return self._own

    def _key(self, conversation: ConversationId) -> DataKey:
        try:
            return self._keys[conversation]
        except KeyError:
            raise KeyUnavailableError("the key of this conversation is gone") from None

    def _keep(self, fresh: Mapping[ConversationId, bytes]) -> None:
        self._keys.update({id_: DataKey.of(raw) for id_, raw in fresh.items()})

    def _drop(self, conversations: Collection[ConversationId]) -> None:
        for conversation in conversations:
            self._keys.pop(conversation, None)


class EphemeralKeys(Cipher):
    """The Sealer of a process that keeps nothing: every key ends with it."""

    def __init__(self) -> None:
        super().__init__([secrets.token_bytes(KEY_BYTES)])
        self._own = AESGCM(secrets.token_bytes(KEY_BYTES))
        self._chain = ChainKey.first()
        self._first: bytes | None = self._chain.key
        self._epoch = 0

    async def create_keys(self, conversations: Collection[ConversationId]) -> None:
        """Make keys."""
        self._keep({id_: secrets.token_bytes(KEY_BYTES) for id_ in conversations})

    async def load_keys(self, conversations: Collection[ConversationId]) -> None:
        """Do nothing: every key is in memory."""

    async def holders(self) -> Collection[ConversationId]:
        """Return what has a key."""
        return list(self._keys)

    async def destroy_keys(self, conversations: Collection[ConversationId]) -> None:
        """Drop keys."""
        self._drop(conversations)

    async def rotate(self) -> int:
        """Count the epoch up: no key is wrapped, so there is nothing to wrap anew."""
        self._epoch += 1
        return self._epoch

    async def chain_key(self) -> ChainKey:
        """Return the key of the audit trail."""
        return self._chain

    async def advance_chain(self, number: int) -> None:
        """Drop the keys before a number."""
        self._chain = self._chain.at(max(number, self._chain.number))

    async def first_chain_key(self) -> bytes | None:
        """Return the key the trail began with."""
        return self._first

    async def hand_over_first_chain_key(self) -> None:
        """Drop the key the trail began with."""
        self._first = None

    async def alert_key(self) -> bytes:
        """Refuse: a process that keeps nothing rings nobody."""
        raise KeyUnavailableError("there is no key for alerts here")


def _stretch(code: str, pepper: bytes) -> bytes:
    """Hash a return code slowly; the salt comes of the pepper, so that nobody else can try.

    19 MiB and two passes: the OWASP minimum, for words that are 77 bits already.
    """
    salt = hmac.digest(pepper, b"return code", "sha256")
    return hash_secret_raw(
        code.encode(),
        salt,
        time_cost=2,
        memory_cost=19 * 1024,
        parallelism=1,
        hash_len=32,
        type=Type.ID,
    )


def _own_binding(place: str) -> bytes:
    """Name a place of the console; it begins unlike any conversation's."""
    return f"own:{place}|{_VERSION}".encode()


def _binding(conversation: ConversationId, row: str, field: str) -> bytes:
    """Name the place of a value; ids are hexadecimal, rows numbers or words: none holds a "|"."""
    return f"{conversation}|{row}|{field}|{_VERSION}".encode()
