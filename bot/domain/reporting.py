"""A visitor says that a text is wrong: which text that is, and what they are told.

Told with it are the text, its language and the day: no words, and nothing of the conversation.
"""

from collections.abc import Sequence

from bot.domain.effects import Report
from bot.domain.messages import LINE, Line, Reply
from bot.domain.screens import PING, REPORT_DONE, REPORT_NOTHING, Tap
from bot.domain.step import Step, Turn, show

REPORT = "action_report_text"
# A text stands among the last so many messages: what stands beside an answer comes with it.
RECENT = 5
# Stand beside an answer, which is meant instead.
_BESIDE = frozenset({PING, "utter_suicide_again", "utter_translation_unreviewed"})
_ANSWERS = frozenset({REPORT_DONE, REPORT_NOTHING})
# No text of the desk: a counsellor's own words, and the word that looks like an unused chat.
_NEITHER = frozenset({LINE, "utter_hide_done"})


def meant(shown: Sequence[Reply | Line]) -> Reply | None:
    """Return the newest of what was shown, oldest first, where it is a text of the desk."""
    newest = [body for body in shown if _screen(body) not in _BESIDE][-1:]
    texts = [body for body in newest if isinstance(body, Reply) and body.screen not in _NEITHER]
    return texts[0] if texts else None


def is_reportable(screens: Sequence[str]) -> bool:
    """Tell whether a page that shows these screens, oldest first, has a text to report."""
    newest = [screen for screen in screens if screen not in _BESIDE][-1:]
    return bool(newest) and newest[0] not in _NEITHER | _ANSWERS


def _screen(body: Reply | Line) -> str:
    return body.screen if isinstance(body, Reply) else LINE


def report(step: Step, _tap: Tap) -> Turn:
    """Report the text that is meant; the visitor stays where they were, whatever was asked there.

    What answers a report is no text to report: pressed again, it is shown again.
    """
    text = step.situation.meant
    if text is None or text.screen not in step.situation.deck:
        return _aside(step, REPORT_NOTHING)
    if text.screen in _ANSWERS:
        return _aside(step, text.screen)
    return _aside(step, REPORT_DONE, Report(text.screen, text.locale))


def _aside(step: Step, screen: str, *effects: Report) -> Turn:
    """Show a screen and remember the present one."""
    return Turn(step.memory, show(step, screen).replies, effects)
