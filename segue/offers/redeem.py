"""Redeeming: every use of a code that anybody told us of is kept, and one of them counts.

An order tells it by its discount code, an offer connector by the order's id or number; one order is one use, whoever
tells it first. Till and shop may both have a receipt 1001, so a number tells an order only near its time. What the
shop took, it took: a use counts after the code ran out or was taken back, whoever used it, and even if the order is
cancelled later.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from segue.contract import Redemption
from segue.offers.ledger import lock_owners
from segue.store.bulk import insert_new, rows_where, update_many
from segue.store.tables import order, redemption, voucher

_SOURCE = "order"
#: How several codes stand in one cell.
_BETWEEN = re.compile(r"[,+\s]+")
#: An order's id as an address, of which only the end tells the order.
_ADDRESS = re.compile(r"^gid://[^/]*/[^/]*/", re.IGNORECASE)
#: How far apart at most two tell the time of one order that they know by its number.
_ONE_ORDER = timedelta(days=2)
_VOUCHERS = select(voucher.c.id, voucher.c.code, voucher.c.valid_until, voucher.c.revoked_at).order_by(voucher.c.id)
_ORDERS = select(order.c.id, order.c.external_id, order.c.number, order.c.discount_code, order.c.occurred_at)
_KNOWN = select(
    redemption.c.id,
    redemption.c.voucher_id,
    redemption.c.order_ref,
    redemption.c.source,
    redemption.c.counts,
    redemption.c.redeemed_at,
    order.c.external_id,
    order.c.number,
).join_from(redemption, order, order.c.external_id == redemption.c.order_ref, isouter=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionCount:
    """What was told of codes used, and what of it was news."""

    #: Uses of codes that are ours.
    seen: int = 0
    #: Of those, uses nobody had told of before.
    new: int = 0
    #: Of the new ones, further uses of a code: kept, and counted for nothing.
    again: int = 0
    #: Of the new ones, uses after the code had run out or was taken back.
    late: int = 0
    #: Uses of codes that are not ours.
    unknown: int = 0

    def __add__(self, other: RedemptionCount) -> RedemptionCount:
        """Both together."""
        seen, new, again, late, unknown = (a + b for a, b in zip(astuple(self), astuple(other), strict=True))
        return RedemptionCount(seen=seen, new=new, again=again, late=late, unknown=unknown)


class _Use(NamedTuple):
    """One code used in one order."""

    code: str
    order_ref: str
    #: The order's number as people write it; of a use that no order of ours told, its reference.
    number: str
    #: Whether an order of ours told it.
    is_order: bool
    redeemed_at: datetime


class _Uses:
    """The uses of one code, found by the order's id or by its number near its time."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._numbers: defaultdict[str, list[_Use]] = defaultdict(list)

    def add(self, use: _Use) -> None:
        """Remember a use."""
        self._ids.add(_plain(use.order_ref))
        self._numbers[_bare(use.number)].append(use)

    def __contains__(self, use: _Use) -> bool:
        """Whether somebody told of this use before."""
        near = self._numbers.get(_bare(use.number), ())
        return _plain(use.order_ref) in self._ids or any(_is_one(use, other) for other in near)


def redeem_orders(connection: Connection, now: datetime, changed: Collection[int] | None = None) -> RedemptionCount:
    """Redeem the codes that orders name; what is known already changes nothing.

    `changed` are the ids of orders that an import changed at `now`: then only those are read and the ones it recorded;
    None reads all there are. Where there are no vouchers nothing is read.
    """
    if connection.scalar(select(voucher.c.id).limit(1)) is None:
        return RedemptionCount()
    if changed is None:
        rows = _naming(connection)
    else:
        # Ids only grow, so what this import recorded lies above everything recorded before; ask before reading on.
        newest = select(order.c.id).where(order.c.recorded_at < now).order_by(order.c.id.desc()).limit(1)
        fresh = _ORDERS.where(order.c.id > (connection.scalar(newest) or 0), order.c.discount_code.is_not(None))
        again = _ORDERS.where(order.c.discount_code.is_not(None))
        found = [*connection.execute(fresh), *rows_where(connection, again, order.c.id, changed)]
        rows = list({row.id: row for row in found}.values())
    ours = _vouchers(connection, {code for row in rows for code in codes_in(row.discount_code)})
    uses = [
        _Use(code, row.external_id, row.number or row.external_id, is_order=True, redeemed_at=row.occurred_at)
        for row in rows
        for code in codes_in(row.discount_code)
        if code in ours
    ]
    return _record(connection, uses, ours, _SOURCE, now)


def _naming(connection: Connection) -> list[Row[Any]]:
    """All orders that name a code of ours; each distinct cell is read once, by its index."""
    cells: defaultdict[str, set[str]] = defaultdict(set)
    named = select(order.c.discount_code).where(order.c.discount_code.is_not(None)).distinct()
    for cell in connection.scalars(named):
        for code in codes_in(cell):
            cells[code].add(cell)
    wanted = {cell for code in _vouchers(connection, cells) for cell in cells[code]}
    return list(rows_where(connection, _ORDERS, order.c.discount_code, wanted))


def record_redemptions(
    connection: Connection, told: Iterable[Redemption], *, source: str, now: datetime
) -> RedemptionCount:
    """Redeem what the offer connector `source` says was used; what is known already changes nothing."""
    uses = [
        _Use(one.code.strip().upper(), ref := one.order_id.strip(), ref, is_order=False, redeemed_at=one.redeemed_at)
        for one in told
    ]
    ours = _vouchers(connection, {use.code for use in uses})
    mine = [use for use in uses if use.code in ours]
    return _record(connection, mine, ours, source, now) + RedemptionCount(unknown=len(uses) - len(mine))


def codes_in(cell: str) -> list[str]:
    """The codes of a discount cell, upper-case and each once: `k7qmx-2xhda, SHIP+VIP` holds three."""
    return list(dict.fromkeys(code for code in _BETWEEN.split(cell.upper()) if code))


def _vouchers(connection: Connection, codes: Iterable[str]) -> dict[str, Row[Any]]:
    return {row.code: row for row in rows_where(connection, _VOUCHERS, voucher.c.code, sorted(codes))}


def _record(
    connection: Connection, uses: Sequence[_Use], ours: Mapping[str, Row[Any]], source: str, now: datetime
) -> RedemptionCount:
    """Write what is new of `uses`; the first one recorded counts, and of those told at once the earliest."""
    if not uses:
        return RedemptionCount()
    # From here on nobody else redeems these, so that two tills at one instant come one after the other.
    lock_owners(connection, ours.keys())
    known: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows_where(connection, _KNOWN, redemption.c.voucher_id, {one.id for one in ours.values()}):
        known[row.voucher_id].append(row)
    told: defaultdict[int, _Uses] = defaultdict(_Uses)
    for voucher_id, rows in known.items():
        for row in rows:
            told[voucher_id].add(_known_use(row))
    counted = {voucher_id for voucher_id, rows in known.items() if any(row.counts for row in rows)}
    fresh: list[dict[str, Any]] = []
    renamed: dict[int, str] = {}
    late = 0
    for use in sorted(uses, key=lambda one: (one.redeemed_at, one.order_ref)):
        promised = ours[use.code]
        mine = told[promised.id]
        if use in mine:
            if source == _SOURCE:
                renamed |= _renamed(use, known[promised.id])
            continue
        mine.add(use)
        fresh.append(
            {
                "voucher_id": promised.id,
                "order_ref": use.order_ref,
                "source": source,
                "counts": promised.id not in counted,
                "redeemed_at": use.redeemed_at,
                "recorded_at": now,
            }
        )
        counted.add(promised.id)
        is_back = promised.revoked_at is not None and use.redeemed_at >= promised.revoked_at
        late += use.redeemed_at >= promised.valid_until or is_back
    # Only its own name may be a conflict: two that count would be an error, and are to be one.
    insert_new(connection, redemption, fresh, ["voucher_id", "order_ref"])
    update_many(connection, redemption, [{"id": row_id, "order_ref": ref} for row_id, ref in renamed.items()])
    again = sum(not row["counts"] for row in fresh)
    return RedemptionCount(seen=len(uses), new=len(fresh), again=again, late=late)


def _renamed(use: _Use, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """The use that was told by the order's number gets the order's own id, under which we know the order."""
    if any(row.order_ref == use.order_ref for row in rows):
        return {}
    for row in rows:
        other = _known_use(row)
        if not other.is_order and (_plain(row.order_ref) == _plain(use.order_ref) or _is_one(use, other)):
            return {row.id: use.order_ref}
    return {}


def _known_use(row: Row[Any]) -> _Use:
    is_order = row.source == _SOURCE or row.external_id is not None
    return _Use("", row.order_ref, row.number or row.order_ref, is_order=is_order, redeemed_at=row.redeemed_at)


def _is_one(use: _Use, other: _Use) -> bool:
    """Whether both are one order by its number, one of them at least told by an order of ours."""
    is_near = abs(use.redeemed_at - other.redeemed_at) <= _ONE_ORDER
    return is_near and (use.is_order or other.is_order) and _bare(use.number) == _bare(other.number)


def _plain(name: str) -> str:
    """`gid://shopify/Order/17` and `17` are one order's id; `NYC/17` and `LA/17` are two."""
    return _ADDRESS.sub("", name.strip()).casefold()


def _bare(number: str) -> str:
    """`#1001` and `1001` are one number."""
    return _plain(number).removeprefix("#")
