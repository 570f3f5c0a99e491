"""Print what is spooled: per location one PDF in packing order, and its pick list.

Orders that were cancelled or packed since their card was spooled are taken out here, at the last moment. Nobody's name
is on the run's page: counts, and where the files lie.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow
from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict, Field

from flows.errors import without_personal_data
from segue.service import PrintReport, open_segue, words


class PrintBrief(BaseModel):
    """Left as it is, every location's waiting cards are printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, title="Print run")

    location: str = Field(
        "", title="Only this location", description="As the shop calls it, e.g. main. Empty: every location."
    )
    print_again: str = Field(
        "",
        title="Print again",
        description="Order numbers, separated by commas: their cards are printed once more, with the same codes, "
        "and nothing else is.",
    )


@flow(name="print-run")
def print_run(brief: PrintBrief = PrintBrief()) -> int:  # noqa: B008 - frozen
    """Print the waiting cards, or some of them again. Returns how many pages were printed."""
    orders = [number for number in brief.print_again.replace(";", ",").split(",") if number.strip()]
    with without_personal_data("The print run"), open_segue() as segue:
        if orders:
            file = segue.reprint(orders)
            rows: list[dict[str, str | int]] = [{"File": file.name, "Folder": str(file.parent)}]
            pages = len(orders)
        else:
            reports = segue.print_run(brief.location.strip() or None)
            rows = [row_of(report) for report in reports]
            pages = sum(report.pages for report in reports)
    create_table_artifact(
        rows or [{"What": "Nothing was waiting to be printed"}],
        key="print-report",
        description=f"{pages:,} cards printed",
    )
    return pages


def row_of(report: PrintReport) -> dict[str, str | int]:
    """One location's line on the run's page."""
    return {
        "Location": report.location,
        "Cards": report.pages,
        "Taken out": taken_out(report),
        "Files": ", ".join(file.name for file in report.files),
        "Folder": str(report.files[0].parent) if report.files else "",
    }


def taken_out(report: PrintReport) -> str:
    """How many were taken out and why, in words."""
    said: Sequence[str] = [f"{count:,} {words.reason(reason)}" for reason, count in report.taken_out.items()]
    return ", ".join(said)
