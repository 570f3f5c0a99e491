"""How somebody stands with each journey at this moment, in sentences; no name and no address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segue.gallery import words
from segue.gallery.visible import visible
from segue.journeys.definition import Journey
from segue.outbox.outlook import Outlook

#: Above the sentences.
HEAD = "Right now"


def outlook_lines(outlooks: Sequence[Outlook], journeys: Mapping[str, Journey]) -> list[tuple[str, str]]:
    """A journey's title and a sentence or two, for each that is switched on; the others share the last line."""
    told = [(journeys[one.journey].title, " ".join(_said(one, journeys[one.journey]))) for one in outlooks if one.is_on]
    off = ", ".join(journeys[one.journey].title for one in outlooks if not one.is_on)
    return [*told, ("Not switched on", f"{off}.")] if off else told


def outlook_text(profile_id: int, lines: Sequence[tuple[str, str]]) -> RenderableType:
    """The same for the terminal."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for title, said in lines:
        table.add_row(Text(title), Text(visible(said)))
    return Group(Text(f"{HEAD}, profile {profile_id}", "bold"), table, Text())


def _said(one: Outlook, journey: Journey) -> Iterator[str]:
    for line in one.due:
        channels = [str(channel) for channel in journey.step(line.step).channels]
        why = f": {words.reason(line.reason, channels)}" if line.reason else ""
        yield f"Due now. {words.step(line.step)}, in a run like the last one: {_would(line.group)}{why}."
    if not one.due:
        count = f"it has considered {words.counted(one.considered, 'message')} for her, see above"
        known = ([count] if one.considered else []) + list(one.why_not)
        yield f"Not due now{': ' if known else ''}{'; '.join(known)}."
        if journey.asks:
            yield f"It asks for {journey.asks}."


def _would(group: str) -> str:
    return words.group(group, preview=True).lower()
