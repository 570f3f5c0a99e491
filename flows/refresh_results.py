"""Bring the pages up to date: of late runs what left since, delivery news, orders and their value; what forms offer."""

from __future__ import annotations

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field

from flows.artifacts import newest, rewrite
from flows.errors import without_personal_data
from flows.fresh_forms import freshen_forms
from flows.report import agreed_by, refreshed
from flows.standing import still
from flows.typed import Form
from segue.service import RunToRefresh, Segue, open_segue


class RefreshBrief(Form, title="Refresh results"):
    """How far back to look."""

    days: int = Field(
        9,
        ge=1,
        le=60,
        title="Runs of the last days",
        description="Orders are counted for seven days after a message; two more let late news come in.",
    )


@flow(name="refresh-results")
def refresh_results(brief: RefreshBrief = RefreshBrief()) -> int:  # noqa: B008 - frozen
    """Rewrite the page of every late run about which something is new; returns how many those were."""
    with without_personal_data("Refreshing results"), open_segue() as segue:
        runs = segue.runs_of_late(brief.days)
        changed = sum(_refresh(segue, one) for one in runs)
    forms = freshen_forms()
    get_run_logger().info("%s of %s pages changed, %s forms", changed, len(runs), len(forms))
    return changed


def _refresh(segue: Segue, one: RunToRefresh) -> bool:
    """Rewrite one run's page where it would read otherwise; one that Prefect has dropped stays gone."""
    key = f"{one.journey.replace('_', '-')}-run-{one.run_id}"
    found = newest(key, one.flow_run_id)
    if found is None:
        return False
    old = str(found.data)
    said = agreed_by(one.approved_by, segue.left_for_later(one.run_id)) if one.approved_by else None
    summary, results = segue.summary(one.run_id), segue.results(one.run_id)
    journey = segue.journeys.get(one.journey)
    holds = None if journey is None else still(segue, journey, summary)
    new = refreshed(old, one.title, summary, results, said=said, still=holds)
    return new != old and rewrite(key, one.flow_run_id, new)
