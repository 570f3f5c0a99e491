"""Read what the shop knows from files on this machine.

What a file's columns mean stands in a mapping file; what is left out, and why, in the table on the run's page:
counts, reasons and line numbers, never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict, Field

from flows.errors import FlowError, without_personal_data
from segue.service import ImportReport, open_segue, words

#: Where a mapping given by its short name is looked for.
MAPPINGS = Path("examples")


class ImportBrief(BaseModel):
    """Reading the same file twice changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, title="Import")

    path: str = Field(
        "import",
        title="File or folder",
        description="On the machine where Segue runs. Of a folder, every file is read, in the order of their names.",
    )
    mapping: str = Field(
        "",
        title="Mapping",
        description="What the columns mean: a file of the folder examples, without its ending .toml, or a path. "
        "Leave it empty for events as JSON lines.",
    )


@flow(name="import-shop")
def import_shop(brief: ImportBrief = ImportBrief()) -> int:  # noqa: B008 - frozen
    """Read customers, carts, orders and stock from a file or a folder. Returns how many records were new."""
    mapping = mapping_file(brief.mapping)
    reports = [read_file(file, mapping) for file in files_in(Path(brief.path))]
    create_table_artifact(
        [row for report in reports for row in rows_of(report)],
        key="import-report",
        description=f"{len(reports)} files, {sum(report.rows for report in reports):,} rows read",
    )
    return sum(sum(report.taken.values()) for report in reports)


@task(name="read file", task_run_name="{file.name}")
def read_file(file: Path, mapping: Path | None) -> ImportReport:
    """Take one file whole, or not at all."""
    with without_personal_data(f"Reading {file.name}"), open_segue() as segue:
        return segue.import_file(file, mapping)


def files_in(path: Path) -> Sequence[Path]:
    """The file itself, or the folder's files in the order of their names; raises FlowError where there is nothing."""
    if path.is_file():
        return [path]
    found = (
        sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
        if path.is_dir()
        else []
    )
    if not found:
        raise FlowError(f"There is nothing to read at {path.absolute()}; give a file, or a folder with files in it.")
    return found


def mapping_file(name: str) -> Path | None:
    """The mapping file that a short name or a path means; None for no name. Raises FlowError naming the choice."""
    if not name.strip():
        return None
    for candidate in (Path(name.strip()), MAPPINGS / f"{name.strip()}.toml"):
        if candidate.is_file():
            return candidate
    known = ", ".join(sorted(file.stem for file in MAPPINGS.glob("*.toml"))) or "none yet"
    raise FlowError(f"There is no mapping {name.strip()}; the folder {MAPPINGS} holds {known}.")


def rows_of(report: ImportReport) -> list[dict[str, str | int]]:
    """One row a kind of record or reason, as the table on the run's page shows them."""
    rows: list[dict[str, str | int]] = []
    for kind in sorted({*report.taken, *report.updated, *report.duplicates}):
        for what, count in (
            ("new", report.taken.get(kind, 0)),
            ("added to", report.updated.get(kind, 0)),
            ("already known", report.duplicates.get(kind, 0)),
        ):
            if count:
                rows.append(_row(report, words.plain(kind), what, count))
    for what, counts in (("left out", report.skipped), ("taken with a doubt", report.warnings)):
        for reason, count in counts.items():
            lines = ", ".join(str(problem.line) for problem in report.lines if problem.reason == reason)
            rows.append(_row(report, words.plain(reason), what, count, lines))
    return rows or [_row(report, "nothing", "found", 0)]


def _row(report: ImportReport, record: str, what: str, count: int, lines: str = "") -> dict[str, str | int]:
    return {"File": report.file, "Record or reason": record, "What": what, "How many": count, "Lines, e.g.": lines}
