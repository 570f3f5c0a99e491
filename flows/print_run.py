"""Print what is spooled: per location one PDF in packing order, and its pick list.

Orders that were cancelled or packed since their card was spooled are taken out here, at the last moment; what the
brake holds stays in the spool. Nobody's name is on the run's page: counts, and where the files lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prefect import flow
from prefect.artifacts import create_table_artifact
from pydantic import Field

from flows.choices import growing
from flows.errors import FlowError, without_personal_data
from flows.typed import NUMBERS, Form, shown
from segue.service import BrakeError, PrintReport, Segue, open_segue, packing_places, words

#: What the drop-down of locations shows first.
EVERY: Final = "Every location"


class PrintBrief(Form, title="Print run"):
    """Left as it is, every location's waiting cards are printed."""

    location: str = Field(
        EVERY,
        title="Only this location",
        description="Where the parcels are packed, as the shop calls it.",
        max_length=300,
        json_schema_extra=growing(packing_places, first=EVERY),
    )
    print_again: str = Field(
        "",
        pattern=NUMBERS,
        max_length=2_000,
        title="Print again",
        description="Order numbers, separated by commas: their cards are printed once more, with the same codes, "
        "and nothing else is. Before a number of seven digits or more write #.",
    )


@flow(name="print-run")
def print_run(brief: PrintBrief = PrintBrief()) -> int:  # noqa: B008 - frozen
    """Print the waiting cards, or some of them again. Returns how many were printed, or asked for again."""
    orders = asked_again(brief.print_again)
    with without_personal_data("The print run"), open_segue() as segue:
        troubled: list[PrintReport] = []
        if orders:
            rows, cards = again(segue, orders), len(orders)
            said = f"Printed again: what {cards:,} order numbers have"
        else:
            reports = segue.print_run(_named(brief.location))
            rows, cards = [row_of(report) for report in reports], sum(report.pages for report in reports)
            waiting = sum(count for report in reports for count in report.held.values())
            said = f"{cards:,} cards printed" + (f", {waiting:,} held" if waiting else "")
            troubled = [report for report in reports if report.problem]
    create_table_artifact(rows or [{"What": "Nothing was waiting to be printed"}], key="print-report", description=said)
    if troubled:
        raise FlowError(
            f"{len(troubled)} of {len(reports)} print runs stand, the first in {troubled[0].location}:"
            f" {troubled[0].problem}. The next print run tries again."
        )
    return cards


def _named(location: str) -> str | None:
    told = location.strip()
    return None if told in ("", EVERY) else told


def asked_again(text: str) -> list[str]:
    """The order numbers of a form's field, each once."""
    numbers = (number.strip().removeprefix("#") for number in text.replace(";", ",").split(","))
    return list(dict.fromkeys(number for number in numbers if number))


def again(segue: Segue, orders: Sequence[str]) -> list[dict[str, str | int]]:
    """Print the cards of these orders once more; raises FlowError with the cure where one has none or is held."""
    try:
        file = segue.reprint(orders)
    except BrakeError as error:
        told = shown(str(error))
        if told != str(error):
            told = f"nothing was printed again: the brake is on; why is {told}. *Pause or resume* lets it go on"
        raise FlowError(f"{told[0].upper()}{told[1:]}.") from None
    except KeyError:
        raise FlowError(
            "One of these orders has no printed card. Write order numbers as the pick list shows them, e.g. #1001,"
            " separated by commas."
        ) from None
    return [{"File": file.name, "Folder": str(file.parent)}]


def row_of(report: PrintReport) -> dict[str, str | int]:
    """One location's line on the run's page."""
    return {
        "Location": report.location,
        "Cards": report.pages,
        "Taken out": taken_out(report),
        "Held": held(report),
        "Files": ", ".join(file.name for file in report.files),
        "Folder": str(report.files[0].parent) if report.files else "",
    }


def taken_out(report: PrintReport) -> str:
    """How many were taken out and why, in words."""
    said: Sequence[str] = [f"{count:,} {words.reason(reason)}" for reason, count in report.taken_out.items()]
    return ", ".join(said)


def held(report: PrintReport) -> str:
    """How many wait for the brake, in words; they are printed when it is let go of, if they still may be."""
    return ", ".join(f"{count:,}: {words.standing(name)}" for name, count in report.held.items())
