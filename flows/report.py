"""What a run leaves on its page: the sum as a table and a chart, and what the messages look like.

Counts, reasons and profile ids; the messages are those of the template's sample, never of real people.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from flows import pictures
from flows.forms import ASKED, JourneyForm
from flows.local import local
from flows.outcome import outcome
from flows.paced import paced
from flows.unusual import kept
from segue.service import Results, SampleRender, Summary, words
from segue.settings import load_settings

#: Of a step's samples, the one that stands for all.
MAIN = "sample"
SAMPLES = "## What the messages look like"
#: Profile ids shown of a kind: with more, the page would cut the table.
_IDS = 3
#: A link with a token is longer than the page is wide.
_LONG_LINK = re.compile(r"(https?://\S{44})\S{8,}")


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
    #: Of a test: how many messages to the seed list the providers took. They count nowhere else.
    tests: int = 0


def agreed_by(name: str | None, left_out: int = 0) -> str | None:
    """Say who agreed, if that was asked, and what became of those who were shown as left out."""
    if not name:
        return None
    later = f" {left_out:,} more were shown as left out; a later run looks at them again." if left_out else ""
    return f"Agreed to by {name}.{later}"


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
    asked: str | None = None,
    said: str | None = None,
    asks: str | None = None,
    waits: datetime | None = None,
    why: str | None = None,
    results: Results | None = None,
    unusual: str | None = None,
    still: str | None = None,
    nobody: str = JourneyForm.nobody_due,
) -> str:
    """Write the whole report as Markdown, the shortest answer first.

    `asked` repeats what was chosen on the form; `said` is a sentence about how it came to this; `asks`, why sending
    needs a yes; `waits`, until when one counts; `why`, why it is asked again; `results`, what came of it so far;
    `unusual`, that its size is not the usual one; `still`, what holds it; `nobody`, what to say where nobody was due.
    """
    parts = [f"# {title}: {_state(summary, waits)}", *filter(None, (asked, said, unusual))]
    if summary.considered:
        if asks:
            parts.append(_asking(asks, waits, why))
        parts += [
            f"**{summary.considered:,} considered** = {_terms(summary)}",
            *costs(summary),
            *paced(summary),
            f"![How many, by what became of them]({picture(summary)})",
            table(summary),
            *holds(summary),
            *filter(None, (still,)),
            *(outcome(results) if results is not None else ()),
        ]
    else:
        parts.append(nobody)
    if summary.examples:
        parts.append(f"Why one of them? *explain-customer* tells by profile id, e.g. {_first(summary)}.")
    if samples:
        parts.append(SAMPLES)
        parts.append("The real words and design, filled with samples: no real person is shown.")
    # A designed mail is 30 kB in Prefect's database; hundreds of runs a day find nobody and need not say it so well.
    told: set[tuple[str, str]] = set()
    for sample in samples:
        if summary.considered or sample.sample == MAIN:
            is_first = (sample.name, sample.channel) not in told
            parts.append(sample_card(sample, designed=summary.considered > 0, with_text=is_first))
            told.add((sample.name, sample.channel))
    return "\n\n".join(parts) + "\n"


def refreshed(
    old: str, title: str, summary: Summary, results: Results, *, said: str | None = None, still: str | None = None
) -> str:
    """The page anew, with what was chosen and the samples it has: these are no news."""
    top, heading, samples = old.partition(SAMPLES)
    asked = next((line for line in top.splitlines() if line.startswith(ASKED)), None)
    new = page(title, summary, (), asked=asked, said=said, results=results, unusual=kept(old), still=still)
    return new + (f"\n{heading}{samples}" if heading else "")


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
        f"*Send it* or *Do not send it* until {local(waits)}. Nobody is added meanwhile."
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
        why = f"held: {words.standing(one.brake)}" if one.brake else words.reason(one.reason)
        rows.append(f"| {one.count:,} | {words.title(one.step)} | {why} | {until} |")
    return ["\n".join(rows), f"Times are those of {zone.key}."]


def sentence(summary: Summary) -> str:
    """The sum as one line that can be checked by eye: `94 considered = 85 sent + 9 left out`."""
    return f"{summary.considered:,} considered" + (f" = {_terms(summary)}" if summary.considered else "")


def _terms(summary: Summary) -> str:
    terms = [
        f"{count:,} {words.group(group, preview=summary.preview).lower()}"
        for group, count in summary.by_group().items()
        if count
    ]
    return " + ".join(terms)


def table(summary: Summary) -> str:
    """One row a step, channel, group and reason; the last row is the sum. Numbers first: the page cuts wide tables.

    Steps are named where there are several.
    """
    several = len({line.step for line in summary.lines}) > 1
    rows = [
        _row("How many", *(["Step"] if several else []), "What became of them", "Why", "Profile ids"),
        _row("--:", *([":--"] if several else []), ":--", ":--", ":--"),
    ]
    for line in summary.lines:
        seen = summary.examples.get(line.name, ())
        group = words.group(line.group, preview=summary.preview)
        by = f", {words.channel(line.channel)}" if line.channel else ""
        cells = [f"{words.title(line.step)}{by}", group] if several else [f"{group}{by}"]
        ids = ", ".join(str(profile_id) for profile_id in seen[:_IDS])
        rows.append(_row(f"{line.count:,}", *cells, words.reason(line.reason), ids))
    rows.append(_row(f"**{summary.considered:,}**", "**Considered**", "", "", *([""] if several else [])))
    return "\n".join(rows)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


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


def sample_card(sample: SampleRender, *, designed: bool, with_text: bool = True) -> str:
    """One message of the sample data: drawn, and, once a step, a mail's text part in words."""
    step = sample.name.rpartition("/")[2]
    heading = f"{words.title(step)}, {words.channel(sample.channel)}{f': {sample.who}' if sample.who else ''}"
    if sample.channel == "sms":
        return f"### {heading}\n\n![{heading}]({pictures.sms_card(sample.text)})"
    if sample.pages:
        sides = zip(("front", "back", "page 3", "page 4"), sample.pages if designed else (), strict=False)
        drawn = " ".join(f"![{heading}, {side}]({pictures.png(page)})" for side, page in sides)
        return f"### {heading}\n\n{drawn or 'Drawn when somebody is due.'}"
    subject = sample.subject or ""
    if sample.html and designed:
        drawn = pictures.mail_picture(subject, sample.html)
        plain = _LONG_LINK.sub(r"\1…", sample.text.strip())
        text = "" if not with_text else f"\n\nIts text part, for readers without HTML:\n\n~~~text\n{plain}\n~~~"
    else:
        drawn, text = pictures.mail_card(subject, sample.text), ""
    return f"### {heading}\n\nSubject: **{subject}**\n\n![{heading}]({drawn}){text}"


def _first(summary: Summary) -> str:
    profile_id = next(profile_id for seen in summary.examples.values() for profile_id in seen)
    return str(profile_id)
