"""What every program of this folder says at the end."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Result:
    """What one program found: a line of figures each, and what is wrong."""

    name: str
    figures: Mapping[str, object] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def written(self) -> str:
        width = max((len(name) for name in self.figures), default=0)
        lines = [self.name, *(f"  {name:<{width}}  {one}" for name, one in self.figures.items())]
        lines += [f"  MISSED: {failure}" for failure in self.failures[:40]]
        return "\n".join([*lines, "  every bar is held" if not self.failures else ""]).rstrip()


def conclude(results: Iterable[Result], file: Path | None) -> int:
    """Print results as they come; return the exit code."""
    every = []
    for result in results:
        print(result.written(), flush=True)
        every.append(result)
    if file:
        told = [{"name": r.name, "figures": r.figures, "failures": r.failures} for r in every]
        file.write_text(json.dumps(told, indent=1), "utf-8")
    return 1 if any(result.failures for result in every) else 0
