"""Open promises as a file for whoever keeps the books: CSV, a line a month and kind."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from segue.offers import ReferralCount
from segue.offers.points_open import OpenMonth, OpenPromises
from segue.render.wording import money
from segue.settings.house import Referral

#: An amount in minor units as it stands on a price tag.
amount_text = money
_HEAD = ("month", "kind", "count", "worth_minor", "currency")


def finance_csv(promises: OpenPromises) -> str:
    """Return the months as CSV (RFC 4180): what runs out when. `worth_minor` is in minor units; empty is unknown."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(_HEAD)
    for month in promises.months:
        writer.writerows(_lines(month, promises.currency))
    return file.getvalue()


def rewards_ahead(count: ReferralCount, rules: Referral) -> str | None:
    """One sentence of what referrals may still cost; None where nothing is pending."""
    ahead = count.pending + count.to_review
    if not ahead:
        return None
    rewards = "1 referral is" if ahead == 1 else f"{ahead:,} referrals are"
    reviewed = f" ({count.to_review:,} of them to be reviewed)" if count.to_review else ""
    worth = money(2 * ahead * rules.reward_minor, rules.currency)
    return f"{rewards} pending{reviewed}: {worth} in vouchers, half for each of the two, if all are granted."


def written_to(folder: Path, at: datetime, text: str) -> Path:
    """Write the CSV of a day into `folder` and return its file; the same day again replaces it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"finance-{at:%Y-%m-%d}.csv"
    unfinished = file.with_suffix(".part")
    unfinished.write_text(text, "utf-8", newline="")
    unfinished.replace(file)
    return file.resolve()


def _lines(month: OpenMonth, currency: str) -> Iterator[tuple[str | int, ...]]:
    if month.available or month.pending:
        yield month.month, "points_available", month.available, "", ""
        yield month.month, "points_pending", month.pending, "", ""
        yield month.month, "points", month.available + month.pending, month.points_minor, currency
    for one, minor in month.voucher_minor.items():
        yield month.month, "codes_of_an_amount", month.voucher_counts[one], minor, one
    if month.percentages:
        yield month.month, "codes_of_a_percentage", month.percentages, "", ""


__all__ = ["OpenMonth", "OpenPromises", "amount_text", "finance_csv", "rewards_ahead", "written_to"]
