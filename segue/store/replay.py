"""What is copied into a scratch database so that a period can be played again, and when each fact becomes known there.

"As of the start" means, of the period's first instant in the source:

- Who somebody is, what is sold and where (profiles, identifiers, sizes, products, shops, carts' owners) is taken as it
  stands in the source today: these tables keep no history.
- Facts with a time become known when they occurred. One that was recorded up to three days later was told late, and
  becomes known when it was recorded; one recorded later still came with an import of history, which says nothing of it.
- What an order row learns later (cancelled, refunded, a line sent back) is put into it when it happened.
- Points, referrals and codes are those from before the start; later ones are made again by the journeys themselves.
- Messages promised before the start are kept as they ended, so that nobody is asked twice and budgets count; those that
  had not left by then wait to be judged anew.

Facts of another year are moved by whole weeks. Then every no that is known today holds from the start, and a yes that
was taken back since is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    func,
    insert,
    or_,
    select,
    true,
)

from segue.store.coming import Coming
from segue.store.engine import write
from segue.store.tables import (
    cart,
    cart_event,
    consent_event,
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
    segment,
    stock_event,
    suppression,
    touchpoint,
    variant,
    voucher,
)
from segue.store.types import UtcTime

#: A fact recorded this long after it occurred was told late; later still, it came with somebody's history.
LATE_AT_MOST: Final = timedelta(days=3)
#: How far back the budgets of other journeys' messages are remembered.
BUDGET_MEMORY: Final = timedelta(days=31)
_PART: Final = 5_000  # rows read and written at once
_STANDING = (
    profile, identifier, profile_size, product, product_relation, variant, location, listing, cart, referral_code,
    discount, segment,
)  # fmt: skip
_HAPPENED = (stock_event, cart_event, order_return, fulfilment, event, touchpoint)
_PENDING = ("queued", "held", "deferred")
_NOES = ("denied", "doubted")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A period of the source, and how far it is moved."""

    since: datetime
    until: datetime
    #: Whole weeks, so that weekdays fit.
    shift: timedelta
    #: Whose midnights part one day's facts from the next.
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The rehearsal's first instant."""
        return self.since + self.shift


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
            _Copy(one_picture, to, coming, span).all(journeys, outside)
    return coming


class _Copy:
    def __init__(self, source: Connection, to: Connection, coming: Coming, span: Span) -> None:
        self._source = source
        self._to = to
        self._coming = coming
        self._span = span
        self._before = span.since  # in the source's time

    def all(self, journeys: Collection[str], outside: Collection[tuple[str, str]]) -> None:
        for table in _STANDING:
            self._put(table, self._rows(table))
        self._put(profile_merge, self._rows(profile_merge, profile_merge.c.merged_at.is_not(None)))
        self._orders()
        for table in _HAPPENED:
            self._facts(table, "occurred_at")
        self._permissions()
        self._money()
        self._messages(journeys, outside)

    # ------------------------------------------------------------ reading and writing

    def _rows(self, table: Table, where: ColumnElement[bool] | None = None) -> Iterator[list[Row]]:
        """The rows in the order of their keys, times moved, in parts."""
        asked = select(table).where(where if where is not None else true()).order_by(*table.primary_key.columns)
        times = [column.name for column in table.columns if isinstance(column.type, UtcTime)]
        shift = self._span.shift
        found = self._source.execute(asked, execution_options={"stream_results": True, "yield_per": _PART})
        for part in found.mappings().partitions():
            rows = [dict(one) for one in part]
            if shift:
                for row in rows:
                    for name in times:
                        if row[name] is not None:
                            row[name] += shift
            yield rows

    def _put(self, table: Table, parts: Iterator[list[Row]]) -> None:
        for rows in parts:
            if rows:
                self._to.execute(insert(table), rows)

    def _feed(self, table: Table, rows: Sequence[Row], times: Sequence[datetime]) -> None:
        """Put rows where they belong: known from the start, or later."""
        now = [row for row, at in zip(rows, times, strict=True) if at <= self._span.start]
        if now:
            self._to.execute(insert(table), now)
        self._coming.keep(
            self._to,
            table,
            [row | {"fed_at": at} for row, at in zip(rows, times, strict=True) if at > self._span.start],
        )

    def _fed_at(self, row: Row, occurred: str) -> datetime:
        """When a row is written; sets its `recorded_at` to when it became known.

        A timely fact is there from the midnight before it, hidden by its own time; a late one once it was told, on the
        hour.
        """
        at, recorded = row[occurred], row["recorded_at"]
        is_late = at < recorded <= at + LATE_AT_MOST
        row["recorded_at"] = recorded if is_late else at
        return on_the_hour(recorded) if is_late else self._midnight(at)

    def _midnight(self, at: datetime) -> datetime:
        there = at.astimezone(self._span.zone)
        return there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(at.tzinfo)

    # ------------------------------------------------------------ facts

    def _facts(self, table: Table, occurred: str, where: ColumnElement[bool] | None = None) -> None:
        wanted = table.c[occurred] < self._span.until
        for rows in self._rows(table, wanted if where is None else and_(wanted, where)):
            if table is touchpoint:
                for row in rows:
                    row["message_id"] = None
            self._feed(table, rows, [self._fed_at(row, occurred) for row in rows])

    def _orders(self) -> None:
        """Orders as they were when placed; what became of them comes when it happened."""
        start, fed = self._span.start, {}
        back = self._last_back()
        for rows in self._rows(order, order.c.occurred_at < self._span.until):
            times = [self._fed_at(row, "occurred_at") for row in rows]
            for row, at in zip(rows, times, strict=True):
                fed[row["id"]] = at
                refunded_at = row["cancelled_at"] or back.get(row["id"])
                if row["cancelled_at"] is not None and row["cancelled_at"] > start:
                    self._coming.change(order, row, "cancelled_at", on_the_hour(row["cancelled_at"]))
                if row["refunded_minor"] and refunded_at is not None and refunded_at > start:
                    self._coming.change(order, row, "refunded_minor", on_the_hour(refunded_at), before=0)
            self._feed(order, rows, times)
        for rows in self._rows(order_line):
            known = [row for row in rows if row["order_id"] in fed]
            for row in known:
                if (at := row["returned_at"]) is not None and at > start:
                    self._coming.change(order_line, row, "return_reason", on_the_hour(at))
                    self._coming.change(order_line, row, "returned_at", on_the_hour(at))
            self._feed(order_line, known, [fed[row["order_id"]] for row in known])

    def _last_back(self) -> dict[int, datetime]:
        """When something of an order last came back: the instant at which its refund is taken to have been made."""
        lines = select(order_line.c.order_id, func.max(order_line.c.returned_at)).where(
            order_line.c.returned_at.is_not(None)
        )
        papers = select(order_return.c.order_id, func.max(order_return.c.occurred_at)).where(
            order_return.c.order_id.is_not(None)
        )
        found: dict[int, datetime] = {}
        for question in (papers.group_by(order_return.c.order_id), lines.group_by(order_line.c.order_id)):
            found |= {order_id: at + self._span.shift for order_id, at in self._source.execute(question)}
        return found

    # ------------------------------------------------------------ permissions

    def _permissions(self) -> None:
        if not self._span.shift:
            self._facts(consent_event, "occurred_at")
            self._facts(suppression, "occurred_at")
            return
        start = self._span.start
        latest: dict[tuple[int, str], datetime] = defaultdict(lambda: datetime.min.replace(tzinfo=start.tzinfo))
        for rows in self._rows(consent_event, consent_event.c.state.in_(_NOES)):
            for row in rows:
                place = (row["profile_id"], row["channel"])
                latest[place] = max(latest[place], row["occurred_at"])
                row["occurred_at"] = row["recorded_at"] = min(row["occurred_at"], start)
            self._to.execute(insert(consent_event), rows)
        yeses = and_(consent_event.c.state.not_in(_NOES), consent_event.c.occurred_at < self._span.until)
        for rows in self._rows(consent_event, yeses):
            stand = [
                row
                for row in rows
                if row["occurred_at"] > max(latest[row["profile_id"], one] for one in (row["channel"], "all"))
            ]
            self._feed(consent_event, stand, [self._fed_at(row, "occurred_at") for row in stand])
        for rows in self._rows(suppression):
            for row in rows:
                row["occurred_at"] = row["recorded_at"] = min(row["occurred_at"], start)
            self._to.execute(insert(suppression), rows)

    # ------------------------------------------------------------ money

    def _money(self) -> None:
        before = self._before
        self._put(voucher, self._as_of_start(self._rows(voucher, voucher.c.valid_from < before)))
        mine = redemption.c.voucher_id.in_(select(voucher.c.id).where(voucher.c.valid_from < before))
        self._facts(redemption, "redeemed_at", mine)
        self._put(referral, self._rows(referral, referral.c.occurred_at < before))
        earlier = loyalty_entry.c.occurred_at < before
        self._put(loyalty_entry, self._rows(loyalty_entry, earlier))
        self._facts(loyalty_entry, "occurred_at", and_(~earlier, loyalty_entry.c.kind == "adjusted"))

    def _as_of_start(self, parts: Iterator[list[Row]]) -> Iterator[list[Row]]:
        for rows in parts:
            for row in rows:
                for name in ("published_at", "revoked_at", "withdrawn_at"):
                    if row[name] is not None and row[name] >= self._span.start:
                        row[name] = None
            yield rows

    # ------------------------------------------------------------ messages

    def _messages(self, journeys: Collection[str], outside: Collection[tuple[str, str]]) -> None:
        mine = message.c.journey.in_(journeys)
        counted = message.c.handed_over_at.between(self._before - BUDGET_MEMORY, self._before)
        free = or_(*(and_(message.c.journey == name, message.c.step == step) for name, step in outside))
        others = and_(counted, ~free) if outside else counted
        for rows in self._rows(message, and_(message.c.promised_at < self._before, or_(mine, others))):
            self._to.execute(insert(message), [self._at_start(row) for row in rows])

    def _at_start(self, row: Row) -> Row:
        start = self._span.start
        had_left = row["handed_over_at"] is not None and row["handed_over_at"] < start
        row |= {"run_id": None, "worker": None, "epoch": 0, "provider_id": None}
        if had_left and row["state"] == "handed_over":
            row["state"] = "uncertain"
        elif not had_left and (row["handed_over_at"] is not None or row["state"] in _PENDING):
            unjudged = ("reason", "channel", "connector", "template_version", "handed_over_at", "answered_at")
            row |= dict.fromkeys(unjudged) | {"state": "queued", "attempts": 0}
            row |= {"not_before": start, "promised_at": start}
        return row


def on_the_hour(at: datetime) -> datetime:
    """The next full hour, or `at` if it is one."""
    floor = at.replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(hours=1)
