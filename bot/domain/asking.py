"""The way to a counsellor: consent, the queue, and out of it again."""

from dataclasses import replace

from bot.domain.conversation import Consent, Memory
from bot.domain.effects import AnswerTransfer, Ask, Effect, Redact, Release, Withdraw
from bot.domain.handover import State
from bot.domain.messages import Reply
from bot.domain.screens import CODE_WORD, CONSENT, JOINED, KEPT, MENU, OFF_HOURS, PARKED, Tap
from bot.domain.step import Situation, Step, Turn, remember, show
from bot.domain.triage import Level


def ask_consent(step: Step) -> Turn:
    """Ask for consent, unless the visitor waits already or writes with a counsellor."""
    if step.situation.state() in (State.WAITING, State.ACTIVE, State.LEFT_MESSAGE):
        return look(step, Tap("action_pull"))
    return show(step, _consent_screen(step.memory))


def _consent_screen(memory: Memory) -> str:
    """Return the screen that asks for consent; the young hear first whom staff must tell."""
    return "utter_minor_limits" if memory.minor else CONSENT


def young_agreed(step: Step) -> Turn:
    """Show the next question; someone under 18 who read the limits has agreed to new messages."""
    memory = step.memory
    if memory.consent is None:
        step = replace(step, memory=replace(memory, consent=Consent.NEW))
    return show(step, "utter_human_notify")


def queue_urgent(step: Step, _tap: Tap) -> Turn:
    """Ask for a counsellor from a danger branch: the branch gives the level.

    Someone under 18 has not read whom staff must tell: until then only new messages are shown, and
    the limits follow at once, after the numbers.
    """
    level = Level(step.memory.level) if step.memory.level else Level.RED
    if not step.memory.minor:
        return queue(remember(step, consent=Consent.ALL), level)
    turn = queue(remember(step, consent=Consent.NEW), level)
    limits = Reply("utter_minor_urgent", step.speaking())
    return replace(turn, replies=(*turn.replies, limits))


def queue_open(step: Step, _tap: Tap) -> Turn:
    """Ask for a counsellor after consent, without a code word."""
    return queue(step, asked_level(step.memory), Redact(CODE_WORD))


def asked_level(memory: Memory) -> Level:
    """Return the level of a wish to talk: yellow, orange for the young, or what a branch gave."""
    return max(Level(memory.level), Level.ORANGE if memory.minor else Level.YELLOW)


def queue(step: Step, level: Level, *effects: Effect, code_word: str = "") -> Turn:
    """Enter the queue, or offer to keep a place while nobody can write."""
    memory = step.memory
    if memory.consent is None:
        return show(step, _consent_screen(memory))
    ask = Ask(level, memory.consent, memory.notify, memory.minor, code_word)
    if step.situation.talks():
        return show(step, "utter_human_nothing_new", ask, *effects)
    screen = "utter_queue_wait" if step.situation.staffed else OFF_HOURS
    return show(step, screen, ask, *effects)


def keep_place(step: Step) -> Turn:
    """Leave a message for the time when counsellors are back."""
    memory = step.memory
    if memory.consent is None:
        return show(step, _consent_screen(memory))
    ask = Ask(asked_level(memory), memory.consent, memory.notify, memory.minor, keep=True)
    return show(step, KEPT, ask)


def look(step: Step, _tap: Tap) -> Turn:
    """Look for an answer: show what was written meanwhile, or say where the visitor stands."""
    situation = step.situation
    if situation.held:
        kept = situation.state() is State.LEFT_MESSAGE
        memory = replace(step.memory, screen=KEPT if kept else JOINED)
        return Turn(memory, (), (Release(),))
    state = situation.state()
    if state is State.ACTIVE:
        return show(step, "utter_human_nothing_new", Release())
    if state in (State.WAITING, State.LEFT_MESSAGE):
        # An estimate would be a lie while nobody is there to come.
        turn = show(step, _place(situation), Release())
        return (
            turn if situation.staffed else replace(turn, memory=replace(turn.memory, screen=KEPT))
        )
    return show(step, MENU)


def _place(situation: Situation) -> str:
    """Return what tells a visitor that their place is kept.

    A counsellor who had to stop may be back within the hours: no time is named then.
    """
    if situation.staffed:
        return "utter_queue_still_waiting"
    parked = situation.handover is not None and situation.handover.claimed_at is not None
    return PARKED if parked and situation.state() is State.LEFT_MESSAGE else KEPT


def cancel(step: Step) -> Turn:
    """Leave the queue at once, or the talk."""
    memory = replace(step.memory, consent=None, level=0, numbers_told=False)
    talked = step.situation.state() is State.ACTIVE
    screen = "utter_human_ended" if talked else "utter_human_cancelled"
    return show(replace(step, memory=memory), screen, Withdraw())


def leave(step: Step, _tap: Tap) -> Turn:
    """Go back to the program; a button left over from a talk that is over leads to the menu."""
    return cancel(step) if step.situation.state() is State.ACTIVE else show(step, MENU)


def answer_transfer(step: Step, *, agreed: bool) -> Turn:
    """Take the answer to "may a colleague see this chat?"; without a question it means nothing."""
    handover = step.situation.handover
    if handover is None or handover.transfer is None:
        return look(step, Tap("action_pull"))
    screen = "utter_human_transfer_yes" if agreed else "utter_human_transfer_no"
    return show(step, screen, AnswerTransfer(agreed))
