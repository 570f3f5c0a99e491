"""In which ad audiences somebody is, and why not in the others: in sentences, and for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segue.audiences.standing import Standing
from segue.gallery import words
from segue.gallery.times import local

_STATES = {
    "in": ("in it", "bold green"),
    "adding": ("asked for, not answered", "yellow"),
    "removing": ("asked to take her out, not answered", "yellow"),
    "out": ("taken out", "bold magenta"),
}


def audience_lines(standings: Sequence[Standing], zone: str | None, home_zone: str) -> list[tuple[str, str]]:
    """An audience's title and how one person stands with it, in words; times in her `zone`, else in the shop's."""
    return [
        (one.title, ". ".join((_belongs(one.reason), *(said for said, _style in _rows(one, zone, home_zone)))))
        for one in standings
    ]


def audiences_text(standings: Sequence[Standing], zone: str | None, home_zone: str) -> RenderableType:
    """One table a person; times as in `audience_lines`."""
    parts: list[RenderableType] = []
    for profile_id in dict.fromkeys(one.profile_id for one in standings):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        for one in (each for each in standings if each.profile_id == profile_id):
            belongs = Text(_belongs(one.reason), "green" if one.reason is None else "")
            rows = Text.assemble(*((f"{said}  ", style) for said, style in _rows(one, zone, home_zone)))
            table.add_row(Text(one.title), belongs, rows)
        parts += [Text(f"Ad audiences, profile {profile_id}", "bold"), table, Text()]
    return Group(*parts)


def _belongs(reason: str | None) -> str:
    return "belongs in it" if reason is None else words.reason(reason, ("ads",))


def _rows(standing: Standing, zone: str | None, home_zone: str) -> Iterator[tuple[str, str]]:
    for connector, state, reason, since in standing.rows:
        said, style = _STATES[state]
        why = f" ({words.reason(reason.partition(':')[2] or reason, ('ads',))})" if reason else ""
        yield f"{connector}: {said}{why} since {local(since, zone, home_zone)}", style
