"""One import from end to end: open, read, load, report. One transaction a file: all of it or nothing."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

from sqlalchemy import Engine

from segue.clock import Clock
from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError, IntakeError, OptionError
from segue.intake.event_door import EventDoor
from segue.intake.export_door import ExportDoor, opened_export
from segue.intake.foreign import require_export
from segue.intake.formats import Format, Options, recognised
from segue.intake.json_table import is_json_lines
from segue.intake.loading import Loader
from segue.intake.mapping import Mapping
from segue.intake.news import form_of
from segue.intake.opening import open_table
from segue.intake.reading import open_bytes, open_text
from segue.intake.report import ImportReport, Tally
from segue.intake.rows import Table
from segue.intake.table_door import TableDoor
from segue.intake.tokens import ReadLink, no_links
from segue.store.engine import write

Progress = Callable[[int, "int | None"], None]
"""`(done_rows, total_or_None)`; of text files rows are physical lines, so the two meet at the end."""

HashAddress = Callable[[str], str]
"""Turns a normalised address into its keyed hash."""

DateOrder = Literal["day_first", "month_first"]

_STEP = 2_000
_BLANK = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
#: Below this many unreadable times a file is merely dirty, not misunderstood.
_FEW = 3
_T = TypeVar("_T")


def import_export(
    engine: Engine,
    file: Path | str,
    format: Format | None = None,  # noqa: A002 - the word of the command line
    *,
    clock: Clock,
    hash_address: HashAddress,
    calling_code: str | None = None,
    time_zone: str | None = None,
    date_order: DateOrder | None = None,
    currency: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a well-known system's export; without a `format` it is recognised by header and name. Again is once.

    `calling_code` (digits), `time_zone` (IANA), `date_order` and `currency` (ISO 4217) say what the file does not.
    Raises IntakeError, having written nothing, if the file cannot be read, is not of a known format, lacks a column
    (`missing_columns`), or if most of its times could mean two instants (`ambiguous_dates`).
    """
    path = Path(file)
    _check_options(calling_code, time_zone, date_order, currency)
    table, kind, sign = opened_export(path, format, time_zone=time_zone, date_order=date_order)
    options = Options(
        hash_address=hash_address,
        now=clock.now(),
        file_name=path.name,
        calling_code=calling_code,
        time_zone=time_zone,
        date_order=date_order,
        currency=currency,
        decimal_sign=sign,
    )
    tally = Tally()
    door = ExportDoor(table, kind, options)
    with write(engine) as connection:
        loader = Loader(connection, tally, options.now, door.spoilt)
        for row in _counted(table.rows(), lambda row: row.line, tally, table.total, progress):
            for fact in door.facts(row, tally):
                loader.add(fact)
        for fact in door.finish(tally):
            loader.add(fact)
        _refuse_misread_times(tally, path.name, "check --time-zone and --date-order")
        loader.finish()
    tally.notes.extend(door.notes())
    return _report(tally, path, kind.name, table)


def import_table(
    engine: Engine,
    file: Path | str,
    mapping: Mapping,
    *,
    clock: Clock,
    hash_address: HashAddress,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a CSV, CSV.gz or Parquet file through a mapping; again is once.

    Raises IntakeError, having written nothing, if the file cannot be read or lacks a column.
    """
    path, tally = Path(file), Tally()
    table = open_table(path)
    door = TableDoor(table, mapping, hash_address, file=path.name)
    with write(engine) as connection:
        loader = Loader(connection, tally, clock.now(), door.spoilt)
        for row in _counted(table.rows(), lambda row: row.line, tally, table.total, progress):
            for fact in door.facts(row, tally):
                loader.add(fact)
        _refuse_misread_times(tally, path.name, "give the mapping its time_format and time_zone")
        loader.finish()
    return _report(tally, path, mapping.name, table)


def import_events(
    engine: Engine,
    file: Path | str,
    *,
    clock: Clock,
    hash_address: HashAddress,
    read_link: ReadLink = no_links,
    progress: Progress | None = None,
) -> ImportReport:
    """Import Segment-style calls and what providers post, one JSON object a line (also gz); again is once.

    `read_link` reads the links of this installation; without it no token is believed (`bad_token`).
    Raises IntakeError, having written nothing, if the file cannot be read.
    """
    path, tally = Path(file), Tally()
    require_export(path)
    text = open_text(path)
    now = clock.now()
    door = EventDoor(text, now=now, hash_address=hash_address, read_link=read_link)
    with write(engine) as connection:
        loader = Loader(connection, tally, now, hash_address=hash_address)
        for number, line in _counted(door.lines(), lambda pair: pair[0], tally, text.line_count, progress):
            facts: Iterator[r.Fact] = door.facts(number, line, tally)
            for fact in facts:
                loader.add(fact)
        _refuse_misread_times(tally, path.name, "write times as 2026-03-07T09:12:44Z")
        loader.finish()
    return tally.report(file=path.name, source="events", encoding=text.encoding)


def holds_events(path: Path) -> bool:
    """Whether a file is calls or news rather than a table: JSON that no export format knows, or posted forms."""
    try:
        with open_bytes(path) as raw:
            begins = raw.read(4_096).lstrip(_BLANK)
        if not is_json_lines(path):
            return begins[:1] in {b"{", b"["} or form_of(begins.partition(b"\n")[0].decode("latin-1")) is not None
        return recognised(open_table(path).columns, path.name) is None
    except (IntakeError, OSError, EOFError, zlib.error):
        return is_json_lines(path)  # its door says what is wrong with it


def _check_options(
    calling_code: str | None, time_zone: str | None, date_order: str | None, currency: str | None
) -> None:
    checks: tuple[tuple[str | None, Callable[[str], object], str], ...] = (
        (calling_code, _calling_code, "the country code is digits such as 44"),
        (time_zone, values.parse_zone, "the time zone is an IANA name such as Europe/Paris or UTC"),
        (currency, values.parse_currency, "the currency is three letters such as EUR"),
        (date_order, ("day_first", "month_first").index, "the date order is day_first or month_first"),
    )
    for given, check, rule in checks:
        if given is not None:
            try:
                check(given)
            except (BadValueError, ValueError) as error:
                raise OptionError(rule) from error


def _calling_code(given: str) -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", given):
        raise BadValueError("bad_phone")


def _report(tally: Tally, path: Path, source: str, table: Table) -> ImportReport:
    tally.empty_lines = table.empty_lines
    if table.encoding == "cp1252":
        tally.notes.append("the file is not UTF-8; it was read as Windows-1252")
    return tally.report(file=path.name, source=source, encoding=table.encoding)


def _counted(
    rows: Iterator[_T], line_of: Callable[[_T], int], tally: Tally, total: int | None, progress: Progress | None
) -> Iterator[_T]:
    for row in rows:
        tally.rows += 1
        yield row
        if progress is not None and tally.rows % _STEP == 0:
            progress(line_of(row), total)
    if progress is not None:
        progress(tally.rows if total is None else total, total)


def _refuse_misread_times(tally: Tally, file: str, cure: str) -> None:
    """If most times of a file have another shape, it is misunderstood as a whole."""
    bad = tally.skipped["bad_date"]
    if bad >= _FEW and bad * 2 > tally.rows:
        raise IntakeError(f"{file}: {bad} times cannot be read (ambiguous_dates); {cure}")
