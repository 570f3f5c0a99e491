"""Say that a journey promised unusually many or few messages: on the run's page, and as an event to be told of."""

from __future__ import annotations

from typing import Final

from prefect.events import emit_event

from flows.errors import without_personal_data
from segue.journeys.definition import Journey
from segue.service import Size, Start, Unusual, open_segue

EVENT: Final = "segue.run.unusual"
#: The journey's resource begins like this.
RESOURCE: Final = "segue.journey."
#: The resource's label that says many or few.
SIZE: Final = "segue.size"
_HEADS: Final = {Size.MANY: "Unusually many messages", Size.FEW: "Unusually few messages"}


def unusual_of(journey: Journey, start: Start) -> Unusual | None:
    """Whether the journey's last 24 hours, this run included, are unusual."""
    with without_personal_data(f"Looking at the usual size of {journey.name}"), open_segue() as segue:
        return segue.unusual(journey, by_schedule=start is Start.SCHEDULE)


def sentence(one: Unusual) -> str:
    """The counts, in words."""
    return (
        f"{one.count:,} within 24 hours; the {one.days} days with any in the five weeks before had {one.least:,} to "
        f"{one.most:,}."
    )


def on_the_page(one: Unusual | None) -> str | None:
    """The same as a paragraph of the run's page."""
    return None if one is None else f"**{_HEADS[one.size]}**: {sentence(one)}"


def kept(page: str) -> str | None:
    """The paragraph as an earlier page has it: what was unusual then is so for ever."""
    heads = tuple(f"**{head}**" for head in _HEADS.values())
    return next((line for line in page.splitlines() if line.startswith(heads)), None)


def tell(journey: Journey, one: Unusual | None) -> None:
    """Emit the event; Prefect adds the run, its flow and its deployment."""
    if one is None:
        return
    emit_event(
        event=EVENT,
        resource={
            "prefect.resource.id": f"{RESOURCE}{journey.name}",
            "prefect.resource.name": journey.title,
            SIZE: one.size.value,
        },
        payload={
            "said": f"{_HEADS[one.size]}: {sentence(one)}",
            "count": one.count,
            "least": one.least,
            "most": one.most,
            "days": one.days,
        },
    )
