"""What staff do with conversations: take, write, pass on, end. The console calls nothing else."""

from bot.services.hotline.draft import Draft
from bot.services.hotline.hotline import Hotline
from bot.services.hotline.ladder import Ladder
from bot.services.hotline.overview import Overview, oversee
from bot.services.hotline.ringing import Ringer
from bot.services.hotline.translating import Preview, Translated, preview
from bot.services.hotline.views import Board, Card, Reader, Said, Talk

__all__ = [
    "Board",
    "Card",
    "Draft",
    "Hotline",
    "Ladder",
    "Overview",
    "Preview",
    "Reader",
    "Ringer",
    "Said",
    "Talk",
    "Translated",
    "oversee",
    "preview",
]
