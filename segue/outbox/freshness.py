"""Whose facts have changed since we judged.

The tables of facts grow, so their highest ids are a watermark: if it stands still, nothing was recorded and
everybody judged may leave. If it moved, only the people are judged again about whom one of the tables that moved has
news; the others of the window leave, or a busy shop would never send anything. It covers every table of facts that a
judgement reads: consents and opt-outs, what journeys and segments ask of orders, parcels, returns, carts, codes,
points, referrals, events and touchpoints, and clicks that providers tell of. Whoever changes an order, its lines or a
code where it stands (cancelled, paid, returned, revoked) says so with a row in `change`, by the person. Stock is
counted with the next judgement, seconds later (`judgement_max_age`).

PostgreSQL gives out ids before it commits, so a fact may become visible below an id that was seen. There the look
remembers its snapshot and who was writing to which table. Where one of these has ended, a row is news if its
transaction was not yet visible in the snapshot; else, as on SQLite, whatever has a higher id is news.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from segue.store.sql import among
from segue.store.tables import (
    cart,
    cart_event,
    change,
    consent_event,
    delivery_event,
    event,
    fulfilment,
    identifier,
    loyalty_entry,
    message,
    order,
    order_return,
    redemption,
    referral,
    stock_event,
    suppression,
    touchpoint,
    voucher,
)

#: Whom a row of each table of facts is about; two are about no person, but a thing and an address.
_WHOSE: dict[Table, Select[Any]] = {
    consent_event: select(consent_event.c.profile_id),
    change: select(change.c.profile_id),
    order: select(order.c.profile_id),
    fulfilment: select(order.c.profile_id).join(fulfilment, fulfilment.c.order_id == order.c.id),
    order_return: select(order.c.profile_id).join(order_return, order_return.c.order_id == order.c.id),
    cart_event: select(cart.c.profile_id).join(cart_event, cart_event.c.cart_id == cart.c.id),
    # Her code may have been used by somebody else; the message must not name it any more.
    redemption: select(voucher.c.profile_id).join(redemption, redemption.c.voucher_id == voucher.c.id),
    loyalty_entry: select(loyalty_entry.c.profile_id),
    referral: select(referral.c.profile_id),
    event: select(event.c.profile_id),
    touchpoint: select(touchpoint.c.profile_id),
    # Of what a provider tells, only clicks are asked for by anybody.
    delivery_event: select(message.c.profile_id)
    .join(delivery_event, delivery_event.c.message_id == message.c.id)
    .where(delivery_event.c.kind == "clicked"),
}
_FACTS = (*_WHOSE, stock_event, suppression)
_NEWEST = select(*[select(func.max(table.c.id)).scalar_subquery() for table in _FACTS])
#: Whoever writes to a table holds this lock on it until the end of the transaction.
_WRITING = text("""
SELECT DISTINCT virtualtransaction, relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = ANY (CAST(:tables AS regclass[]))
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""").bindparams(bindparam("tables", [f'"{table.name}"' for table in _FACTS], ARRAY(Text)))
_SNAPSHOT = text("SELECT pg_current_snapshot()::text")


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far the facts had come when somebody looked."""

    #: The highest id of each table of facts.
    newest: tuple[int | None, ...]
    #: Transactions that were writing facts, each with a table; always empty on SQLite, which has one writer at a time.
    writing: frozenset[tuple[str, str]]
    #: PostgreSQL's snapshot `xmin:xmax:running`; empty on SQLite.
    snapshot: str = ""

    def is_current(self, later: Watermark) -> bool:
        """Tell whether nothing was recorded between this look and a later one."""
        return self.newest == later.newest and self.writing <= later.writing


def watermark(connection: Connection) -> Watermark:
    """Look how far the facts have come; ask before reading them."""
    if connection.dialect.name == "sqlite":
        return Watermark(tuple(connection.execute(_NEWEST).one()), frozenset())
    # In this order: whoever begins to write after the first question gets a higher id than any it answers.
    snapshot = str(connection.scalar(_SNAPSHOT))
    newest = tuple(connection.execute(_NEWEST).one())
    return Watermark(newest, frozenset(connection.execute(_WRITING).tuples()), snapshot)


def touched(
    connection: Connection,
    since: Watermark,
    later: Watermark,
    people: Collection[int],
    hashed: Callable[[str], str],
) -> set[int]:
    """Who of `people` has a fact that `since` did not see, or an address (by its keyed hash) that was silenced.

    `later` is a look made just now. Only tables that moved between the two are asked.
    """
    ended = {name for _, name in since.writing - later.writing}
    found: set[int] = set()
    for table, seen, now in zip(_FACTS, since.newest, later.newest, strict=True):
        if seen == now and table.name not in ended:
            continue
        news = _News(connection, table, seen or 0, since.snapshot if table.name in ended else "")
        if table is suppression:
            found |= _silenced(news, people, hashed)
        elif table in _WHOSE:
            question = _WHOSE[table]
            person = question.selected_columns[0]
            found.update(news.of(question.where(among(connection, person, people))))
    return found


def _silenced(news: _News, people: Collection[int], hashed: Callable[[str], str]) -> set[int]:
    """Whoever has an address with a new suppression: a no that she gave by any of them is hers."""
    name = identifier.c
    rows = news.connection.execute(
        select(name.profile_id, name.value).where(
            among(news.connection, name.profile_id, people), name.kind.in_(("email", "phone"))
        )
    ).all()
    digests = {value: hashed(value) for _, value in rows}
    told = select(suppression.c.address_hash).where(
        among(news.connection, suppression.c.address_hash, list(set(digests.values())))
    )
    silenced = set(news.of(told))
    return {person for person, value in rows if digests[value] in silenced}


@dataclass(frozen=True, slots=True)
class _News:
    """What a look did not see of a table."""

    connection: Connection
    table: Table
    #: The highest id it saw.
    seen: int
    #: Its snapshot, where somebody who was writing at that time has ended since; else empty.
    snapshot: str

    def of(self, question: Select[Any]) -> Iterator[Any]:
        """The first column of the question's rows that are news."""
        if not self.snapshot:
            yield from self.connection.scalars(question.where(self.table.c.id > self.seen))
            return
        writer = literal_column(f'"{self.table.name}".xmin::text', Text)
        for value, transaction in self.connection.execute(question.add_columns(writer)):
            if not _was_visible(int(transaction), self.snapshot):
                yield value


def _was_visible(transaction: int, snapshot: str) -> bool:
    """Whether a row's 32-bit transaction id had committed in `snapshot` (whose ids have 64 bits)."""
    lowest, ended, running = snapshot.split(":")
    age = (int(ended) - transaction) & 0xFFFFFFFF  # how long before the snapshot's end it began, modulo 2**32
    if age == 0 or age > 0x7FFFFFFF:
        return False
    whole = int(ended) - age
    return whole < int(lowest) or str(whole) not in running.split(",")
