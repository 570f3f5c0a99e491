"""The review queue of referrals: what looks like abuse waits here until somebody says yes or no.

Ids, scores and order numbers; no name or address. Nothing of what waits is paid before.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from pydantic import Field, model_validator

from flows.choices import growing
from flows.errors import FlowError, without_personal_data
from flows.fresh_forms import freshen_forms
from flows.local import local
from flows.markdown import escaped
from flows.typed import NAME, Form
from segue.service import ReferralCount, ReviewedReferral, SuspectReferral, open_segue, review_choices

EVENT: Final = "segue.referrals.to-review"
RESOURCE: Final = "segue.referrals"
NONE: Final = "None: list what waits"
_HOW: Final = (
    "Both people are profile ids: *explain-customer* tells what we sent them, `segue explain` on the machine who they "
    "are. To decide one, start *referral-review* and choose it. Until then neither is paid."
)


class Decision(StrEnum):
    """What the form offers; neither yes nor no is chosen beforehand."""

    OPEN = "Not decided"
    APPROVE = "Approve: both get their voucher"
    REFUSE = "Refuse: neither gets one"


class Reason(StrEnum):
    """Why, from a list: whatever is typed here, Prefect would keep."""

    OPEN = "No reason chosen"
    TWO_PEOPLE = "two people, as far as we can tell"
    ONE_HOUSEHOLD = "two people of one household, which is fine"
    ONE_PERSON = "one person with two accounts"
    REPEATED = "a pattern over several orders"
    ASKED = "asked the customer"
    OTHER = "another reason"


class ReferralReviewForm(Form, title="Referral review"):
    """Left as it is, it lists what waits. To decide, choose one of them, a yes or no, and why."""

    which: str = Field(
        NONE,
        title="Which referral",
        max_length=200,
        pattern=rf"^(\d{{1,15}}: .+|{NONE})$",
        description="What waits for somebody, the most suspicious first. A list's page shows more of each.",
        json_schema_extra=growing(review_choices, first=NONE, none_yet="Nothing waits for a review."),
    )
    decision: Decision = Field(
        Decision.OPEN, title="Your decision", description="It may be changed until the vouchers are written."
    )
    reason: Reason = Field(Reason.OPEN, title="Why", description="Kept with your decision.")
    name: str = Field(
        "", title="Your name", max_length=80, pattern=rf"^\s*$|{NAME}", description="It is kept with your decision."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> ReferralReviewForm:
        said = (self.decision is not Decision.OPEN, self.reason is not Reason.OPEN, len(self.name.strip()) > 1)
        if self.which == NONE and any(said[:2]):
            raise ValueError("choose the referral that you decide, under *Which referral*")
        if self.which != NONE and not all(said):
            lacking = zip(("Your decision", "Why", "Your name"), said, strict=True)
            raise ValueError(
                f"to decide, fill in as well: {', '.join(title for title, is_said in lacking if not is_said)}"
            )
        return self


@flow(name="referral-review")
def referral_review(brief: ReferralReviewForm = ReferralReviewForm()) -> int:  # noqa: B008 - frozen
    """List what waits, or decide one of it. Returns how many wait afterwards."""
    said = None
    with without_personal_data("The review of referrals"), open_segue() as segue:
        if brief.which != NONE:
            number, approve = int(brief.which.partition(":")[0]), brief.decision is Decision.APPROVE
            try:
                segue.review_referral(number, approve=approve, by=brief.name, reason=brief.reason.value)
            except (KeyError, ValueError) as error:
                raise FlowError(str(error.args[0])) from None
            said = f"Referral {number} is {'approved' if approve else 'refused'}."
        waiting, decided, count = segue.referrals_to_review(), segue.reviewed_referrals(), segue.referrals()
    if said is not None:
        freshen_forms()
    create_markdown_artifact(
        page(waiting, decided, count, said), key="referral-review", description=said or sentence(len(waiting))
    )
    return len(waiting)


def tell_of_new_ones() -> int:
    """Emit an event where something new waits, at most once a day; returns how many are new."""
    with without_personal_data("Telling of the review of referrals"), open_segue() as segue:
        fresh = segue.untold_reviews()
        if not fresh:
            return 0
        waiting = len(segue.referrals_to_review())
        emit_event(
            event=EVENT,
            resource={"prefect.resource.id": RESOURCE, "prefect.resource.name": "Referral review"},
            payload={
                "said": f"{sentence(waiting)} New since the last notice: {len(fresh):,}.",
                "new": len(fresh),
                "waiting": waiting,
            },
        )
        segue.told_of_reviews(fresh)
    freshen_forms()
    return len(fresh)


def sentence(waiting: int) -> str:
    """How many wait, in words."""
    if not waiting:
        return "No referral waits for a review."
    return f"{waiting:,} referral{' waits' if waiting == 1 else 's wait'} for a review."


def page(
    waiting: Sequence[SuspectReferral],
    decided: Sequence[ReviewedReferral],
    count: ReferralCount,
    said: str | None = None,
) -> str:
    """Return the page in Markdown."""
    parts = ["# Referral review", *([f"**{said}**"] if said else []), f"**{sentence(len(waiting))}**"]
    if waiting:
        rows = [
            (
                str(one.id),
                f"**{one.score}**: "
                + ", ".join(f"{name.replace('_', ' ')} {weight}" for name, weight in one.signals.items()),
                str(one.profile_id),
                str(one.friend_id),
                escaped(one.order_number),
                f"{one.occurred_at:%Y-%m-%d}",
                f"{one.found_at:%Y-%m-%d}",
            )
            for one in waiting
        ]
        heads = ("Referral", "Score", "Who referred", "Friend", "Order", "Paid", "Waits since")
        parts += [
            _table(heads, rows),
            _HOW,
        ]
    stand = [("pending", count.pending), ("to be reviewed", count.to_review), ("granted", count.granted)]
    stand += [(f"refused: {why}", number) for why, number in count.refusals.items()]
    parts += ["## All referrals", _table(("How it stands", "How many"), [(what, f"{n:,}") for what, n in stand])]
    if decided:
        lines = [
            (str(one.id), "approved" if one.is_approved else "refused", escaped(one.by), local(one.at))
            for one in decided
        ]
        parts += ["## Decided last", _table(("Referral", "What", "By", "When"), lines)]
    return "\n\n".join(parts)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, [":--"] * len(heads), *rows))
