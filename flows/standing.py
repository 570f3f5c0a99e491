"""What stands still over a run's messages and why: a line on its page, and a failure where a provider refused us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flows.errors import FlowError, without_personal_data
from flows.local import local
from flows.markdown import escaped
from flows.typed import shown
from segue.journeys.definition import Journey
from segue.service import Refusal, Segue, Standing, Summary, open_segue, words

_THE_SHOP_HAS_TO: Final = "Mend that; what waits for the shop goes on by itself as soon as it answers."


def still(segue: Segue, journey: Journey, summary: Summary) -> str | None:
    """Say what holds messages of this run right now; None where the brake holds none."""
    held = summary.count("pending", reason="paused")
    standing = segue.standing_over(journey, summary.run_id) if held else []
    without_code = summary.count("pending", reason="code_unpublished")
    refused = segue.refused_by_the_shop() if without_code else []
    said = [f"- {_line(one)}" for one in standing] + [f"- {_refusal(one)}" for one in refused]
    cures = ["*Pause or resume* lets it go on."] * bool(standing) + [_THE_SHOP_HAS_TO] * bool(refused)
    return "\n".join([*said, "", " ".join(cures)]) if said else None


def still_over(journey: Journey, summary: Summary) -> str | None:
    """The same, for who has no store open."""
    with without_personal_data(f"What stands still over {journey.name}"), open_segue() as segue:
        return still(segue, journey, summary)


def require_served(kept_for_repair: int, begun: datetime) -> None:
    """Raise FlowError with the words of a provider or a shop that refused our settings, so that somebody is told.

    A shop that did so before `begun`, when this run began, was told of by another one.
    """
    with without_personal_data("What stands still"), open_segue() as segue:
        standing = [one for one in segue.standing_still() if one.name.startswith("connector:")]
        refused = [one for one in segue.refused_by_the_shop() if one.since >= begun]
    if not kept_for_repair:
        if refused:
            told = " ".join(f"{words.refused(one.verb, one.shop)}{_why(one)}." for one in refused)
            raise FlowError(f"{told} {_THE_SHOP_HAS_TO}")
        return
    raise FlowError(
        f"A provider refused our settings, and {kept_for_repair:,} messages wait. {_told(standing)} Mend that, then "
        "let it go on with Pause or resume: nothing is lost, what is too late by then is left out."
    )


def _told(standing: Sequence[Standing]) -> str:
    return " ".join(f"{_upper(words.standing(one.name))}{_why(one)}." for one in standing)


def _refusal(one: Refusal) -> str:
    return f"**{words.refused(one.verb, one.shop)}** since {local(one.since)}{escaped(_why(one))}"


def _line(one: Standing) -> str:
    return f"**{_upper(words.standing(one.name))}** since {local(one.since)}{escaped(_why(one))}"


def _why(one: Standing | Refusal) -> str:
    said = shown(one.reason).rstrip(".")
    return f": {said}" if said else ""


def _upper(words_: str) -> str:
    return words_[:1].upper() + words_[1:]
