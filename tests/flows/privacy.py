"""Search everything Prefect keeps for strings that must not be there."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

_PICTURE = re.compile(r"data:[\w/+.-]+;base64,([A-Za-z0-9+/=]+)")


def leaks(home: Path, needles: Iterable[str]) -> list[str]:
    """Return where any of `needles` stands in the Prefect home: every table, log, stored result, and inside pictures.

    Each answer names the place and the position of the needle, never the needle itself. Raises if there is nothing
    to search, since an empty home would prove nothing.
    """
    wanted = [needle.lower() for needle in needles]
    texts = list(_everything(home))
    if not texts or not wanted:
        raise ValueError(f"nothing to search in {home}, or nothing to search for")
    return [
        f"{place}: needle {number}" for place, text in texts for number, needle in enumerate(wanted) if needle in text
    ]


def _everything(home: Path) -> Iterator[tuple[str, str]]:
    """Places and what stands there, in lower case; the text inside embedded pictures is part of it."""
    for file in sorted(home.rglob("*")):
        if not file.is_file():
            continue
        if file.suffix == ".db":
            yield from _tables(file)
        elif not file.name.endswith(("-wal", "-shm", "-journal")):
            yield str(file.relative_to(home)), _unfolded(file.read_text(errors="replace"))


def _tables(file: Path) -> Iterator[tuple[str, str]]:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            rows = database.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - names come from the database itself
            # Most cells stand there many times over (the form of a deployment with each of its runs).
            text = "\n".join({_cell(cell) for row in rows for cell in row if isinstance(cell, str | bytes)})
            if text:
                yield f"{file.name}, table {name}", _unfolded(text)


def _cell(cell: str | bytes) -> str:
    return cell if isinstance(cell, str) else cell.decode(errors="replace")


def _unfolded(text: str) -> str:
    parts = [text]
    while found := [inner for part in parts[-1:] for inner in _PICTURE.findall(part)]:
        parts.append("\n".join(base64.b64decode(inner).decode(errors="replace") for inner in found))
    # Prefect stores JSON: what is escaped there must be found all the same.
    return "\n".join(parts).replace("\\u002b", "+").lower()
