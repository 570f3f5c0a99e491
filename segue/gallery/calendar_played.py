"""Says with what a rehearsal was played, of all that a marketer may turn, and what it leaves out."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from segue.gallery.times import local
from segue.journeys.definition import Brief, Journey

#: Of campaigns, whatever is planned.
_WAITING: Final = "What a campaign had waiting on the first day goes on."
#: Planned runs that are named.
_NAMED: Final = 12
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A campaign that is to be started at an instant."""

    at: datetime
    brief: Brief


def campaigns_said(planned: Sequence[PlannedRun] | None, zone: str, *, wanted: bool) -> str:
    """Say which campaigns are started; `planned` are those that stand in Prefect, None where it was not asked.

    `wanted` is False where journeys were named and campaigns are none of them.
    """
    if not wanted:
        return f"No campaign is started, since other journeys were named. {_WAITING}"
    if planned is None:
        return f"No campaign is started: what is planned in Prefect was not asked. {_WAITING}"
    if not planned:
        return f"No campaign is planned in Prefect for these days. {_WAITING}"
    runs = ", ".join(f"{_name_of(one.brief)} ({_when(one.at, zone)})" for one in planned[:_NAMED])
    more = f" and {len(planned) - _NAMED:,} more" if len(planned) > _NAMED else ""
    return f"Campaigns planned in Prefect are started, as if somebody agreed: {runs}{more}. {_WAITING}"


def _name_of(brief: Brief) -> str:
    return str(getattr(brief, "campaign", "")) or "without a name"


def _when(at: datetime, zone: str) -> str:
    there = local(at, None, zone)
    return f"{there.day}, {there.hour}"


def played_said(journeys: Mapping[str, Journey], briefs: Mapping[str, Brief] | None) -> str:
    """Say it in a sentence; `briefs` are what is saved in Prefect, None where it was not asked."""
    if briefs is None:
        return "Played with the settings that journeys come with; what is saved in Prefect was not asked."
    turned = [
        f"{journey.title} ({said})"
        for name, journey in journeys.items()
        if name in briefs and (said := _turned(journey, briefs[name]))
    ]
    if not turned:
        return "Played with what is saved in Prefect: every journey as it comes."
    rest = "" if len(turned) == len(journeys) else "; every other as it comes"
    return f"Played with what is saved in Prefect: {', '.join(turned)}{rest}."


def _turned(journey: Journey, brief: Brief) -> str:
    """The answers that differ from those a journey comes with: `Wait: 90; Code: no`."""
    before = journey.brief()
    return "; ".join(
        f"{field.title or name}: {_answer(getattr(brief, name))}"
        for name, field in type(before).model_fields.items()
        if getattr(brief, name) != getattr(before, name)
    )


def _answer(value: Any) -> str:
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return textwrap.shorten(str(value), _LONGEST, placeholder=" …")
