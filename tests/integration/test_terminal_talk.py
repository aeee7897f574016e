"""A counsellor's lines on the terminal, where several come together."""

from pathlib import Path

from rich.console import Console

from bot.adapters.terminal import TerminalChat, show
from bot.domain.messages import Channel
from bot.domain.staff import StaffId
from tests.support.app import Visitor, on_shift, running, screens

ANA, BO = StaffId("a1"), StaffId("b2")
_ASKS = ("utter_human_notify consent=new", "utter_human_code_word notify=push", "action_queue_open")


async def test_a_question_with_a_line_after_it_can_be_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        for staff in (ANA, BO):
            await on_shift(app, staff)
        chat = TerminalChat(app.reception, locale="en")
        await chat.start()
        for tap in _ASKS:
            await chat.tap(tap)
        visitor = Visitor(app, Channel.TERMINAL, sender=chat._sender)
        found = await visitor.handover()
        assert found is not None
        number = found.id or 0
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.offer_transfer(ANA, "Ana", number, BO, "", "transfer_shift")
        await app.hotline.say(ANA, "Ana", number, "take your time", "1")
        said = await chat.type("hello")
        assert screens(said)[-2:] == ["utter_human_transfer", "line"]

        console = Console(width=80, record=True)
        show(console, said)
        printed = console.export_text()
        labels = [choice.label for choice in chat.choices]
        for position, label in enumerate(labels, start=1):
            assert f" {position}  {label} " in printed
        # A button that both have stands once, under the newest.
        assert labels.count("Phone") == 1

        await chat.type(str(labels.index("Yes") + 1))
        asked = await visitor.handover()
        assert asked is not None
        assert asked.transfer is not None
        assert asked.transfer.agreed is True
