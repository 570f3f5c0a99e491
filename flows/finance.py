"""What is owed in points and codes, and when it runs out: a page with a chart, and a CSV on this machine.

Counts and sums; nobody's in particular.
"""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows import pictures
from flows.errors import without_personal_data
from segue.service import open_segue
from segue.service.finance import OpenMonth, OpenPromises, amount_text, finance_csv, rewards_ahead, written_to

_HEADS = ("Month", "Points", "Pending", "Worth", "Codes", "Of an amount", "Of a percentage")
#: Months beyond these are in the table only.
_CHARTED = 15


@flow(name="finance")
def finance() -> int:
    """Count open points and codes by the month in which they run out. Returns how many points are open."""
    with without_personal_data("Finance"), open_segue() as segue:
        promises = segue.finance()
        ahead = rewards_ahead(segue.referrals(), segue.settings.house.referral)
        file = written_to(segue.settings.home / "finance", promises.at, finance_csv(promises))
    create_markdown_artifact(page(promises, str(file), ahead), key="finance", description="Open points and codes")
    return promises.total.available + promises.total.pending


def page(promises: OpenPromises, file: str, ahead: str | None = None) -> str:
    """Return the run's page in Markdown; `ahead` is what referrals may still cost, in a sentence."""
    total = promises.total
    also = [f"**Friends:** {ahead}"] if ahead else []
    if not promises.months:
        return "\n\n".join(["**Nothing is open**: no points, and no codes that could still be used.", *also])
    rows = [
        pictures.Bar(f"{month.month}: {amount_text(month.points_minor, promises.currency)}", count, "accepted")
        for month in promises.months[:_CHARTED]
        if (count := month.available + month.pending)
    ]
    chart = f"![Points by the month they run out]({pictures.bars('Points by the month they run out', rows)})"
    lines = [_line(_HEADS), _line(("---", *["---:"] * (len(_HEADS) - 1)))]
    lines += [_line(_cells(month, promises.currency)) for month in (*promises.months, total)]
    said = (
        f"**{total.available + total.pending:,} points** are open on {promises.at:%Y-%m-%d}, worth "
        f"{amount_text(total.points_minor, promises.currency)} if all become rewards; {total.vouchers:,} codes may "
        "still be used."
    )
    note = "Pending points do not count yet: goods may still come back. Months are those of UTC."
    return "\n\n".join([said, *([chart] if rows else []), "\n".join(lines), *also, note, f"As CSV: `{file}`"])


def _cells(month: OpenMonth, currency: str) -> tuple[str, ...]:
    amounts = ", ".join(amount_text(minor, one) for one, minor in month.voucher_minor.items())
    return (
        month.month,
        f"{month.available:,}",
        f"{month.pending:,}",
        amount_text(month.points_minor, currency),
        f"{month.vouchers:,}",
        amounts,
        f"{month.percentages:,}",
    )


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
