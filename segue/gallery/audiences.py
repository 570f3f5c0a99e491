"""In which ad audiences somebody is, and why not in the others, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segue.audiences import Standing
from segue.gallery import words

_STATES = {
    "in": ("in it", "bold green"),
    "adding": ("asked for, not answered", "yellow"),
    "removing": ("asked to take her out, not answered", "yellow"),
    "out": ("taken out", "bold magenta"),
}


def audiences_text(standings: Sequence[Standing]) -> RenderableType:
    """One table a person."""
    parts: list[RenderableType] = []
    for profile_id in dict.fromkeys(one.profile_id for one in standings):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        for one in (each for each in standings if each.profile_id == profile_id):
            belongs = Text("belongs in it", "green") if one.reason is None else Text(words.reason(one.reason, ("ads",)))
            table.add_row(Text(one.title), belongs, _rows(one))
        parts += [Text(f"Ad audiences, profile {profile_id}", "bold"), table, Text()]
    return Group(*parts)


def _rows(standing: Standing) -> Text:
    text = Text()
    for connector, state, reason, since in standing.rows:
        said, style = _STATES[state]
        why = f" ({words.reason(reason.partition(':')[2] or reason, ('ads',))})" if reason else ""
        text.append(f"{connector}: {said}{why} since {since:%Y-%m-%d %H:%M} UTC  ", style)
    return text
