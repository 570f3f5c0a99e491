"""What the shop must be told and asked: codes that are new, codes that were taken back, and which were used.

No transaction is open while the shop is asked. Each may be done again at any time, by several processes at once and
after any crash: publishing and withdrawing twice is doing it once, and a use is known by its order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, Engine, bindparam, or_, select, update

from segue.contract import ConnectorError, Key, OfferConnector, Outcome, Voucher
from segue.offers.ledger import COLUMNS, IS_REDEEMED, in_order, mark_published, offered
from segue.offers.redeem import RedemptionCount, record_redemptions
from segue.offers.refusals import Verb, keep_answer
from segue.store.engine import read, write
from segue.store.sql import listed
from segue.store.tables import voucher
from segue.store.types import UtcTime

_LOG = logging.getLogger(__name__)
_CHUNK = 1_000
_T = TypeVar("_T")
_CALLS: dict[Verb, str] = {
    "publish": "the codes were published",
    "withdraw": "the codes were withdrawn",
    "redemptions": "the redemptions could be read",
}
#: A process that read a code before it was taken back may tell the shop of it for so long.
_STILL_TELLING = timedelta(hours=1)

# Asked every few minutes: each has an index of its own, in this order.
_UNPUBLISHED = (
    select(*COLUMNS)
    .where(
        voucher.c.published_at.is_(None),
        voucher.c.valid_until > bindparam("now", type_=UtcTime),
        voucher.c.revoked_at.is_(None),
        ~IS_REDEEMED,
    )
    .order_by(voucher.c.valid_until, voucher.c.id)
)
_TO_WITHDRAW = (
    select(voucher.c.code)
    .where(
        voucher.c.revoked_at.is_not(None),
        voucher.c.withdrawn_at.is_(None),
        voucher.c.valid_until > bindparam("now", type_=UtcTime),
    )
    .order_by(voucher.c.valid_until, voucher.c.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was settled with the shop."""

    published: int = 0
    #: Codes the shop says are worth nothing any more.
    withdrawn: int = 0
    #: Live codes it does not know yet, and codes that were taken back and are not withdrawn: tried again next time.
    unfinished: int = 0
    redemptions: RedemptionCount = field(default_factory=RedemptionCount)


def publish(engine: Engine, vouchers: Sequence[Voucher], shop: OfferConnector, now: datetime) -> set[Key]:
    """Tell the shop of these codes; return the keys of those it knows now.

    A shop that breaks stops nobody: what it answered before counts, the rest is told again later.
    """
    answers = _answers(engine, shop, "publish", partial(shop.publish, vouchers), now)
    known = [result.key for result in answers if result.outcome is Outcome.ACCEPTED]
    if known:
        with write(engine) as connection:
            mark_published(connection, known, at=now)
    return set(known)


def settle(engine: Engine, shop: OfferConnector, now: datetime) -> Settled:
    """Tell and ask the shop everything that is open; safe at any time."""
    published, unpublished = publish_waiting(engine, shop, now)
    withdrawn, standing = withdraw(engine, shop, now)
    return Settled(
        published=published,
        withdrawn=withdrawn,
        unfinished=unpublished + standing,
        redemptions=read_redemptions(engine, shop, now),
    )


def publish_waiting(engine: Engine, shop: OfferConnector, now: datetime) -> tuple[int, int]:
    """Tell the shop of every live code it does not know yet; return how many it took, and how many wait still."""
    with read(engine) as connection:
        waiting = [offered(row).voucher for row in connection.execute(_UNPUBLISHED, {"now": now})]
    taken = sum(len(publish(engine, chunk, shop, now)) for chunk in _chunks(waiting))
    return taken, len(waiting) - taken


def withdraw(engine: Engine, shop: OfferConnector, now: datetime) -> tuple[int, int]:
    """Ask the shop to take out every code that was taken back; return how many it has, and how many stand still."""
    with read(engine) as connection:
        standing = connection.scalars(_TO_WITHDRAW, {"now": now}).all()
    gone = 0
    for chunk in _chunks(standing):
        taken = list(_answers(engine, shop, "withdraw", partial(shop.withdraw, chunk), now))
        if taken:
            with write(engine) as connection:
                gone += _mark_withdrawn(connection, taken, now)
    return gone, len(standing) - gone


def read_redemptions(engine: Engine, shop: OfferConnector, now: datetime) -> RedemptionCount:
    """Keep every use of a code that the shop tells of; what it told before an error counts."""
    count = RedemptionCount()
    told = _answers(engine, shop, "redemptions", shop.redemptions, now)
    while chunk := list(islice(told, _CHUNK)):
        with write(engine) as connection:
            count += record_redemptions(connection, chunk, source=shop.name, now=now)
    return count


def _answers(
    engine: Engine, shop: OfferConnector, verb: Verb, call: Callable[[], Iterator[_T]], now: datetime
) -> Iterator[_T]:
    """What the shop answers until it breaks: that stops no message without a code, and is asked again next time."""
    broke: Exception | None = None
    try:
        yield from call()
    except Exception as error:  # noqa: BLE001 - whatever it is, what came before it counts
        broke = error
        # A connector's own error says where to look and holds nobody's data; of any other only the kind is safe.
        why = str(error) if isinstance(error, ConnectorError) else type(error).__name__
        _LOG.warning("%s: not all of %s: %s", shop.name, _CALLS[verb], why)
    keep_answer(engine, shop.name, verb, broke, now)


def _mark_withdrawn(connection: Connection, codes: Sequence[str], now: datetime) -> int:
    """Remember that the shop took `codes` out, for good as far as nobody may still be telling it of them."""
    told = or_(voucher.c.published_at.is_not(None), voucher.c.revoked_at <= now - _STILL_TELLING)
    mine = select(voucher.c.id).where(listed(voucher.c.code, "codes"), voucher.c.revoked_at.is_not(None), told)
    taken = update(voucher).where(in_order(connection, mine), voucher.c.withdrawn_at.is_(None))
    return connection.execute(taken.values(withdrawn_at=now), {"codes": list(codes)}).rowcount


def _chunks(things: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (things[start : start + _CHUNK] for start in range(0, len(things), _CHUNK))
