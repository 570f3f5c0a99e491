"""What is copied into a scratch database so that a period can be played again, and when each fact becomes known there.

"As of the start" means, of the period's first instant in the source:

- Who somebody is, what is sold and where (profiles, identifiers, sizes, products, shops, carts' owners) is taken as it
  stands in the source today: these tables keep no history.
- Facts with a time become known when they occurred, or a little later (`copying`).
- What an order row learns later (cancelled, refunded, a line sent back) is put into it when it happened, or with the
  order, where that was told later.
- Points, referrals and codes are those from before the start; later ones are made again by the journeys themselves.
- Messages promised before the start are kept as they ended, so that nobody is asked twice and budgets count; those that
  had not left by then wait to be judged anew.

Facts of another year are moved by whole weeks. Then every no that is known today holds from the start, and a yes that
was taken back since is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, and_, false, func, insert, or_, select

from segue.store.coming import Coming
from segue.store.copying import Copying, Row, Span, on_the_hour
from segue.store.engine import write
from segue.store.sql import among
from segue.store.tables import (
    cart,
    cart_event,
    consent_event,
    decision,
    discount,
    event,
    fulfilment,
    identifier,
    listing,
    location,
    loyalty_entry,
    message,
    order,
    order_line,
    order_return,
    product,
    product_relation,
    profile,
    profile_merge,
    profile_size,
    redemption,
    referral,
    referral_code,
    run,
    segment,
    stock_event,
    suppression,
    touchpoint,
    variant,
    voucher,
)

#: How far back the budgets of other journeys' messages are remembered.
BUDGET_MEMORY: Final = timedelta(days=31)
_STANDING = (
    profile, identifier, profile_size, product, variant, location, listing, cart, referral_code,
    discount, segment,
)  # fmt: skip
_HAPPENED = (stock_event, cart_event, order_return, fulfilment, event)
_PENDING = ("queued", "held", "deferred")
_NOES = ("denied", "doubted")


def copy_facts(
    source: Engine, scratch: Engine, span: Span, *, journeys: Collection[str], outside: Collection[tuple[str, str]]
) -> Coming:
    """Copy what is known at the start into `scratch`, and put aside what becomes known later.

    The source is read in one transaction, on one picture of it, and never written. Messages of `journeys` are kept
    whole, of others what the budget counts; steps `outside` it are left out.
    """
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    coming = Coming(scratch)
    with source.connect() as opened, write(scratch) as to:
        one_picture = opened.execution_options(**options) if source.dialect.name == "postgresql" else opened
        with one_picture.begin():
            copy = Copying(one_picture, to, coming, span)
            for table in _STANDING:
                copy.put(table, copy.rows(table))
            copy.put(product_relation, _known_at_start(copy, copy.rows(product_relation)))
            copy.put(profile_merge, copy.rows(profile_merge, profile_merge.c.merged_at.is_not(None)))
            _orders(copy)
            for table in _HAPPENED:
                copy.facts(table, "occurred_at")
            copy.facts(touchpoint, "occurred_at", without=("message_id",))
            _permissions(copy)
            _money(copy)
            _messages(copy, journeys, outside)
    return coming


def _known_at_start(copy: Copying, parts: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """What goes with what, like all that is sold, is taken as it is today: told today, it holds from the start."""
    for rows in parts:
        for row in rows:
            row["recorded_at"] = min(row["recorded_at"], copy.span.start)
        yield rows


def _orders(copy: Copying) -> None:
    """Orders as they were when placed; what became of them comes when it happened."""
    start, fed = copy.span.start, {}
    back = _last_back(copy)
    for rows in copy.rows(order, order.c.occurred_at < copy.span.until):
        times = [copy.fed_at(row, "occurred_at") for row in rows]
        for row, at in zip(rows, times, strict=True):
            fed[row["id"]] = at
            refunded_at = row["cancelled_at"] or back.get(row["id"])
            if row["cancelled_at"] is not None and row["cancelled_at"] > start:
                copy.coming.change(order, row, "cancelled_at", max(at, on_the_hour(row["cancelled_at"])))
            if row["refunded_minor"] and refunded_at is not None and refunded_at > start:
                copy.coming.change(order, row, "refunded_minor", max(at, on_the_hour(refunded_at)), before=0)
        copy.feed(order, rows, times)
    for rows in copy.rows(order_line):
        known = [row for row in rows if row["order_id"] in fed]
        for row in known:
            if (at := row["returned_at"]) is not None and at > start:
                known_at = max(fed[row["order_id"]], on_the_hour(at))
                copy.coming.change(order_line, row, "return_reason", known_at)
                copy.coming.change(order_line, row, "returned_at", known_at)
        copy.feed(order_line, known, [fed[row["order_id"]] for row in known])


def _last_back(copy: Copying) -> dict[int, datetime]:
    """When something of an order last came back: the instant at which its refund is taken to have been made."""
    lines = select(order_line.c.order_id, func.max(order_line.c.returned_at)).where(
        order_line.c.returned_at.is_not(None)
    )
    papers = select(order_return.c.order_id, func.max(order_return.c.occurred_at)).where(
        order_return.c.order_id.is_not(None)
    )
    found: dict[int, datetime] = {}
    for question in (papers.group_by(order_return.c.order_id), lines.group_by(order_line.c.order_id)):
        found |= {order_id: at + copy.span.shift for order_id, at in copy.source.execute(question)}
    return found


def _permissions(copy: Copying) -> None:
    if not copy.span.shift:
        copy.facts(consent_event, "occurred_at")
        copy.facts(suppression, "occurred_at")
        return
    start = copy.span.start
    latest: dict[tuple[int, str], datetime] = defaultdict(lambda: datetime.min.replace(tzinfo=start.tzinfo))
    for rows in copy.rows(consent_event, consent_event.c.state.in_(_NOES)):
        for row in rows:
            place = (row["profile_id"], row["channel"])
            latest[place] = max(latest[place], row["occurred_at"])
            row["occurred_at"] = row["recorded_at"] = min(row["occurred_at"], start)
        copy.to.execute(insert(consent_event), rows)
    yeses = and_(consent_event.c.state.not_in(_NOES), consent_event.c.occurred_at < copy.span.until)
    for rows in copy.rows(consent_event, yeses):
        stand = [
            row
            for row in rows
            if row["occurred_at"] > max(latest[row["profile_id"], one] for one in (row["channel"], "all"))
        ]
        copy.feed(consent_event, stand, [copy.fed_at(row, "occurred_at") for row in stand])
    for rows in copy.rows(suppression):
        for row in rows:
            row["occurred_at"] = row["recorded_at"] = min(row["occurred_at"], start)
        copy.to.execute(insert(suppression), rows)


def _money(copy: Copying) -> None:
    before = copy.span.since
    copy.put(voucher, _as_of_start(copy, copy.rows(voucher, voucher.c.valid_from < before)))
    mine = redemption.c.voucher_id.in_(select(voucher.c.id).where(voucher.c.valid_from < before))
    copy.facts(redemption, "redeemed_at", mine)
    copy.put(referral, copy.rows(referral, referral.c.occurred_at < before))
    earlier = loyalty_entry.c.occurred_at < before
    copy.put(loyalty_entry, copy.rows(loyalty_entry, earlier))
    copy.facts(loyalty_entry, "occurred_at", and_(~earlier, loyalty_entry.c.kind == "adjusted"))


def _as_of_start(copy: Copying, parts: Iterator[list[Row]]) -> Iterator[list[Row]]:
    for rows in parts:
        for row in rows:
            for name in ("published_at", "revoked_at", "withdrawn_at"):
                if row[name] is not None and row[name] >= copy.span.start:
                    row[name] = None
        yield rows


def _messages(copy: Copying, journeys: Collection[str], outside: Collection[tuple[str, str]]) -> None:
    mine = message.c.journey.in_(journeys)
    counted = message.c.handed_over_at.between(copy.span.since - BUDGET_MEMORY, copy.span.since)
    free = or_(false(), *(and_(message.c.journey == name, message.c.step == step) for name, step in outside))
    others = and_(counted, ~free)
    # What was skipped or held back since was still open at the start.
    since = select(decision.c.message_id).where(decision.c.decided_at >= copy.span.since).distinct()
    decided = set(copy.source.scalars(since))
    waiting: set[int] = set()
    for rows in copy.rows(message, and_(message.c.promised_at < copy.span.since, or_(mine, others))):
        made = [_at_start(row, copy.span.start, is_open=row["id"] in decided) for row in rows]
        waiting |= {row["run_id"] for row in made if row["run_id"] is not None}
        copy.to.execute(insert(message), made)
    # What waits is judged by what was asked for when it was promised.
    others_own = ("flow_run_id", "digest", "approval_until", "approved_at", "approved_by")
    for rows in copy.rows(run, among(copy.source, run.c.id, sorted(waiting))):
        copy.to.execute(insert(run), [row | dict.fromkeys(others_own) for row in rows])


def _at_start(row: Row, start: datetime, *, is_open: bool) -> Row:
    had_left = row["handed_over_at"] is not None and row["handed_over_at"] < start
    run_id = row["run_id"]
    row |= {"run_id": None, "worker": None, "epoch": 0, "provider_id": None}
    if had_left and row["state"] == "handed_over":
        row["state"] = "uncertain"
    elif not had_left and (is_open or row["handed_over_at"] is not None or row["state"] in _PENDING):
        unjudged = ("reason", "channel", "connector", "template_version", "handed_over_at", "answered_at")
        row |= dict.fromkeys(unjudged) | {"state": "queued", "attempts": 0}
        row |= {"not_before": start, "promised_at": start, "run_id": run_id}
    return row
