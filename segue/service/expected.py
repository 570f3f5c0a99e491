"""Expected facts: a folder of files, read into a scratch database as if its period were long over.

Any file that `segue import` reads; a TOML file beside a table is its mapping. What is not as its owner will think it
is, is said: as an IntakeError where nothing can be rehearsed with it, else in a sentence beside the calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Engine, case, func, literal, select

from segue.intake import ImportReport, IntakeError, files_of, is_leaflet
from segue.service.shop import ShopVerbs
from segue.store.copying import Span
from segue.store.engine import read
from segue.store.tables import (
    cart_event,
    consent_event,
    event,
    fulfilment,
    order,
    order_return,
    stock_event,
    suppression,
    touchpoint,
)
from segue.store.types import UtcTime

#: Files are read as if so long after the period, so that nothing in them looks as if it was told late.
LONG_AFTER: Final = timedelta(days=30)
#: Files name each other's rows, in whatever order they come; reading one again adds what it named in vain before.
_READINGS: Final = 4
_DATED = (order, cart_event, event, touchpoint, fulfilment, order_return, consent_event, suppression, stock_event)
Told = Callable[[str, int, int], None]
"""`(what is being done, how much of it is, of how much)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dates:
    """When what a folder told happened: how many facts before, in and after the period, and the first and the last."""

    before: int
    inside: int
    after: int
    first: datetime | None
    last: datetime | None


Files = list[tuple[Path, Path | None]]
"""Each file to read, and its mapping if it has one."""


def read_files(into: ShopVerbs, files: Files, span: Span, told: Told) -> tuple[str, ...]:
    """Read every file in the order of their names; return what their owner should know about them.

    Raises IntakeError, saying what to do, for a file that cannot be read, and where all facts lie outside the period.
    """
    with read(into.engine) as connection:
        newest = _newest(connection)
    reports = _read_all(into, files, told)
    with read(into.engine) as connection:
        dates = _dates(connection, newest, span)
    _refuse_other_days(dates, files[0][0].parent, span)
    return (*_left_out(reports), *_outside(dates))


def own_facts(source: Engine, span: Span) -> tuple[str, ...]:
    """A sentence where nothing that the shop remembers happened in the period: its calendar is as good as empty."""
    with read(source) as connection:
        dates = _dates(connection, dict.fromkeys((table.name for table in _DATED), 0), span)
    if dates.inside or dates.first is None or dates.last is None:
        return ()
    days = f"{_day(span.since, span.zone)} to {_day(span.until - timedelta(seconds=1), span.zone)}"
    first, last = _day(dates.first, span.zone), _day(dates.last, span.zone)
    said = (
        f"Nothing that this shop remembers happened on {days}; its facts tell of {first} to {last}. Rehearse days of "
        "theirs, or say on which of them the facts begin, and they are moved."
    )
    return (said,)


def files_in(folder: Path) -> Files:
    """What is to be read of `folder`; raises IntakeError, saying what to do, where that is not as it should be."""
    if folder.is_file():
        raise IntakeError(f"{folder} is a file; name the folder in which it lies")
    if not folder.is_dir():
        raise IntakeError(f"there is no folder {folder.absolute()}; name one that holds the files to rehearse")
    found = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    if inner := [one.name for one in found if one.is_dir()]:
        raise IntakeError(
            f"{folder} holds the folder {inner[0]}, which is not looked into; move its files up, or it away"
        )
    mappings = {one.stem: one for one in found if one.suffix == ".toml"}
    files = [(one, mappings.get(_stem(one))) for one in found if one.suffix != ".toml" and not is_leaflet(one)]
    if not files:
        raise IntakeError(f"the folder {folder} holds no file to rehearse; put exports, tables or events into it")
    if lost := sorted(mappings.keys() - {_stem(file) for file, _ in files}):
        raise IntakeError(
            f"{folder / lost[0]}.toml maps no file; call it as the table it is about, e.g. {_stem(files[0][0])}.toml "
            f"for {files[0][0].name}"
        )
    return files


def _stem(file: Path) -> str:
    """`orders` of `orders.csv.gz`."""
    return file.name.partition(".")[0]


def _read_all(into: ShopVerbs, files: Files, told: Told) -> list[ImportReport]:
    """Read all of them until nothing new comes of it; return the reports of the last time."""
    reports: list[ImportReport] = []
    for _ in range(_READINGS):
        reports = []
        for place, (file, mapping) in enumerate(files):
            told(f"Reading {file.name}", place, len(files))
            try:
                with files_of(file) as found:
                    reports += [into.import_file(one, mapping) for one in found if not is_leaflet(one)]
            except IntakeError as error:
                if mapping is not None:
                    raise
                raise type(error)(
                    f"{error} (in a folder of facts, the mapping of {file.name} is {_stem(file)}.toml beside it)"
                ) from error
        if not any(sum(report.taken.values()) for report in reports):
            break  # reading again found nothing that had waited for another file
    return reports


def _newest(connection: Connection) -> dict[str, int]:
    return {table.name: connection.scalar(select(func.max(table.c.id))) or 0 for table in _DATED}


def _dates(connection: Connection, newest: dict[str, int], span: Span) -> _Dates:
    counts, instants = [0, 0, 0], list[datetime]()
    for table in _DATED:
        at: Column[datetime] = table.c.occurred_at
        early, late = at < literal(span.since, UtcTime), at >= literal(span.until, UtcTime)
        where = case((early, 0), (late, 2), else_=1)
        asked = select(where, func.count(), func.min(at), func.max(at)).where(table.c.id > newest[table.name])
        for place, count, first, last in connection.execute(asked.group_by(where)):
            counts[place] += count
            instants += (first, last)
    return _Dates(
        before=counts[0],
        inside=counts[1],
        after=counts[2],
        first=min(instants, default=None),
        last=max(instants, default=None),
    )


def _refuse_other_days(dates: _Dates, folder: Path, span: Span) -> None:
    if dates.inside or dates.first is None or dates.last is None:
        return
    first, last = _day(dates.first, span.zone), _day(dates.last, span.zone)
    raise IntakeError(
        f"nothing in {folder} happened in the days to rehearse, {_day(span.since, span.zone)} to "
        f"{_day(span.until - timedelta(seconds=1), span.zone)}: it tells of {first} to {last}; rehearse those days "
        f"(from {first}), or say that the facts begin on {first}, and they are moved"
    )


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}"


def _left_out(reports: Iterable[ImportReport]) -> list[str]:
    found = []
    for report in reports:
        for reason, count in report.skipped.items():
            line = next((one.line for one in report.lines if one.reason == reason), None)
            where = f", e.g. line {line}" if line is not None else ""
            found.append(f"{report.file}: {count:,} left out, {reason.replace('_', ' ')}{where}.")
    return found


def _outside(dates: _Dates) -> list[str]:
    found = []
    if dates.first is None:
        found.append("The files tell of nothing that happened; only of people and things.")
    for count, where in (
        (dates.before, "before the first day: known from the start"),
        (dates.after, "after the last day: not played"),
    ):
        if count:
            found.append(
                f"{count:,} {'fact of the files is' if count == 1 else 'facts of the files are'} from {where}."
            )
    return found
