"""The campaigns that are planned in Prefect: runs that wait for their hour and would send, each with its brief."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from pydantic import ValidationError

from flows.campaign import CampaignForm, campaign
from flows.errors import FlowError
from flows.forms import Mode
from segue.journeys.campaign import JOURNEY
from segue.service.rehearsal import PlannedRun

#: Runs read at once; the server gives no more.
_MOST: Final = 200


def planned_campaigns(since: datetime, until: datetime) -> tuple[PlannedRun, ...]:
    """Return the campaigns' runs of that time which would send, the soonest first; previews and tests are left out.

    A run that was put off by hand sends if it says so; one of a schedule does unless it says otherwise. Raises
    FlowError where what it was planned with no longer fits the form.
    """
    return tuple(
        PlannedRun(at=run.expected_start_time.astimezone(UTC), brief=form.brief_for(JOURNEY))
        for run in _scheduled(since, until)
        if (form := _form_of(run)).mode.settled(by_schedule=bool(run.auto_scheduled)) is Mode.SEND
    )


def _scheduled(since: datetime, until: datetime) -> Iterable[Any]:
    found: list[Any] = []
    asked = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime(after_=since, before_=until),
    )
    with get_client(sync_client=True) as client:
        while True:
            page = client.read_flow_runs(
                flow_filter=FlowFilter(name=FlowFilterName(any_=[campaign.name])),
                flow_run_filter=asked,
                sort=FlowRunSort.EXPECTED_START_TIME_ASC,
                limit=_MOST,
                offset=len(found),
            )
            found += page
            if len(page) < _MOST:
                return found


def _form_of(run: Any) -> CampaignForm:
    try:
        return CampaignForm.model_validate(run.parameters.get("brief", {}))
    except ValidationError as error:
        fields = ", ".join(sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]}))
        raise FlowError(
            f"The campaign planned for {run.expected_start_time:%Y-%m-%d %H:%M} UTC does not fit its form any more "
            f"({fields or 'its answers together'}). Cancel that run and plan it anew, or rehearse only journeys that "
            "you name."
        ) from None
