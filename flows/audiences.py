"""Mirror audiences and report: counts by audience and platform, with a table and a chart. Never a person.

What is decided about people is decided behind `segue.service`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from flows import pictures
from flows.approval import Decision, RefusedError, ask
from flows.errors import FlowError, without_personal_data
from flows.forms import StartForm
from flows.journey import settle_start
from flows.local import local
from flows.unusual import audience_sentence, tell_audiences
from segue.journeys.retargeting import JOURNEY, RetargetingBrief
from segue.service import (
    AudienceLine,
    AudienceReport,
    FeedReport,
    Frozen,
    Start,
    UnusualAudience,
    open_segue,
    words,
)

#: What the page says where there is no audience to keep.
NO_PLATFORM = (
    "**No ad platform is connected**, so nobody is in any audience. Name one or more for `audience` in "
    "`SEGUE_CONNECTORS`: `meta`, or `audiences_csv` for files to upload by hand."
)

#: What a yes lets happen to how many people.
UPLOAD = "would be told to ad platforms, as hashes**, each counted once an audience and platform."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What one sync did."""

    audiences: AudienceReport
    feed: FeedReport = field(default_factory=FeedReport)
    unusual: Sequence[UnusualAudience] = ()


def run_audiences(form: StartForm) -> AudienceReport:
    """Preview the audiences, or bring every platform in line and renew the feed; leave a report on the run's page.

    The feed comes after the audiences: no trouble with it may keep somebody in whose no we know.
    Raises FlowError when a platform stopped; the next run goes on where this one ended.
    """
    brief = RetargetingBrief.model_validate(form.model_dump(include=set(RetargetingBrief.model_fields)))
    start = settle_start(form.mode)
    with without_personal_data("The preview of audiences"), open_segue() as segue:
        if start is not Start.PREVIEW:
            segue.switch_on(JOURNEY.name)
        try:
            frozen, shown = segue.freeze_fill(brief, flow_run.id, start=start)
        except Exception:
            if start is not Start.PREVIEW:
                segue.remove_unwanted(brief)
            raise
    if start is Start.PREVIEW and shown is not None:
        said = f"**A run by hand would wait for a yes**: {frozen.asks}." if frozen.asks else None
        leave(Sync(audiences=shown), said)
        return shown
    done = bring_in_line(brief, frozen.run_id)
    while frozen.until is not None:
        waits = f"**{frozen.to_send:,} wait for somebody's yes**, until {local(frozen.until)}: {frozen.asks}."
        leave(done, f"{waits} Removals are done already.")
        try:
            why = answered(frozen)
        except RefusedError:
            leave(done, "**Refused.** Nobody was added.")
            return done.audiences
        if why is None:
            done = bring_in_line(brief, frozen.run_id)
            break
        with without_personal_data("Asking again"), open_segue() as segue:
            frozen, _ = segue.freeze_fill(brief, flow_run.id, start=start, anew=True)
    leave(done)
    if problems := done.audiences.problems + done.feed.problems:
        more = f" (and {len(problems) - 1:,} more; the run's page tells all)" if len(problems) > 1 else ""
        raise FlowError(f"Retargeting needs a look: {problems[0]}{more}.")
    return done.audiences


def bring_in_line(brief: RetargetingBrief, run_id: int) -> Sync:
    """Remove who must go, add whom the run may, renew the feed, and tell of an audience whose size is unusual.

    Nothing of it is done where somebody else is at it.
    """
    with without_personal_data("The sync of audiences"), open_segue() as segue:
        report = segue.sync_fill(brief, run_id)
        if report.busy:
            return Sync(audiences=report)
        feed, unusual = segue.write_feed(brief.sales_channel), segue.unusual_audiences()
    tell_audiences(JOURNEY, unusual)
    return Sync(audiences=report, feed=feed, unusual=unusual)


def answered(frozen: Frozen) -> str | None:
    """Wait for somebody's answer: None for a yes that counts, else why it does not. Raises RefusedError for a no."""
    answer = ask(frozen, JOURNEY.title, None, UPLOAD)
    with without_personal_data(f"The answer to run {frozen.run_id}"), open_segue() as segue:
        if answer.decision is Decision.REFUSE:
            segue.refuse(frozen.run_id, answer.name)
            raise RefusedError(frozen.run_id)
        return segue.approve(frozen.run_id, frozen.digest, answer.name)


def leave(done: Sync, said: str | None = None) -> None:
    """Put the report on the run's page."""
    description = f"Retargeting: {done.audiences.considered:,} considered"
    create_markdown_artifact(page(done, said), key="retargeting-report", description=description)


def page(done: Sync, said: str | None = None) -> str:
    """Write the report as Markdown."""
    report, feed = done.audiences, done.feed
    title = "# Retargeting: preview, nothing was sent" if report.preview else "# Retargeting"
    if report.busy:
        return f"{title}\n\n**Another sync is at it.** Nothing was done; it does what this one would have done.\n"
    parts = [title, *([said] if said else []), table(report) if report.lines else NO_PLATFORM]
    parts += [f"{line.title} at {line.connector}: {line.not_yet}." for line in report.lines if line.not_yet]
    parts[1:1] = [f"**Unusual**: {audience_sentence(one)}" for one in done.unusual]
    parts += [f"Product feed by {name}: {count:,} rows, one a size." for name, count in feed.rows.items()]
    parts += [f"**{problem}**" for problem in (*report.problems, *feed.problems)]
    parts += [f"{line.title} at {line.connector}: {line.too_small}." for line in report.lines if line.too_small]
    parts += [f"{line.title} at {line.connector}: {line.beyond_use}." for line in report.lines if line.beyond_use]
    for line in _each_once(report):
        parts += [f"## {line.title}", sentence(line), f"![Who is in {line.title}, and why not]({picture(line)})"]
    return "\n\n".join(parts) + "\n"


def table(report: AudienceReport) -> str:
    """One row an audience and platform."""
    verb = ("To add", "To remove") if report.preview else ("Added", "Removed")
    rare = {"Of no use there": "unusable", "Not answered": "waiting", "Refused": "rejected"}
    # Columns of nothing but noughts would push the others off the page.
    told = {head: name for head, name in rare.items() if any(getattr(line, name) for line in report.lines)}
    heads = ("Belong in it", *verb, "In it now", *told)
    # The platform last: the page cuts what is wider than it is.
    rows = [f"| Audience | {' | '.join(heads)} | Platform |", f"| :-- |{' --: |' * len(heads)} :-- |"]
    for line in report.lines:
        numbers = (
            line.wanted,
            line.added,
            line.removed,
            line.members,
            *(getattr(line, name) for name in told.values()),
        )
        rows.append(f"| {line.title} | {' | '.join(f'{number:,}' for number in numbers)} | {line.connector} |")
    return "\n".join(rows)


def sentence(line: AudienceLine) -> str:
    """The sum as one line that can be checked by eye."""
    terms = [f"{line.wanted:,} belong in it"]
    terms += [f"{count:,} {words.reason(reason, ('ads',))}" for reason, count in line.out.items()]
    terms += [f"{line.control:,} held back to measure"] if line.control else []
    return f"**{line.considered:,} considered** = {' + '.join(terms)}"


def picture(line: AudienceLine) -> str:
    """The sum as a chart, the largest first."""
    out = sorted(line.out.items(), key=lambda item: -item[1])
    rows = [pictures.Bar("Belong in it", line.wanted, "accepted")]
    rows += [pictures.Bar(words.reason(reason, ("ads",)).capitalize(), count, "skipped") for reason, count in out]
    rows += [pictures.Bar("Held back to measure", line.control, "control")] if line.control else []
    return pictures.bars(f"{line.considered:,} considered", rows)


def _each_once(report: AudienceReport) -> list[AudienceLine]:
    """Every platform is asked for the same people: one line an audience is enough."""
    return list({line.audience: line for line in reversed(report.lines) if line.considered}.values())[::-1]
