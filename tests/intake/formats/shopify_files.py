"""Small Shopify files for tests, and short ways to read them."""

# ruff: noqa: E501 - columns read better side by side
from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from segue.intake.export_door import ExportDoor, opened_export
from segue.intake.formats import Options, format_named
from segue.intake.records import Fact
from segue.intake.report import ImportReport, Tally

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "../shared/specs/exports/samples/shopify"
CATALOGUES = ROOT / "../shared/data/product_catalogue"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
F = TypeVar("F", bound=Fact)

#: The columns that matter here, in an order of our own.
ORDER = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at", "Accepts Marketing", "Currency",
    "Total", "Discount Code", "Discount Amount", "Shipping Method", "Created at", "Lineitem quantity", "Lineitem name",
    "Lineitem price", "Lineitem sku", "Lineitem requires shipping", "Billing Province", "Billing Country", "Billing Phone",
    "Shipping Name", "Shipping City", "Shipping Country", "Shipping Phone", "Notes", "Note Attributes", "Cancelled at",
    "Refunded Amount", "Location", "Id", "Tags", "Source", "Phone",
)  # fmt: skip
AT = "2026-03-07 09:12:44 -0800"
_HEAD = {
    "Name": "#1001", "Email": "sarah@example.com", "Financial Status": "paid", "Paid at": AT,
    "Fulfillment Status": "unfulfilled", "Accepts Marketing": "no", "Currency": "USD", "Total": "89.00",
    "Shipping Method": "Standard", "Created at": AT, "Lineitem quantity": "1", "Lineitem name": "Fern Sweater - 8",
    "Lineitem price": "89.00", "Lineitem sku": "FER-8", "Lineitem requires shipping": "true", "Billing Country": "US",
    "Billing Province": "OR", "Shipping Name": "Joy Doe", "Shipping City": "Portland", "Shipping Country": "US",
    "Refunded Amount": "0.00", "Id": "5710000000001", "Source": "web",
}  # fmt: skip
_MORE = {
    "Name": "#1001", "Email": "sarah@example.com", "Created at": AT, "Lineitem quantity": "1",
    "Lineitem name": "Wool Scarf", "Lineitem price": "32.00", "Lineitem sku": "SCF", "Lineitem requires shipping": "true",
}  # fmt: skip


def head(number: int = 1, **cells: str) -> dict[str, str]:
    """The first row of order `number`; cells by column, `_` for a space."""
    return {**_HEAD, "Name": f"#{1000 + number}", "Id": str(5710000000000 + number), **_spaced(cells)}


def more(number: int = 1, **cells: str) -> dict[str, str]:
    """A continuation row of order `number`."""
    return {**_MORE, "Name": f"#{1000 + number}", **_spaced(cells)}


def _spaced(cells: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", " "): text for name, text in cells.items()}


def table(*rows: dict[str, str], columns: tuple[str, ...] = ORDER) -> str:
    """Rows as a CSV file with these columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue()


def read(source: str | bytes | Path, name: str | None = None, **options: Any) -> tuple[list[Fact], ImportReport]:
    """Read a file through its format as an import does, up to the database; the format by name, else recognised."""
    options = {"currency": None, "calling_code": None, "time_zone": None, "date_order": None, **options}
    with tempfile.TemporaryDirectory() as folder:
        path = source if isinstance(source, Path) else Path(folder) / "export.csv"
        if not isinstance(source, Path):
            path.write_bytes(source.encode() if isinstance(source, str) else source)
        kind = format_named(name) if name is not None else None
        rows, kind, sign = opened_export(path, kind, time_zone=options["time_zone"], date_order=options["date_order"])
        tally = Tally()
        door = ExportDoor(
            rows, kind, Options(hash_address=str, now=NOW, file_name=path.name, decimal_sign=sign, **options)
        )
        facts = [*_through(door, rows.rows(), tally), *door.finish(tally)]
        tally.notes.extend(door.notes())
        spoilt = door.spoilt
    kept = [fact for fact in facts if getattr(fact, "order", getattr(fact, "external_id", None)) not in spoilt]
    return kept, tally.report(file=path.name, source=kind.name, encoding=rows.encoding)


def _through(door: ExportDoor, rows: Iterator[Any], tally: Tally) -> Iterator[Fact]:
    for row in rows:
        tally.rows += 1
        yield from door.facts(row, tally)


def of(kind: type[F], facts: list[Fact]) -> list[F]:
    """Those of the facts that are of a kind."""
    return [fact for fact in facts if type(fact) is kind]


Import = Callable[..., ImportReport]
