"""What became of a file: counted per kind and reason, shown by line, never with a value from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

#: Reasons that are no fault of the file: its format gives nothing to keep there.
BY_DESIGN = frozenset({"temporary_block", "not_an_order", "other_call", "other_news"})
#: Most example lines kept for one reason.
EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One row that was skipped or taken with a warning."""

    #: Physical line on which the record starts; the header is line 1 (in Parquet: the row's number).
    line: int
    reason: str
    #: Column of the file or field of the mapping at fault, where one can be named.
    column: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The sum of one import. One row may hold several records, so counts of records can exceed `rows`."""

    #: Name of the file, without its folder.
    file: str
    #: The mapping's name, or `events`.
    source: str
    encoding: str
    #: Rows read, broken ones included; the header and empty lines are not rows.
    rows: int
    #: Lines with nothing in them, passed over.
    empty_lines: int = 0
    #: New records by kind.
    taken: Mapping[str, int]
    #: Known records to which the file added something, by kind.
    updated: Mapping[str, int]
    #: Records that were already known and said nothing new, by kind.
    duplicates: Mapping[str, int]
    #: Records left out, by reason.
    skipped: Mapping[str, int]
    #: Records taken with a reservation, by reason.
    warnings: Mapping[str, int]
    #: The first few lines of each reason.
    lines: tuple[Problem, ...] = ()
    #: Sentences about the file as a whole.
    notes: tuple[str, ...] = ()

    @property
    def is_fruitless(self) -> bool:
        """Whether rows were read and none of them said anything, though they should have."""
        found = sum(self.taken.values()) or self.updated or self.duplicates
        by_design = bool(self.skipped) and self.skipped.keys() <= BY_DESIGN
        return bool(self.rows) and not found and not by_design

    def to_text(self) -> str:
        """Return the report for people, one thing a line."""
        out = [f"{self.file} ({self.source}, {self.encoding}): {_many(self.rows, 'row')} read"]
        if self.empty_lines:
            out[0] += f", {_many(self.empty_lines, 'empty line')} passed over"
        for kind in sorted({*self.taken, *self.updated, *self.duplicates}):
            known, again = self.updated.get(kind, 0), self.duplicates.get(kind, 0)
            out.append(f"  {kind:<12} {self.taken.get(kind, 0):>9,} new {known:>9,} updated {again:>9,} already known")
        for title, counts in (("skipped", self.skipped), ("warning", self.warnings)):
            for reason, number in sorted(counts.items()):
                out.append(f"  {title} {reason}: {number:,}{self._where(reason)}")
        out.extend(f"  note: {note}" for note in self.notes)
        return "\n".join(out)

    def _where(self, reason: str) -> str:
        shown = [p for p in self.lines if p.reason == reason]
        if not shown:
            return ""
        places = ", ".join(f"{p.line} ({p.column})" if p.column else str(p.line) for p in shown)
        return f", e.g. line {places}"


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


@dataclass(slots=True)
class Tally:
    """Counts while an import runs; becomes an `ImportReport`."""

    rows: int = 0
    empty_lines: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    #: How often anything was taken with a reservation.
    warned: int = 0
    #: Times without an offset that a format takes as UTC where the caller names no zone.
    read_as_utc: int = 0
    _examples: dict[str, list[Problem]] = field(default_factory=dict)

    def skip(self, line: int, reason: str, column: str | None = None) -> None:
        """Count a record that is left out."""
        self.skipped[reason] += 1
        self._show(line, reason, column)

    def warn(self, line: int, reason: str, column: str | None = None) -> None:
        """Count a record that is taken with a reservation."""
        self.warnings[reason] += 1
        self.warned += 1
        self._show(line, reason, column)

    def count(self, kind: str, *, seen: int, new: int) -> None:
        """Count `seen` records of a kind, `new` of them not known before."""
        self.taken[kind] += new
        self.duplicates[kind] += seen - new

    def _show(self, line: int, reason: str, column: str | None) -> None:
        shown = self._examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(Problem(line=line, reason=reason, column=column))

    def report(self, *, file: str, source: str, encoding: str) -> ImportReport:
        """Freeze the counts; a count of nothing is left out."""
        return ImportReport(
            file=file,
            source=source,
            encoding=encoding,
            rows=self.rows,
            empty_lines=self.empty_lines,
            taken=_frozen(self.taken),
            updated=_frozen(self.updated),
            duplicates=_frozen(self.duplicates),
            skipped=_frozen(self.skipped),
            warnings=_frozen(self.warnings),
            lines=tuple(problem for shown in self._examples.values() for problem in shown),
            notes=(*self.notes, *self._hints(source)),
        )

    def _hints(self, source: str) -> Iterator[str]:
        """Yield what the counts mean for whoever reads them; that the file was cut off comes last."""
        if self.read_as_utc:
            yield "times without an offset were read as UTC; say --time-zone if they are not"
        if unknown := self.skipped["unknown_variant"]:
            rows = "1 row names a variant" if unknown == 1 else f"{unknown:,} rows name variants"
            yield f"{rows} nobody has described: import the products first, then this file again"
        if not self.rows and source != "events":
            yield "the file holds only a header, no rows"
        if self.skipped["truncated"]:
            yield "THE FILE IS CUT OFF inside its last row, and more may be missing: export it again, import it again"


def _frozen(counts: Counter[str]) -> Mapping[str, int]:
    return MappingProxyType({name: number for name, number in sorted(counts.items()) if number})
