"""What stands still over a run's messages and why: a line on its page, and a failure where a provider refused us."""

from __future__ import annotations

from collections.abc import Sequence

from flows.errors import FlowError, without_personal_data
from flows.local import local
from flows.markdown import escaped
from flows.typed import shown
from segue.journeys.definition import Journey
from segue.service import Segue, Standing, Summary, open_segue, words


def still(segue: Segue, journey: Journey, summary: Summary) -> str | None:
    """Say what holds messages of this run right now; None where the brake holds none."""
    if not summary.count("pending", reason="paused"):
        return None
    standing = segue.standing_over(journey, summary.run_id)
    if not standing:
        return None
    return "\n".join([*(f"- {_line(one)}" for one in standing), "", "*Pause or resume* lets it go on."])


def still_over(journey: Journey, summary: Summary) -> str | None:
    """The same, for who has no store open."""
    with without_personal_data(f"What stands still over {journey.name}"), open_segue() as segue:
        return still(segue, journey, summary)


def require_served(kept_for_repair: int) -> None:
    """Raise FlowError with the provider's words where it refused our settings, so that somebody is told."""
    if not kept_for_repair:
        return
    with without_personal_data("What stands still"), open_segue() as segue:
        standing = [one for one in segue.standing_still() if one.name.startswith("connector:")]
    raise FlowError(
        f"A provider refused our settings, and {kept_for_repair:,} messages wait. {_told(standing)} Mend that, then "
        "let it go on with Pause or resume: nothing is lost, what is too late by then is left out."
    )


def _told(standing: Sequence[Standing]) -> str:
    return " ".join(f"{_upper(words.standing(one.name))}{_why(one)}." for one in standing)


def _line(one: Standing) -> str:
    return f"**{_upper(words.standing(one.name))}** since {local(one.since)}{escaped(_why(one))}"


def _why(one: Standing) -> str:
    said = shown(one.reason).rstrip(".")
    return f": {said}" if said else ""


def _upper(words_: str) -> str:
    return words_[:1].upper() + words_[1:]
