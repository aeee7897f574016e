"""Finds any of thousands of needles in files, also within compressed parts."""

import contextlib
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.forensic.canaries import Canary
from tests.forensic.encodings import Encoding, needles

_GRAM = 8
_CHUNK = 1 << 20
# Pages of a database are mostly empty: runs of zeros are skipped, whole needles hold none.
_ZEROS = re.compile(rb"\0{64,}")
# Where a zlib or gzip stream may begin.
_STREAM = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_GZIP = 0x1F
_PIECE = 1024
_INFLATED_MOST = 8 << 20


@dataclass(frozen=True, slots=True)
class Hit:
    """A canary that was found, and how it was written."""

    canary: Canary
    encoding: Encoding


class Search:
    """Looks for all canaries at once.

    Needles of eight bytes and more are found by a set of their first eight bytes; the few shorter
    ones, 4-byte ids, one by one.
    """

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._long: dict[bytes, list[tuple[bytes, Hit]]] = defaultdict(list)
        self._short: list[tuple[bytes, Hit]] = []
        for canary in canaries:
            # The same bytes in several encodings count as the first of them.
            forms = {needle: encoding for encoding, needle in reversed([*needles(canary)])}
            for needle, encoding in forms.items():
                found = needle, Hit(canary, encoding)
                if len(needle) >= _GRAM:
                    self._long[needle[:_GRAM]].append(found)
                else:
                    self._short.append(found)

    def hits(self, content: bytes) -> set[Hit]:
        """Return what stands in some content, as it is or compressed."""
        hits = self._plain(content)
        for inflated in _inflated(content):
            hits |= {Hit(hit.canary, Encoding.INFLATED) for hit in self._plain(inflated)}
        return hits

    def _plain(self, content: bytes) -> set[Hit]:
        hits = {hit for needle, hit in self._short if needle in content}
        for begin, end in _filled(content):
            for at in range(begin, end, _CHUNK):
                hits.update(self._among(content[at : min(end, at + _CHUNK + 256)]))
        return hits

    def _among(self, chunk: bytes) -> Iterator[Hit]:
        grams = {chunk[i : i + _GRAM] for i in range(len(chunk) - _GRAM + 1)}
        for gram in grams & self._long.keys():
            for needle, hit in self._long[gram]:
                if needle in chunk:
                    yield hit


def labels(hits: Iterable[Hit]) -> Mapping[str, int]:
    """Count hits by field and encoding, without what was found."""
    counted: dict[str, int] = defaultdict(int)
    for hit in hits:
        counted[f"{hit.canary.label} as {hit.encoding}"] += 1
    return dict(sorted(counted.items()))


def _filled(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the parts between long runs of zeros; a few zeros stay at the edges of each."""
    begin = 0
    for zeros in _ZEROS.finditer(content):
        if zeros.start() + _GRAM > begin:
            yield begin, zeros.start() + _GRAM
        begin = zeros.end() - _GRAM
    if begin < len(content):
        yield begin, len(content)


def _inflated(content: bytes) -> Iterator[bytes]:
    """Yield what every stream in some content inflates to, as far as it can be read."""
    whole = memoryview(content)
    for stream in _STREAM.finditer(content):
        reader = zlib.decompressobj(31 if content[stream.start()] == _GZIP else 15)
        inflated = bytearray()
        with contextlib.suppress(zlib.error):
            for at in range(stream.start(), len(whole), _PIECE):
                inflated += reader.decompress(whole[at : at + _PIECE])
                if reader.eof or len(inflated) > _INFLATED_MOST:
                    break
        if len(inflated) >= _GRAM:
            yield bytes(inflated)
