"""Long texts in pieces that Telegram takes."""

# The limit is in characters; counting UTF-16 units is the stricter reading of the documentation.
# https://core.telegram.org/bots/api#sendmessage
LONGEST = 4096
# Where to cut, best first: between paragraphs, lines, sentences, words.
_BREAKS = (("\n\n",), ("\n",), (". ", "! ", "? ", "\u061f ", "\u2026 "), (" ",))


def split(text: str, longest: int = LONGEST) -> list[str]:
    """Return pieces of at most ``longest`` UTF-16 units, cut where a reader would pause."""
    pieces: list[str] = []
    while _units(text) > longest:
        head = _fitting(text, longest)
        cut = _cut(head)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [*(piece for piece in pieces if piece), text]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fitting(text: str, longest: int) -> str:
    """Return the longest beginning that fits."""
    head = text[:longest]
    while _units(head) > longest:
        head = head[: -max(1, (_units(head) - longest) // 2)]
    return head


def _cut(head: str) -> int:
    """Return where to cut: at the best kind of break in the second half, else anywhere."""
    for marks in _BREAKS:
        found = max(_end_of_last(mark, head) for mark in marks)
        if found > len(head) // 2:
            return found
    return len(head)


def _end_of_last(mark: str, head: str) -> int:
    """Return where the last such break ends, 0 if there is none."""
    at = head.rfind(mark)
    return at + len(mark) if at >= 0 else 0
