"""How words reach the visitor: at once while they are here, else when they look for an answer.

Pull mode (ux.md (h) 2): a line appears by itself only shortly after the visitor's last sign of
life. Later ones are held back until "Look for answer" is pressed. Where the visitor agreed to a
hello, one neutral line says that there is something; it never says what.
"""

from dataclasses import replace
from datetime import datetime

from bot.domain.conversation import Conversation, Notify
from bot.domain.handover import Handover
from bot.domain.messages import Line, Reply
from bot.domain.screens import PING
from bot.ports import Delivery, Outgoing, UnitOfWork
from bot.services.effects import outgoing
from bot.services.ids import MessageIds

# A counsellor's line is no longer than one message of Telegram (4,096) with their alias before it.
LONGEST_LINE = 4000


async def speak(
    unit: UnitOfWork,
    conversation: Conversation,
    handover: Handover,
    body: Reply | Line,
    *,
    ids: MessageIds,
    now: datetime,
) -> Handover:
    """Post what a counsellor says, or what the program says of one; return the handover.

    It is held back when the visitor is not here, or when something older is held back already.
    """
    waits = await unit.messages.held([conversation.id])
    held = bool(waits) or not handover.present(conversation.last_seen_at, now)
    line = _human(conversation, body, ids, now)
    await unit.messages.post([replace(line, state=Delivery.HELD) if held else line])
    if not held or handover.pinged or handover.hidden or handover.notify is not Notify.PUSH:
        return handover
    hello = Reply(PING, conversation.memory.locale or "en")
    await unit.messages.post([outgoing(conversation, hello, id_=ids.next(now), now=now)])
    return replace(handover, pinged=True)


def _human(
    conversation: Conversation, body: Reply | Line, ids: MessageIds, now: datetime
) -> Outgoing:
    return replace(outgoing(conversation, body, id_=ids.next(now), now=now), human=True)
