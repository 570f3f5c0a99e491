"""Run a journey: choose and promise, drain its shards, report. Written once for all journeys.

Prefect sees ids and counts. What is decided about people is decided behind `segue.service`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture, as_completed
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.errors import FlowError, without_personal_data
from flows.forms import JourneyForm, Mode
from flows.report import Report, page, report_of
from segue.journeys.definition import Brief, Journey
from segue.service import DrainCount, RunPlan, SampleRender, Shard, Summary, open_segue

#: Shards drained at once. The work is Python and a provider's answer: two keep both busy, more only share a core.
SHARDS_AT_ONCE = 2

journey_runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=SHARDS_AT_ONCE)
"""What a journey's flow passes as its `task_runner`."""


def run_journey(journey: Journey, form: JourneyForm) -> Report:
    """Preview the journey, or run it to the end of its shards; leave a report on the run's page.

    Safe to repeat: the same Prefect run finds its own promises again, and the outbox sends a key once. Raises
    FlowError when shards stopped; their messages stay promised and dispatch_outbox goes on with them.
    """
    brief = form.brief_for(journey)
    if settle_mode(form.mode) is Mode.PREVIEW:
        stopped: list[str] = []
        summary, samples = preview(journey, brief)
    else:
        plan = promise(journey, brief)
        stopped = drain_all(plan)
        summary, samples = sum_up(journey, plan.run_id)
    create_markdown_artifact(
        page(journey.title, summary, samples),
        key=f"{journey.name.replace('_', '-')}-report",
        description=f"{journey.title}: {summary.considered:,} considered",
    )
    if stopped:
        raise FlowError(
            f"{len(stopped)} shards stopped, the first because: {stopped[0]} What they promised stays in the outbox "
            "and dispatch_outbox goes on with it."
        )
    return report_of(summary)


def settle_mode(mode: Mode) -> Mode:
    """Decide by who started this run whether it sends, and name it so that the list of runs tells them apart."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(str(flow_run.id)))
        settled = mode.settled(by_schedule=bool(run.auto_scheduled))
        client.update_flow_run(run.id, name="Preview" if settled is Mode.PREVIEW else "Sending")
    return settled


def preview(journey: Journey, brief: Brief) -> tuple[Summary, Sequence[SampleRender]]:
    """Ask what a run would do now."""
    with without_personal_data(f"The preview of {journey.name}"), open_segue() as segue:
        return segue.preview(journey, brief), segue.sample_renders(journey)


def promise(journey: Journey, brief: Brief) -> RunPlan:
    """Choose who is due and promise each message under its key. The first real run is what switches a journey on."""
    with without_personal_data(f"Choosing who is due for {journey.name}"), open_segue() as segue:
        segue.switch_on(journey.name)
        plan = segue.start_run(journey, brief, flow_run_id=flow_run.id)
    get_run_logger().info("Run %s: %s promised in %s shards", plan.run_id, plan.promised, len(plan.shards))
    return plan


def drain_all(plan: RunPlan) -> list[str]:
    """Drain every shard, showing how far we are; returns why those that stopped did."""
    if not plan.shards:
        return []
    progress = cast("UUID", create_progress_artifact(0.0, description=f"Run {plan.run_id}: shards drained"))
    futures: list[PrefectFuture[DrainCount]] = [
        drain_shard.submit(plan.run_id, number, shard) for number, shard in enumerate(plan.shards, start=1)
    ]
    stopped = []
    for done, future in enumerate(as_completed(futures), start=1):
        future.wait()
        if not future.state.is_completed():
            stopped.append(str(future.state.message))
        update_progress_artifact(progress, 100.0 * done / len(futures))
    return stopped


@task(
    name="drain shard",
    task_run_name="shard {number} of run {run_id}",
    retries=2,  # harmless: the outbox knows what has left
    retry_delay_seconds=[5, 30],
    retry_jitter_factor=0.3,
)
def drain_shard(run_id: int, number: int, shard: Shard) -> DrainCount:
    """Judge, write and hand over the messages of one shard: thousands of people, never one."""
    with without_personal_data(f"Shard {number} of run {run_id}"), open_segue() as segue:
        count = segue.drain_shard(shard)
    get_run_logger().info("Shard %s of run %s: %s", number, run_id, count)
    return count


def sum_up(journey: Journey, run_id: int) -> tuple[Summary, Sequence[SampleRender]]:
    """Read back what became of everybody the run considered."""
    with without_personal_data(f"Summing up run {run_id}"), open_segue() as segue:
        return segue.summary(run_id), segue.sample_renders(journey)
