"""Whatever somebody hands us: which door it goes through, and archives file by file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine

from segue.clock import Clock
from segue.intake.archives import is_archive, unpacked
from segue.intake.doors import (
    DateOrder,
    HashAddress,
    Progress,
    holds_events,
    import_events,
    import_export,
    import_table,
)
from segue.intake.errors import OptionError
from segue.intake.foreign import is_spreadsheet, require_export
from segue.intake.formats import format_named
from segue.intake.mapping import load_mapping
from segue.intake.report import ImportReport
from segue.intake.tokens import ReadLink, no_links


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a caller may say about an export that the file itself does not."""

    #: For phones without a country: digits such as `44`.
    calling_code: str | None = None
    #: IANA zone of times without an offset.
    time_zone: str | None = None
    #: Which of two numbers is the day: `day_first`, `month_first`.
    date_order: DateOrder | None = None
    #: ISO 4217, where the file names none.
    currency: str | None = None


def import_anything(
    engine: Engine,
    file: Path,
    mapping: Path | None = None,
    format_name: str | None = None,
    hints: Hints = Hints(),
    *,
    clock: Clock,
    hash_address: HashAddress,
    read_link: ReadLink = no_links,
    progress: Progress | None = None,
) -> ImportReport:
    """Import one file: a table by its mapping file, an export by its format, or Segment-style calls as JSON lines.

    Without a mapping and a format the file tells what it is. Raises IntakeError, having written nothing.
    """
    if mapping is not None and format_name is not None:
        raise OptionError("a file has a mapping or a format, not both; leave one of them out")
    kind = format_named(format_name) if format_name is not None else None
    require_export(file)
    if mapping is not None:
        found = load_mapping(mapping)
        return import_table(engine, file, found, clock=clock, hash_address=hash_address, progress=progress)
    if format_name is None and holds_events(file):
        return import_events(
            engine, file, clock=clock, hash_address=hash_address, read_link=read_link, progress=progress
        )
    return import_export(engine, file, kind, clock=clock, hash_address=hash_address, progress=progress, **asdict(hints))


@contextmanager
def files_of(path: Path) -> Iterator[list[Path]]:
    """Yield the file itself, or the files of a ZIP, unpacked for as long as this lasts.

    A spreadsheet is a ZIP inside and stays one file.
    """
    if is_archive(path) and not is_spreadsheet(path):
        with unpacked(path) as files:
            yield files
    else:
        yield [path]
