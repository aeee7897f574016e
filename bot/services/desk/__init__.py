"""What staff do with conversations: take, write, pass on, end. The console calls nothing else."""

from bot.services.desk.desk import Desk
from bot.services.desk.ladder import Ladder
from bot.services.desk.views import Board, Reader, Said, Talk

__all__ = ["Board", "Desk", "Ladder", "Reader", "Said", "Talk"]
