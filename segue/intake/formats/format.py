"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from segue.intake import records as r
from segue.intake.report import Tally
from segue.intake.rows import Row, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a caller may say about a file that the file itself does not."""

    #: Turns a normalised address into its keyed hash.
    hash_address: Callable[[str], str]
    #: When the file is read, UTC; the date of what the file does not date.
    now: datetime
    #: Name of the file, without its folder.
    file_name: str
    #: For phones without a country, e.g. `44`.
    calling_code: str | None = None
    #: IANA zone of times without an offset.
    time_zone: str | None = None
    #: Which of two numbers is the day, where a date does not tell.
    date_order: Literal["day_first", "month_first"] | None = None
    #: ISO 4217, where the file names none.
    currency: str | None = None
    #: The sign before the cents, as learned from the file's own amounts.
    decimal_sign: Literal[".", ","] = "."


class Door(Protocol):
    """Turns the rows of one file into facts; made anew for each file."""

    #: Orders one of whose rows is at fault: none of their rows may stay. Filled while reading.
    spoilt: set[str]

    def facts(self, row: Row, tally: Tally) -> Iterable[r.Fact]:
        """Return what `row` says; count in `tally` what it fails to say.

        A row with a `reason` is broken: it is counted already, comes with empty cells for those it lacks, and says
        nothing; add its order, if it names one, to `spoilt`.
        """

    def finish(self, tally: Tally) -> Iterable[r.Fact]:
        """Return what had to wait for the end of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of export file."""

    #: As in `segue import --format`: `shopify-orders`.
    name: str
    #: For people: `Shopify orders`.
    title: str
    #: Columns without which the file is refused, in the order they are named in the refusal; of a tuple, one.
    needed: Sequence[str | tuple[str, ...]]
    #: `(columns, file name)` -> is it this kind of file?
    recognises: Callable[[tuple[str, ...], str], bool]
    #: `(table, options)` -> what reads it.
    door: Callable[[Table, Options], Door]
    #: Columns that hold money: from them the decimal sign is learned.
    money: Sequence[str] = field(default=())
    #: Columns that hold times which need an offset: where most have none, or tell day and month by numbers alone,
    #: the file is refused until the caller says the zone (and the date order). Leave out times that need none.
    times: Sequence[str] = field(default=())
    #: Columns that are understood; every other one is named once in the report. Empty: all are.
    known: Sequence[str] = field(default=())
    #: Other spellings: canonical column -> those. `Door`s read by the canonical name.
    aliases: Sequence[tuple[str, Sequence[str]]] = field(default=())
