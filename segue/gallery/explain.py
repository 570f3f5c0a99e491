"""`segue explain`: one person's story for the terminal, in her own local time. Holds personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from segue.gallery import words
from segue.gallery.facts import Entry, HashAddress
from segue.gallery.timeline import Timeline, timelines
from segue.gallery.times import local
from segue.gallery.visible import visible
from segue.journeys.definition import Journey
from segue.outbox.explain import explain
from segue.store.engine import read

_STYLES: Final = {
    "accepted": "bold green",
    "pending": "blue",
    "uncertain": "yellow",
    "rejected": "red",
    "skipped": "bold magenta",
    "control": "magenta",
}
_NOBODY: Final = (
    "Nobody here is known by that name. Give an e-mail address, a phone number such as +12025550101, "
    "a shop's customer id or a profile id."
)


def explain_text(
    engine: Engine,
    who: str,
    *,
    until: datetime,
    journeys: Mapping[str, Journey],
    home_zone: str = "UTC",
    hash_address: HashAddress | None = None,
) -> RenderableType:
    """What the people behind an address, phone, other identifier or profile id got, what not, and why."""
    with read(engine) as connection:
        found = [person.profile_id for person in explain(connection, who)]
        told = timelines(connection, found, until=until, journeys=journeys, hash_address=hash_address)
    if not told:
        return Text(_NOBODY)
    return Group(*(part for timeline in told.values() for part in _person(timeline, home_zone)))


def _person(timeline: Timeline, home_zone: str) -> Iterator[RenderableType]:
    head = Text.assemble((visible(timeline.name), "bold"), f"  profile {timeline.profile_id}")
    for _kind, value in timeline.addresses:
        head.append(f"  {visible(value)}", "cyan")
    yield head
    where = timeline.zone or f"{home_zone}, the shop's: nobody knows hers"
    yield Text(f"{_balance(timeline)} Times are local ({visible(where)}).", "dim")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("when", style="dim", no_wrap=True)
    table.add_column("what", ratio=2)
    table.add_column("why", style="dim", ratio=3)
    day = ""
    for entry in timeline.entries:
        at = local(entry.at, timeline.zone, home_zone)
        if at.day != day:
            table.add_row(Text(at.day, "bold"), "", "")
            day = at.day
        table.add_row(f"  {at.hour} {at.zone}", Text(visible(entry.title), _style(entry)), Text(visible(entry.detail)))
    yield table
    yield Text()


def _balance(timeline: Timeline) -> str:
    """What she got and did not, in one sentence."""
    got = sum(entry.group == "accepted" for entry in timeline.entries)
    refused = {entry.message_id for entry in timeline.entries if entry.group in {"skipped", "control"}}
    if not got and not refused:
        return "No journey has considered this person."
    return f"Got {words.counted(got, 'message')}, did not get {words.counted(len(refused), 'other')}."


def _style(entry: Entry) -> str:
    return _STYLES.get(entry.group or "", "")
