"""Mirror audiences and report: counts by audience and platform, with a table and a chart. Never a person.

What is decided about people is decided behind `segue.service`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prefect.artifacts import create_markdown_artifact

from flows import pictures
from flows.errors import FlowError, without_personal_data
from flows.forms import Mode, StartForm
from flows.journey import settle_mode
from segue.journeys.retargeting import JOURNEY, RetargetingBrief
from segue.service import AudienceLine, AudienceReport, FeedReport, open_segue, words

#: What the page says where there is no audience to keep.
NO_PLATFORM = (
    "**No ad platform is connected**, so nobody is in any audience. Name one or more for `audience` in "
    "`SEGUE_CONNECTORS`: `meta`, or `audiences_csv` for files to upload by hand."
)


def run_audiences(form: StartForm) -> AudienceReport:
    """Preview the audiences, or bring every platform in line and renew the feed; leave a report on the run's page.

    The feed comes after the audiences: no trouble with it may keep somebody in whose no we know.
    Raises FlowError when a platform stopped; the next run goes on where this one ended.
    """
    brief = RetargetingBrief.model_validate(form.model_dump(include=set(RetargetingBrief.model_fields)))
    feed = FeedReport()
    is_preview = settle_mode(form.mode) is Mode.PREVIEW
    with without_personal_data(f"The {'preview' if is_preview else 'sync'} of audiences"), open_segue() as segue:
        if is_preview:
            report = segue.preview_audiences(brief)
        else:
            segue.switch_on(JOURNEY.name)
            report = segue.sync_audiences(brief)
            if not report.busy:
                feed = segue.write_feed(brief.sales_channel)
    create_markdown_artifact(
        page(report, feed.rows, feed.problems),
        key="retargeting-report",
        description=f"Retargeting: {report.considered:,} considered",
    )
    if problems := report.problems + feed.problems:
        more = f" (and {len(problems) - 1:,} more; the run's page tells all)" if len(problems) > 1 else ""
        raise FlowError(f"Retargeting needs a look: {problems[0]}{more}.")
    return report


def page(report: AudienceReport, feed: Mapping[str, int], feed_problems: Sequence[str] = ()) -> str:
    """Write the report as Markdown."""
    title = "# Retargeting: preview, nothing was sent" if report.preview else "# Retargeting"
    if report.busy:
        return f"{title}\n\n**Another sync is at it.** Nothing was done; it does what this one would have done.\n"
    parts = [title, table(report) if report.lines else NO_PLATFORM]
    parts += [f"Product feed by {name}: {count:,} rows, one a size." for name, count in feed.items()]
    parts += [f"**{problem}**" for problem in (*report.problems, *feed_problems)]
    parts += [f"{line.title} at {line.connector}: {line.too_small}." for line in report.lines if line.too_small]
    parts += [f"{line.title} at {line.connector}: {line.beyond_use}." for line in report.lines if line.beyond_use]
    for line in _each_once(report):
        parts += [f"## {line.title}", sentence(line), f"![Who is in {line.title}, and why not]({picture(line)})"]
    return "\n\n".join(parts) + "\n"


def table(report: AudienceReport) -> str:
    """One row an audience and platform."""
    verb = ("Would be added", "Would be removed") if report.preview else ("Added", "Removed")
    heads = ("Belong in it", *verb, "In it now", "Of no use there", "Not answered", "Refused")
    rows = [f"| Audience | Platform | {' | '.join(heads)} |", f"| :-- | :-- |{' --: |' * len(heads)}"]
    for line in report.lines:
        done = (line.wanted, line.added, line.removed)
        numbers = (*done, line.members, line.unusable, line.waiting, line.rejected)
        rows.append(f"| {line.title} | {line.connector} | {' | '.join(f'{number:,}' for number in numbers)} |")
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
