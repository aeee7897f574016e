"""Lines that stand beside an answer: the notice about drafts, and the line said once more."""

from dataclasses import replace

from bot.domain.effects import Forget, Hide, Offer, Release, Withdraw
from bot.domain.messages import Reply
from bot.domain.screens import CARE, DANGER, LANGUAGES, OFFER_PERSON, OFFER_YOUNG, PING, SAFE
from bot.domain.step import Step, Turn

# Screens on which the notice about an unreviewed translation would stand in the way.
_NO_NOTICE = frozenset(
    {
        *(SAFE, LANGUAGES, DANGER, CARE, "utter_hide_done", "utter_forget_done"),
        "utter_police_card",  # held up to somebody else
    }
)


_CARE_SCREENS = frozenset({CARE, "utter_suicide_stay", OFFER_PERSON, OFFER_YOUNG, DANGER})


def finish(step: Step, turn: Turn) -> Turn:
    """Add what every turn needs: notices on drafts and waiting lines, the line said again."""
    return _tell_waiting(step, _repeat_care(step, _tell_draft(step, turn)))


def _tell_waiting(step: Step, turn: Turn) -> Turn:
    """Say neutrally that a counsellor has written meanwhile."""
    looked = any(isinstance(effect, Release | Withdraw | Hide | Forget) for effect in turn.effects)
    if not step.situation.held or looked or any(r.screen in (PING, DANGER) for r in turn.replies):
        return turn
    return replace(turn, replies=(*turn.replies, Reply(PING, step.speaking())))


def _tell_draft(step: Step, turn: Turn) -> Turn:
    """Say once per session that nobody has checked this translation yet."""
    if turn.memory.draft_told or not turn.replies:
        return turn
    first = turn.replies[0]
    if first.locale not in step.situation.drafts or first.screen in _NO_NOTICE:
        return turn
    notice = Reply("utter_translation_unreviewed", first.locale)
    memory = replace(turn.memory, draft_told=True)
    if turn.effects and isinstance(turn.effects[0], Offer):
        return turn
    # The answer comes after the notice, so it is a new message and not an older one changed.
    answers = [replace(reply, on="") for reply in turn.replies]
    return replace(turn, memory=memory, replies=(notice, *answers))


def _repeat_care(step: Step, turn: Turn) -> Turn:
    """End the next answer after ``utter_suicide_care`` with the line (ux.md journey g, step 3)."""
    if not turn.replies:
        return turn
    screen = turn.replies[-1].screen
    if screen == CARE:
        return replace(turn, memory=replace(turn.memory, care=True))
    if not step.memory.care or screen in _CARE_SCREENS or screen in _NO_NOTICE:
        return turn
    again = Reply("utter_suicide_again", turn.replies[-1].locale)
    return replace(turn, memory=replace(turn.memory, care=False), replies=(*turn.replies, again))
