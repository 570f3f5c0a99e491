"""How wide a table of a page is in the Prefect pages, which cut what is wider than their column."""

from __future__ import annotations

from itertools import groupby

#: The column at 1,360 pixels; a letter and a cell's padding as measured there, a little more.
COLUMN, LETTER, PADDING = 788, 7.3, 25


def cut_off(page: str) -> list[str]:
    """The heads of the tables in `page` that do not fit."""
    found = []
    for is_table, lines in groupby(page.splitlines(), key=lambda line: line.startswith("|")):
        if is_table:
            rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines]
            widths = [max(map(len, column)) * LETTER + PADDING for column in zip(*(rows[:1] + rows[2:]), strict=True)]
            if sum(widths) > COLUMN:
                found.append(" ".join(rows[0]))
    return found
