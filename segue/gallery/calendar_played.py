"""Says with what a rehearsal was played, of all that a marketer may turn, and what it leaves out."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, Final

from segue.journeys.definition import Brief, Journey

#: What nobody finds in a calendar.
NOT_PLAYED: Final = "No campaign is started: campaigns are sent by hand. What one had waiting on the first day goes on."
_LONGEST = 60


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
