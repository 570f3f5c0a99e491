"""How far a file is, as a bar."""

from __future__ import annotations

from rich.progress import Progress, TaskID


def advance(bars: Progress, task: TaskID, done: int, total: int | None) -> None:
    """Show how far a file is."""
    bars.update(task, completed=done, total=total)
