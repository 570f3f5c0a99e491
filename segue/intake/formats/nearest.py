"""Which known export a file comes nearest to that is none of them."""

from __future__ import annotations

from collections.abc import Sequence

from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Format
from segue.intake.rows import same_name


def lacking(columns: tuple[str, ...], kind: Format) -> list[str]:
    """The needed columns that are not there, in the format's order; of alternatives, all."""
    by_name = Columns(columns, kind.aliases)
    wanted = ((one,) if isinstance(one, str) else one for one in kind.needed)
    return [" or ".join(names) for names in wanted if not any(by_name.has(name) for name in names)]


def nearest(columns: tuple[str, ...], formats: Sequence[Format]) -> Format | None:
    """The format most like a file with these columns; None where none is like it by at least half.

    What counts is the share of the needed columns that are there, and the share of the file's columns it knows. One
    common column alone (every other list has an `Email`) is no likeness.
    """
    found = {same_name(column) for column in columns if column}
    best: tuple[float, Format] | None = None
    for kind in formats:
        needed = [name for one in kind.needed for name in ((one,) if isinstance(one, str) else one)]
        spellings = (*needed, *kind.known, *(name for _, others in kind.aliases for name in others))
        common = found & {same_name(name) for name in spellings}
        there = 1 - len(lacking(columns, kind)) / len(kind.needed)
        known = len(common) / len(found) if found else 0
        missing = [name.split(" or ")[0] for name in lacking(columns, kind)]
        fits = kind.recognises((*columns, *missing), "")  # with what it lacks it would be known
        if len(common) < (2 if fits else 3) or there + known < 1:
            continue
        likeness = there + known + fits
        if best is None or likeness > best[0]:
            best = (likeness, kind)
    return best[1] if best else None
