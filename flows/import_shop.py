"""Read what the shop knows from files on this machine.

Well-known exports are recognised; what another file's columns mean stands in a mapping file. What is left out, and why,
is in the table on the run's page: counts, reasons and line numbers, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from pydantic import Field

from flows.errors import FlowError, without_personal_data
from flows.fresh_forms import freshen_forms
from flows.typed import FILE, ZONE, Form
from segue.service import (
    FORMATS,
    Hints,
    ImportReport,
    IntakeError,
    MappingError,
    OptionError,
    files_of,
    is_leaflet,
    open_segue,
    words,
)

#: Where a mapping given by its short name is looked for.
MAPPINGS = Path("examples")


_ORDERS: Mapping[str, Literal["day_first", "month_first"]] = {"day first": "day_first", "month first": "month_first"}


class ImportBrief(Form, title="Import"):
    """Reading the same file twice changes nothing."""

    path: str = Field(
        "import",
        pattern=FILE,
        max_length=500,
        title="File or folder",
        description="On the machine where Segue runs. Of a folder, every file is read, in the order of their names.",
    )
    mapping: str = Field(
        "",
        pattern=FILE,
        max_length=500,
        title="Mapping",
        description="What the columns mean: a file of the folder examples, without its ending .toml, or a path. "
        "Leave it empty for known exports and for events as JSON lines.",
    )
    format: Literal[("", *(one.name for one in FORMATS))] = Field(  # type: ignore[valid-type]
        "",
        title="Format",
        description="Which export it is. Leave it empty: the file is recognised by its columns.",
    )
    country_code: str = Field(
        "",
        title="Country code",
        pattern=r"^(\+?[1-9]\d{0,3})?$",
        description="For phones without a country: 44 makes 07700 900123 a British number. Empty: they reach nobody.",
    )
    time_zone: str = Field(
        "",
        pattern=ZONE,
        max_length=60,
        title="Time zone",
        description="Whose clock times without an offset show, e.g. Europe/Paris.",
    )
    date_order: Literal["", "day first", "month first"] = Field(
        "", title="Date order", description="How 07/10/2023 is meant."
    )
    currency: str = Field(
        "",
        title="Currency",
        pattern=r"^([A-Za-z]{3})?$",
        description="Three letters such as EUR, for files that name none.",
    )

    def hints(self) -> Hints:
        """What is said about exports that they do not say themselves."""
        return Hints(
            calling_code=self.country_code.removeprefix("+") or None,
            time_zone=self.time_zone.strip() or None,
            date_order=_ORDERS.get(self.date_order),
            currency=self.currency.upper() or None,
        )


@flow(name="import-shop")
def import_shop(brief: ImportBrief = ImportBrief()) -> int:  # noqa: B008 - frozen
    """Read customers, carts, orders and stock from a file or a folder. Returns how many records were new."""
    mapping = mapping_file(brief.mapping)
    format_name = brief.format or None
    reports: list[ImportReport] = []
    refused: list[Refused] = []
    for file in files_in(Path(brief.path)):
        for found in read_file(file, mapping, format_name, brief.hints()):
            if isinstance(found, Refused):
                refused.append(found)
            else:
                reports.append(found)
    create_table_artifact(
        [row for report in reports for row in rows_of(report)]
        + [
            {"File": one.file, "Record or reason": one.why, "What": "refused whole", "How many": 1, "Lines, e.g.": ""}
            for one in refused
        ],
        key="import-report",
        description=f"{len(reports)} files, {sum(report.rows for report in reports):,} rows read",
    )
    freshen_forms()
    if refused:
        listed = "; ".join(one.why for one in refused)
        raise FlowError(f"{len(refused)} files were refused, {len(reports)} were read: {listed}")
    return sum(sum(report.taken.values()) for report in reports)


class Refused(NamedTuple):
    """A file of which nothing was taken, and why; the text holds no personal data."""

    file: str
    why: str


@task(name="read file", task_run_name="{file.name}")
def read_file(file: Path, mapping: Path | None, format_name: str | None, hints: Hints) -> list[ImportReport | Refused]:
    """Take one file whole, or not at all; of a ZIP, each of its files. A refused one stops no other."""
    told: list[ImportReport | Refused] = []
    with without_personal_data(f"Reading {file.name}"), open_segue() as segue:
        try:
            with files_of(file) as found:
                for one in found:
                    if is_leaflet(one):
                        continue
                    try:
                        told.append(segue.import_file(one, mapping, format_name=format_name, hints=hints))
                    except (MappingError, OptionError):
                        raise
                    except IntakeError as error:
                        told.append(Refused(one.name, str(error)))
        except (MappingError, OptionError):
            raise
        except IntakeError as error:  # the archive itself
            told.append(Refused(file.name, str(error)))
    return told


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
