"""What a run leaves on its page: the sum as a table and a chart, and what the messages look like.

Counts, reasons and profile ids; the messages are those of the template's sample, never of real people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from flows import pictures
from flows.outcome import outcome
from flows.unusual import kept
from segue.service import Results, SampleRender, Summary, words
from segue.settings import load_settings

#: Of a step's samples, the one on the page; the others are for the template's own tests.
MAIN = "sample"
SAMPLES = "## What the messages look like"
NOBODY = (
    "**Nobody was due.** No new occasion for a message came up since the last run. "
    "A journey answers only what happened after its first real run, by hand or by schedule."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a journey's run returns: the sum, and how to find the run in the outbox."""

    journey: str
    #: Of a preview: under which it wrote down who would get it. None where nothing was stored.
    run_id: int | None
    preview: bool
    considered: int
    #: Counts by group, in reading order, zeros included; they add up to `considered`.
    groups: dict[str, int]


def agreed_by(name: str | None) -> str | None:
    """Say who agreed, if that was asked."""
    return f"Agreed to by {name}." if name else None


def report_of(summary: Summary, *, run_id: int | None = None) -> Report:
    """Reduce a summary to what the flow hands back."""
    return Report(
        journey=summary.journey,
        run_id=run_id or summary.run_id,
        preview=summary.preview,
        considered=summary.considered,
        groups=summary.by_group(),
    )


def page(
    title: str,
    summary: Summary,
    samples: Sequence[SampleRender],
    *,
    said: str | None = None,
    asks: str | None = None,
    waits: datetime | None = None,
    why: str | None = None,
    results: Results | None = None,
    unusual: str | None = None,
) -> str:
    """Write the whole report as Markdown, the shortest answer first.

    `said` is a sentence about how it came to this; `asks`, why sending needs a yes; `waits`, until when one counts;
    `why`, why it is asked again; `results`, what came of it so far; `unusual`, that its size is not the usual one.
    """
    parts = [f"# {title}: {_state(summary, waits)}", *filter(None, (said, unusual))]
    if summary.considered:
        if asks:
            parts.append(_asking(asks, waits, why))
        parts += [
            sentence(summary),
            *costs(summary),
            f"![How many, by what became of them]({picture(summary)})",
            table(summary),
            *holds(summary),
            *(outcome(results) if results is not None else ()),
        ]
    else:
        parts.append(NOBODY)
    if summary.examples:
        parts.append(
            "To see one person's whole story, run `segue explain` with the profile id, e.g. " + _first(summary)
        )
    if samples:
        parts.append(SAMPLES)
        parts.append("Written with sample data; no real person is shown.")
    # A designed mail is 30 kB in Prefect's database; hundreds of runs a day find nobody and need not say it so well.
    parts += [sample_card(sample, designed=summary.considered > 0) for sample in samples if sample.sample == MAIN]
    return "\n\n".join(parts) + "\n"


def refreshed(old: str, title: str, summary: Summary, results: Results, *, said: str | None = None) -> str:
    """The page anew, with the samples it has: what they looked like is no news."""
    _, heading, samples = old.partition(SAMPLES)
    text = page(title, summary, (), said=said, results=results, unusual=kept(old))
    return text + (f"\n{heading}{samples}" if heading else "")


def _state(summary: Summary, waits: datetime | None) -> str:
    if waits is not None:
        return "waiting for approval, nothing was sent"
    return "preview, nothing was sent" if summary.preview else f"run {summary.run_id}"


def _asking(asks: str, waits: datetime | None, why: str | None) -> str:
    if waits is None:
        return f"**Sending this needs somebody's yes**: {asks}."
    again = f" It is asked again, since {why}." if why else ""
    return (
        f"**Waiting for somebody's yes**: {asks}.{again} Choose *Resume* at the top of the run's page and say "
        f"*Send it* or *Do not send it* until {waits:%d %b %Y, %H:%M} UTC. Nobody is added meanwhile."
    )


def holds(summary: Summary) -> list[str]:
    """What would wait and until when, in the shop's own time; nothing where nothing would."""
    if not summary.holdings:
        return []
    zone = ZoneInfo(load_settings().home_zone)
    rows = ["| Would wait | Step | Why | Looked at again |", "| --: | :-- | :-- | :-- |"]
    for one in summary.holdings:
        first, last = (f"{at.astimezone(zone):%a %d %b, %H:%M}" for at in (one.first, one.last))
        until = first if first == last else f"{first} to {last}"
        rows.append(f"| {one.count:,} | {words.title(one.step)} | {words.reason(one.reason)} | {until} |")
    return ["\n".join(rows), f"Times are those of {zone.key}."]


def sentence(summary: Summary) -> str:
    """The sum as one line that can be checked by eye."""
    terms = [
        f"{count:,} {words.group(group, preview=summary.preview).lower()}"
        for group, count in summary.by_group().items()
        if count
    ]
    return f"**{summary.considered:,} considered** = {' + '.join(terms)}"


def table(summary: Summary) -> str:
    """One row a step, channel, group and reason; the last row is the sum. Numbers first: the page cuts wide tables."""
    rows = ["| How many | Step | What became of them | Why | Profile ids |", "| --: | :-- | :-- | :-- | :-- |"]
    for line in summary.lines:
        seen = summary.examples.get(f"{line.step}/{line.group}/{line.reason or ''}".rstrip("/"), ())
        cells = (
            f"{line.count:,}",
            f"{words.title(line.step)}, {words.channel(line.channel)}" if line.channel else words.title(line.step),
            words.group(line.group, preview=summary.preview),
            words.reason(line.reason),
            ", ".join(str(profile_id) for profile_id in seen),
        )
        rows.append(f"| {' | '.join(cells)} |")
    rows.append(f"| **{summary.considered:,}** | **Considered** | | | |")
    return "\n".join(rows)


def costs(summary: Summary) -> list[str]:
    """What it costs, or would: nothing where nothing has a price; of a preview, about."""
    if not summary.spendings:
        return []
    about = "about " if summary.preview else ""
    rows = ["| What it costs | Messages | Segments | Step |", "| --: | --: | --: | :-- |"]
    for one in summary.spendings:
        cells = (
            "not known" if one.micros is None else f"{about}{money(one.micros, one.currency or '')}",
            f"{one.messages:,}",
            "" if one.segments is None else f"{about}{one.segments:,}",
            f"{words.title(one.step)}, {words.channel(one.channel)}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    total = " + ".join(money(micros, currency) for currency, micros in sorted(summary.cost().items()))
    if total:
        rows.append(f"| **{about}{total}** | | | **In all, as far as prices are known** |")
    return ["\n".join(rows)]


def money(micros: int, currency: str) -> str:
    """Millionths of a currency, to the cent; what is less than a cent in full."""
    amount = Decimal(micros) / 1_000_000
    return f"{amount:,.2f} {currency}" if micros >= 10_000 or not micros else f"{amount.normalize():f} {currency}"


def picture(summary: Summary) -> str:
    """The sum as a chart, zeros left out."""
    return pictures.bars(
        f"{summary.considered:,} considered",
        [
            pictures.Bar(words.group(group, preview=summary.preview), count, group)
            for group, count in summary.by_group().items()
            if count
        ],
    )


def sample_card(sample: SampleRender, *, designed: bool) -> str:
    """One message of the sample data: drawn, and a mail's text part in words."""
    step = sample.name.rpartition("/")[2]
    heading = f"{words.title(step)}, {words.channel(sample.channel)}"
    if sample.channel == "sms":
        return f"### {heading}\n\n![{heading}]({pictures.sms_card(sample.text)})"
    if sample.pages:
        sides = zip(("front", "back", "page 3", "page 4"), sample.pages if designed else (), strict=False)
        drawn = " ".join(f"![{heading}, {side}]({pictures.png(page)})" for side, page in sides)
        return f"### {heading}\n\n{drawn or 'Drawn when somebody is due.'}"
    subject = sample.subject or ""
    if sample.html and designed:
        drawn = pictures.mail_picture(subject, sample.html)
        text = f"\n\nIts text part, for readers without HTML:\n\n~~~text\n{sample.text.strip()}\n~~~"
    else:
        drawn, text = pictures.mail_card(subject, sample.text), ""
    return f"### {heading}\n\nSubject: **{subject}**\n\n![{heading}]({drawn}){text}"


def _first(summary: Summary) -> str:
    profile_id = next(profile_id for seen in summary.examples.values() for profile_id in seen)
    return f"`segue explain {profile_id}`."
