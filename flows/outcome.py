"""What came of a run, as a section of its page: delivery news, then orders and their value.

Worded with care: an order after a message is not an order because of it.
"""

from __future__ import annotations

from flows import pictures
from flows.local import local
from segue.service import Results, words

HEADING = "## What came of it so far"
ORDERS = "### Orders within seven days of the message"
_NOTE = {"opened": "mail programs open by themselves; read it as a hint"}


def outcome(results: Results) -> list[str]:
    """The section; nothing where nothing was sent."""
    if not results.sent:
        return []
    return [HEADING, f"![What came of it]({_picture(results)})", _news(results), *_orders(results)]


def _picture(results: Results) -> str:
    counts = [("Sent", results.sent), *((words.title(kind), count) for kind, count in results.news.items() if count)]
    bars = [pictures.Bar(label, count, "accepted") for label, count in counts]
    bars.append(pictures.Bar("Ordered within 7 days", results.treated.buyers, "pending"))
    return pictures.bars(f"Of {results.sent:,} sent", bars)


def _news(results: Results) -> str:
    rows = ["| Messages | Of those sent | News |", "| --: | --: | :-- |"]
    for kind, count in results.news.items():
        note = f" ({_NOTE[kind]})" if kind in _NOTE else ""
        rows.append(f"| {count:,} | {_percent(count / results.sent)} | {words.title(kind)}{note} |")
    return "\n".join(rows)


def _orders(results: Results) -> list[str]:
    rows = [
        "| Group | People | Of them ordered | Orders | Worth, after refunds |",
        "| :-- | --: | --: | --: | --: |",
    ]
    groups = [("Got the message", results.treated), ("Left alone, to compare", results.control)]
    for label, group in groups:
        if group.people:
            worth = " + ".join(words.money(minor, currency) for currency, minor in group.worth.items()) or "-"
            share = f"{group.buyers:,} ({_percent(group.share)})"
            rows.append(f"| {label} | {group.people:,} | {share} | {group.orders:,} | {worth} |")
    return [ORDERS, "\n".join(rows), _compared(results), _until(results)]


def _compared(results: Results) -> str:
    if not results.control.people:
        return "Nobody was left alone in this run, so there is nothing to compare with: some would have ordered anyway."
    apart = results.difference
    if apart is None:
        return "Too few people to compare the two groups: the difference may be chance alone."
    middle, low, high = (100 * one for one in apart)
    chance = " Chance alone may be the reason." if low <= 0 <= high else ""
    return (
        f"**{middle:+.1f} percentage points** is how far apart those who got it and those left alone are; with 95 % "
        f"certainty it lies between {low:+.1f} and {high:+.1f}.{chance}"
    )


def _until(results: Results) -> str:
    until = f" Counting ends {local(results.until)}." if results.until else ""
    return f"Paid orders that were not cancelled, whatever led to them.{until} *refresh-results* brings it up to date."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
