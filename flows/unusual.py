"""Say that a journey promised unusually many or few messages, or that an audience's size is unusual.

On the run's page, and as an event to be told of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from prefect.events import emit_event

from flows.errors import without_personal_data
from segue.journeys.definition import Journey
from segue.service import Size, Start, Unusual, UnusualAudience, open_segue, words

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
    if one is not None:
        counts = {"count": one.count, "least": one.least, "most": one.most, "days": one.days}
        _emit(journey, one.size, "messages", f"{_HEADS[one.size]}: {sentence(one)}", counts)


def audience_sentence(one: UnusualAudience) -> str:
    """An audience's counts, in words."""
    why = f"; most who left: {words.reason(one.reason, ('ads',))}" if one.reason else ""
    return f"{one.title} at {one.connector} holds {one.members:,} people; a day before it held {one.before:,}{why}."


def tell_audiences(journey: Journey, found: Iterable[UnusualAudience]) -> None:
    """Emit an event for those that grew and one for those that shrank, each with all of them."""
    said = {size: [audience_sentence(one) for one in found if one.size is size] for size in Size}
    for size, sentences in said.items():
        if sentences:
            _emit(journey, size, "people in an audience", " ".join(sentences), {"audiences": len(sentences)})


def _emit(journey: Journey, size: Size, what: str, said: str, counts: dict[str, Any]) -> None:
    resource = {
        "prefect.resource.id": f"{RESOURCE}{journey.name}",
        "prefect.resource.name": journey.title,
        SIZE: size.value,
    }
    emit_event(event=EVENT, resource=resource, payload={"said": said, "what": what, **counts})
