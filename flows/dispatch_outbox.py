"""Deliver what is waiting: held, deferred, to be retried, transactional.

Each run stays a while and looks every two seconds, so that nothing waits for Prefect to start a process. The next
run is cancelled while one is on; `prefect.yaml` says how often the schedule looks.
"""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_table_artifact
from pydantic import Field

from flows.errors import without_personal_data
from flows.standing import require_served
from flows.typed import Form
from segue.service import DrainCount, open_segue, words


class DispatchBrief(Form, title="Dispatch"):
    """How long a run stays, and what it takes."""

    minutes: float = Field(
        9.5,
        gt=0,
        le=60,
        title="Stay for, minutes",
        description="Just under ten minutes leaves room for the next run, which starts on the fives.",
    )
    transactional_only: bool = Field(
        False,
        title="Only transactional messages",
        description="Order confirmations and the like; leaves marketing messages waiting.",
    )


@flow(name="dispatch-outbox")
def dispatch_outbox(brief: DispatchBrief = DispatchBrief()) -> DrainCount:  # noqa: B008 - frozen
    """Deliver what is waiting in the outbox, for as long as the brief says."""
    with without_personal_data("Dispatching"), open_segue() as segue:
        begun = segue.clock.now()
        count = segue.dispatch(seconds=brief.minutes * 60, transactional_only=brief.transactional_only)
    create_table_artifact(
        [{"What": words.title(word), "How many": number} for word, number in counts(count).items()],
        key="dispatch-report",
        description=f"{count.judged:,} judged again, {count.sent:,} handed to a provider",
    )
    require_served(count.kept_for_repair, begun)
    return count


def counts(count: DrainCount) -> dict[str, int]:
    """The count's fields by name, in the order in which they are declared."""
    return {name: getattr(count, name) for name in DrainCount.__dataclass_fields__}
