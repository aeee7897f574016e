"""Shows long work: one line that moves, or plain lines where there is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.adapters.nlu import Progress as NluProgress
from bot.adapters.nlu import unit

_STAGES = {
    "environment": "Preparing the NLU environment (the first time takes a few minutes)",
    "load": "Loading the training tools",
    "train": "Training",
    "done": "The model is trained",
    "unchanged": "The model is up to date",
    "start": "Starting the NLU unit",
}


@contextmanager
def nlu_progress(console: Console) -> Iterator[unit.Report]:
    """Yield a function that shows how far the preparation of the NLU unit is."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(progress: NluProgress) -> None:
            words = _STAGES.get(progress.stage, progress.stage)
            total = progress.of or None
            bar.update(task, description=words, completed=progress.done, total=total)
            if not console.is_terminal:
                console.print(words)

        yield report
