"""Run a journey: choose and promise, drain its shards, report. Written once for all journeys.

Prefect sees ids and counts. What is decided about people is decided behind `segue.service`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture, as_completed
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.album import brought_along
from flows.approval import RefusedError, settled
from flows.artifacts import rewrite
from flows.errors import FlowError, without_personal_data
from flows.forms import JourneyForm, Mode
from flows.report import Report, agreed_by, page, report_of, sentence
from flows.standing import require_served, still_over
from flows.trials import try_out
from flows.unusual import on_the_page, tell, unusual_of
from segue.journeys.definition import Brief, Journey
from segue.service import DrainCount, Frozen, Results, RunPlan, SampleRender, Shard, Start, Summary, open_segue

#: Shards drained at once. The work is Python and a provider's answer: two keep both busy, more only share a core.
SHARDS_AT_ONCE = 2

#: Of each step, on a page that somebody decides by.
SAMPLES_SHOWN = 2

journey_runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=SHARDS_AT_ONCE)
"""What a journey's flow passes as its `task_runner`."""


def run_journey(journey: Journey, form: JourneyForm) -> Report:
    """Preview the journey, or run it to the end of its shards; leave a report on the run's page.

    A large or dear run is shown first and waits for somebody's yes. Safe to repeat: the same Prefect run finds what it
    froze and promised again, and the outbox sends a key once. Raises FlowError when shards stopped; their messages
    stay promised and dispatch_outbox goes on with them.
    """
    brief, asked = form.brief_for(journey), form.asked()
    journey = journey.under(brief)
    if form.mode is Mode.TEST:
        return try_out(journey, form, brief)
    start = settle_start(form.mode)
    if start is Start.PREVIEW:
        frozen = freeze(journey, brief, start)
        summary = seen(frozen)
        samples = samples_of(journey, shown_with=summary)
        text = page(
            journey.title,
            summary,
            samples,
            asked=asked,
            said=form.noted(summary),
            asks=frozen.asks,
            still=still_over(journey, summary),
            nobody=form.nobody_due,
        )
        leave_page(journey, frozen.run_id, text, summary)
        return report_of(summary, run_id=frozen.run_id)
    begun = switch_on(journey)
    try:
        plan, by = promise(journey, brief, start, asked)
    except RefusedError as refused:
        summary = sum_up(refused.run_id)
        text = page(
            journey.title, summary, (), asked=asked, said="**Refused.** Nothing that waited for a yes was sent."
        )
        leave_page(journey, refused.run_id, text, summary)
        return report_of(summary)
    stopped, kept_for_repair = drain_all(plan)
    summary, samples, unusual = sum_up(plan.run_id), samples_of(journey), unusual_of(journey, start)
    text = page(
        journey.title,
        summary,
        samples,
        asked=asked,
        said=said_of(plan.run_id, by),
        results=results_of(plan.run_id),
        unusual=on_the_page(unusual),
        still=still_over(journey, summary),
        nobody=form.nobody_due,
    )
    leave_page(journey, plan.run_id, text, summary)
    tell(journey, unusual)
    if stopped:
        raise FlowError(
            f"{len(stopped)} shards stopped, the first because: {stopped[0]} What they promised stays in the outbox "
            "and dispatch_outbox goes on with it."
        )
    require_served(kept_for_repair, begun)
    return report_of(summary)


def settle_mode(mode: Mode) -> Mode:
    """Say whether this run sends."""
    return Mode.PREVIEW if settle_start(mode) is Start.PREVIEW else Mode.SEND


def settle_start(mode: Mode) -> Start:
    """Decide by who started this run whether it sends, and name it so that the list of runs tells them apart."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(str(flow_run.id)))
        settled = mode.settled(by_schedule=bool(run.auto_scheduled))
        client.update_flow_run(run.id, name="Preview" if settled is Mode.PREVIEW else "Sending")
    if settled is Mode.PREVIEW:
        return Start.PREVIEW
    return Start.SCHEDULE if run.auto_scheduled else Start.HAND


def freeze(journey: Journey, brief: Brief, start: Start) -> Frozen:
    """Judge everybody who is due and write down who that is; nothing is promised."""
    with without_personal_data(f"The preview of {journey.name}"), open_segue() as segue:
        return segue.freeze(journey, brief, flow_run.id, start=start)


def switch_on(journey: Journey) -> datetime:
    """The first real run is what lets a journey listen. Returns when this one began."""
    with without_personal_data(f"Switching on {journey.name}"), open_segue() as segue:
        segue.switch_on(journey.name)
        return segue.clock.now()


def promise(journey: Journey, brief: Brief, start: Start, asked: str | None) -> tuple[RunPlan, str | None]:
    """Promise each message under its key, once somebody has agreed where that is asked; returns who that was.

    `asked` is what was chosen on the form, for whoever is to agree.
    What is owed (transactional messages) waits for nobody.
    """
    with without_personal_data(f"Choosing who is due for {journey.name}"), open_segue() as segue:
        if start is Start.SCHEDULE and (plan := segue.start_small(journey, brief, flow_run.id)) is not None:
            return plan, None
    frozen, by = freeze(journey, brief, start), None
    if frozen.until is not None and any(step.transactional for step in journey.steps):
        with without_personal_data(f"What {journey.name} owes"), open_segue() as segue:
            owed = segue.start_run(journey, brief, flow_run.id, transactional_only=True)
        drain_all(owed)
    why = None
    while frozen.until is not None:
        if frozen.summary is not None:
            text = page(
                journey.title,
                frozen.summary,
                samples_of(journey, shown_with=frozen.summary),
                asked=asked,
                asks=frozen.asks,
                waits=frozen.until,
                why=why,
                still=still_over(journey, frozen.summary),
            )
            leave_page(journey, frozen.run_id, text, frozen.summary)
        frozen, by, why = settled(journey, brief, frozen, start, asked)
        if why is None:
            break
        get_run_logger().warning("Run %s is asked about again: %s", frozen.run_id, why)
    with without_personal_data(f"Promising for {journey.name}"), open_segue() as segue:
        plan = segue.start_run(journey, brief, flow_run.id, only_frozen=True, leave_waiting=start is Start.SCHEDULE)
    get_run_logger().info("Run %s: %s promised in %s shards", plan.run_id, plan.promised, len(plan.shards))
    return plan, by


def drain_all(plan: RunPlan) -> tuple[list[str], int]:
    """Drain every shard, showing how far we are.

    Returns why those that stopped did, and how many messages wait since a provider refused our settings.
    """
    if not plan.shards:
        return [], 0
    progress = cast("UUID", create_progress_artifact(0.0, description=f"Run {plan.run_id}: shards drained"))
    futures: list[PrefectFuture[DrainCount]] = [
        drain_shard.submit(plan.run_id, number, shard) for number, shard in enumerate(plan.shards, start=1)
    ]
    stopped, kept_for_repair = [], 0
    for done, future in enumerate(as_completed(futures), start=1):
        future.wait()
        if future.state.is_completed():
            kept_for_repair += future.result().kept_for_repair
        else:
            stopped.append(str(future.state.message))
        update_progress_artifact(progress, 100.0 * done / len(futures))
    return stopped, kept_for_repair


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


def sum_up(run_id: int) -> Summary:
    """Read back what became of everybody the run considered."""
    with without_personal_data(f"Summing up run {run_id}"), open_segue() as segue:
        return segue.summary(run_id)


def results_of(run_id: int) -> Results:
    """Count what came of the run so far."""
    with without_personal_data(f"The results of run {run_id}"), open_segue() as segue:
        return segue.results(run_id)


def said_of(run_id: int, by: str | None) -> str | None:
    """Say who agreed and whom that left out; None where nobody was asked."""
    if by is None:
        return None
    with without_personal_data(f"Who was left out of run {run_id}"), open_segue() as segue:
        return agreed_by(by, segue.left_for_later(run_id))


def samples_of(journey: Journey, *, shown_with: Summary | None = None) -> Sequence[SampleRender]:
    """What its messages look like, with sample data: the main sample of each step.

    `shown_with` is the sum that somebody is to look at or to agree to. Then another sample stands beside it, and the
    main one in the language that most of those read who do not read the shop's own; and the shop's pictures are
    shown, as far as `SEGUE_PICTURES` has them, since they make a page several times as heavy.
    """
    with without_personal_data(f"The samples of {journey.name}"), open_segue() as segue:
        if shown_with is None or not shown_with.considered:
            return segue.sample_renders(journey, at_most=1)
        others = [language for language, _ in shown_with.languages if language != segue.library.language]
        samples = segue.sample_renders(journey, at_most=SAMPLES_SHOWN, languages=others[:1])
        return [
            one if one.html is None else replace(one, html=brought_along(one.html, segue.picture)) for one in samples
        ]


def seen(frozen: Frozen) -> Summary:
    """What was shown; a run that was just frozen has it."""
    if frozen.summary is None:
        raise FlowError(f"Run {frozen.run_id} was frozen before and is no preview.")
    return frozen.summary


def leave_page(journey: Journey, run_id: int, text: str, summary: Summary) -> None:
    """Put the run's report on its page, in place of an earlier one of the same run."""
    name = journey.name.replace("_", "-")
    # Hundreds of runs a day find nobody; all of them share one key.
    key = f"{name}-run-{run_id}" if summary.considered else f"{name}-nobody-due"
    description = f"{journey.title}: {sentence(summary)}"
    if summary.considered and rewrite(key, str(flow_run.id), text, description):
        return
    create_markdown_artifact(text, key=key, description=description)
