"""The wording rules that a program can hold texts to (ux.md section 3)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.facts import PLACEHOLDER
from bot.domain.triage.normalise import UNSPACED

_SENTENCE = re.compile(r"[.!?…؟؛]+[\s\"»”)]+|[.!?…؟؛]+$|\n+|;\s|:\s")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_MARKUP = re.compile(r"<[a-zA-Z/!]|</|https?://|\[[^\]]*\]\(|\*\*|__")
# Characters that steer direction or hide: the program adds them, translators never need to (T7).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)

# Runtime placeholders and a value of each, long enough to measure with.
RUNTIME: Mapping[str, str] = {
    "wait_estimate": "30-60",
    "next_open_time": "2026-12-28T08:30:00+01:00",
    "fact_reviewed_on": "2026-11-22",
    "staff_alias": "Anna",
    "return_code": "one two three four five six seven",
    "transfer_reason": "transfer_experience",
    "option_1": "utter_debt",
    "option_2": "utter_legal_help",
    "low": "30",
    "high": "60",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths in characters, sentences in words, grades on the Flesch-Kincaid scale."""

    template: int
    rendered: int
    label: int
    sentence_words: int
    grade_each: float
    grade_mean: float
    grade_min_words: int

    @classmethod
    def read(cls, raw: Mapping[str, float]) -> "Limits":
        """Read the limits of deck.yml."""
        return cls(
            template=int(raw["template_characters"]),
            rendered=int(raw["rendered_characters"]),
            label=int(raw["button_label_characters"]),
            sentence_words=int(raw["words_per_sentence"]),
            grade_each=float(raw["reading_grade_each"]),
            grade_mean=float(raw["reading_grade_mean"]),
            grade_min_words=int(raw["reading_grade_min_words"]),
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: where, which rule, and what to do about it."""

    where: str
    rule: str
    says: str


def sentences(text: str) -> list[str]:
    """Split a text into sentences; a line break, a colon and a semicolon end one too."""
    return [part for part in _SENTENCE.split(text) if part and part.strip()]


def words(text: str) -> list[str]:
    """Return the words of a text; a placeholder counts as one."""
    return _WORD.findall(PLACEHOLDER.sub(" x ", text))


def long_sentences(where: str, text: str, limit: int) -> Iterator[Finding]:
    """Find sentences that are too long to be read in fear."""
    for sentence in sentences(text):
        count = len(words(sentence))
        if count > limit:
            yield Finding(where, "sentence", f"a sentence of {count} words; at most {limit}")


def too_long(where: str, text: str, limit: int, what: str) -> Iterator[Finding]:
    """Find texts over a length in characters."""
    if len(text) > limit:
        yield Finding(where, what, f"{len(text)} characters; at most {limit}")


def typed_digits(where: str, text: str, allowed: Sequence[re.Pattern[str]]) -> Iterator[Finding]:
    """Find digits that should be facts; list numbers at the start of a line are allowed."""
    rest = re.sub(r"(?m)^\s*\d\. ", "", PLACEHOLDER.sub("", text))
    for pattern in allowed:
        rest = pattern.sub("", rest)
    if _DIGIT.search(rest):
        yield Finding(where, "digits", "a typed number: make it a fact and use its placeholder")


def forbidden(where: str, text: str, banned: Iterable[str]) -> Iterator[Finding]:
    """Find words that label, promise or diagnose."""
    plain = PLACEHOLDER.sub(" ", text).casefold()
    for word in banned:
        # Thai has no spaces: there a word may begin anywhere.
        begin = "" if UNSPACED.match(word) else r"\b"
        if re.search(f"{begin}{re.escape(word.casefold())}", plain):
            yield Finding(where, "forbidden word", f'"{word}" must not stand here')


def markup(where: str, text: str) -> Iterator[Finding]:
    """Find markup, typed addresses and invisible characters."""
    if _MARKUP.search(text):
        yield Finding(where, "markup", "plain text only: no HTML, no Markdown, no typed address")
    yield from invisible(where, text)


def invisible(where: str, text: str) -> Iterator[Finding]:
    """Find characters that nobody sees."""
    if _INVISIBLE.search(text):
        yield Finding(where, "invisible", "an invisible character: delete and type it again")


def placeholders_differ(where: str, source: str, translation: str) -> Iterator[Finding]:
    """Find placeholders that a translation lost, added or doubled."""
    wanted, found = (Counter(PLACEHOLDER.findall(text)) for text in (source, translation))
    for name in sorted((wanted - found).keys()):
        yield Finding(where, "placeholder", f"{{{name}}} is missing")
    for name in sorted((found - wanted).keys()):
        yield Finding(where, "placeholder", f"{{{name}}} does not stand in the English text")
    if re.search(r"[{}]", PLACEHOLDER.sub("", translation)):
        yield Finding(where, "placeholder", "a brace that belongs to no placeholder")


def grade(text: str, syllables: Mapping[str, int]) -> float:
    """Return the Flesch-Kincaid grade of English text, given the syllables of its words.

    0.39 words per sentence + 11.8 syllables per word - 15.59 (Kincaid and others, 1975).
    """
    own = [word for word in words(PLACEHOLDER.sub(" ", text)) if not word.isdigit()]
    count = max(1, len(sentences(PLACEHOLDER.sub("x", text))))
    if not own:
        return 0.0
    total = sum(syllables[word.casefold()] for word in own)
    return 0.39 * len(own) / count + 11.8 * total / len(own) - 15.59
