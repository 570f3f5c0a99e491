"""Takes files in for `segue import`, and tells what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from segue.cli.opened import opened
from segue.cli.progress import advance
from segue.gallery.visible import visible
from segue.intake import FORMATS, Hints, ImportReport, IntakeError, MappingError, OptionError, files_of, is_leaflet

_BARS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)


def take_files(
    files: Sequence[Path], console: Console, *, mapping: Path | None, format_name: str | None, hints: Hints
) -> bool:
    """Import the files one after the other and say what became of each; return whether all is well."""
    if not files:
        raise IntakeError("name at least one file; `segue import --formats` lists the known exports")
    outcome = _Outcome()
    with opened() as segue, Progress(*_BARS, console=console) as bars:

        def take(file: Path) -> ImportReport:
            task = bars.add_task(visible(file.name), total=None)
            try:
                return segue.import_file(
                    file, mapping, partial(advance, bars, task), format_name=format_name, hints=hints
                )
            except IntakeError:
                bars.remove_task(task)
                raise

        for given in files:
            _take_all(given, take, outcome, bars.console)
    return outcome.tell(console)


def list_formats(console: Console) -> None:
    """Print the exports that are known, and what they are recognised by."""
    table = Table(title="Exports that are known; a file is recognised by its header")
    table.add_column("name", no_wrap=True)  # it is typed again: whole, on one line
    for head in ("what it is", "columns it needs"):
        table.add_column(head, overflow="fold")
    for one in FORMATS:
        needed = (name if isinstance(name, str) else " or ".join(name) for name in one.needed)
        table.add_row(one.name, one.title, ", ".join(needed))
    console.print(table)


@dataclass(slots=True)
class _Outcome:
    """What became of the files named."""

    read: int = 0
    refused: list[str] = field(default_factory=list)
    fruitless: list[str] = field(default_factory=list)

    def tell(self, console: Console) -> bool:
        """Say what did not go in, and why; return whether all is well."""
        if self.fruitless:
            names = ", ".join(self.fruitless)
            console.print(f"Nothing was imported from {names}: the report above says why.", style="red", markup=False)
        if self.refused:
            whole = self.read + len(self.refused)
            console.print(f"Refused, nothing of it was imported ({len(self.refused)} of {whole}):", style="red")
            for why in self.refused:
                console.print(f"  {why}", highlight=False, markup=False, soft_wrap=True)
        if not self.read and not self.refused:
            console.print("Nothing was imported: there was no file of data.", style="red")
        return bool(self.read) and not self.refused and not self.fruitless


def _take_all(given: Path, take: Callable[[Path], ImportReport], outcome: _Outcome, console: Console) -> None:
    """Import a file, or each file of a ZIP; a refused one stops no other. What is wrong for every file is raised."""
    inside = ""
    try:
        with files_of(given) as found:
            inside = "" if found == [given] else f"{given.name}: "
            for file in found:
                if is_leaflet(file):
                    console.print(visible(f"{inside}{file.name} passed over: it is no data"), markup=False)
                    continue
                try:
                    report = take(file)
                except (MappingError, OptionError):
                    raise
                except IntakeError as error:
                    outcome.refused.append(visible(f"{inside}{error}"))
                    continue
                outcome.read += 1
                console.print(visible(report.to_text(), keep="\n"), highlight=False, markup=False)
                if report.is_fruitless:
                    outcome.fruitless.append(visible(file.name))
    except (MappingError, OptionError):
        raise
    except IntakeError as error:  # the archive itself
        outcome.refused.append(visible(str(error)))
