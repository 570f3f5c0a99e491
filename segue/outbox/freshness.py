"""Whose facts have changed since we judged.

The tables of facts only grow, so their highest ids are a watermark: if it stands still, nothing was recorded and
everybody judged may leave. If it moved, only the people whose own consents, opt-outs, orders, carts or codes were
touched are judged again; the others of the window leave, or a busy shop would never send anything. Stock is counted
with the next judgement, seconds later (`judgement_max_age`).

PostgreSQL gives out ids before it commits, so a fact may become visible below an id that was seen. There the look
remembers its snapshot, and a row is news if its transaction was not yet visible in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from segue.store.sql import among
from segue.store.tables import cart, cart_event, consent_event, order, redemption, stock_event, suppression, voucher

_FACTS = (consent_event, suppression, order, cart_event, stock_event, redemption)
_NEWEST = select(*[select(func.max(table.c.id)).scalar_subquery() for table in _FACTS])
#: Whoever writes to a table holds this lock on it until the end of the transaction.
_WRITING = text("""
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = ANY (CAST(:tables AS regclass[]))
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""").bindparams(bindparam("tables", [f'"{table.name}"' for table in _FACTS], ARRAY(Text)))


_SNAPSHOT = text("SELECT pg_current_snapshot()::text")


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far the facts had come when somebody looked."""

    #: The highest id of each table of facts.
    newest: tuple[int | None, ...]
    #: Transactions that were writing facts; always empty on SQLite, which has one writer at a time.
    writing: frozenset[str]
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
    return Watermark(newest, frozenset(connection.scalars(_WRITING)), snapshot)


def touched(
    connection: Connection, since: Watermark, people: Collection[int], addresses: Collection[str]
) -> tuple[set[int], set[str]]:
    """Who of `people` and which of `addresses` (by keyed hash) have a fact that `since` did not see."""
    seen = dict(zip((table.name for table in _FACTS), since.newest, strict=True))
    questions = [
        (consent_event, select(consent_event.c.profile_id), consent_event.c.profile_id),
        (order, select(order.c.profile_id), order.c.profile_id),
        (cart_event, select(cart.c.profile_id).join(cart_event, cart_event.c.cart_id == cart.c.id), cart.c.profile_id),
        # Her code may have been used by somebody else; the message must not name it any more.
        (
            redemption,
            select(voucher.c.profile_id).join(redemption, redemption.c.voucher_id == voucher.c.id),
            voucher.c.profile_id,
        ),
    ]
    found: set[int] = set()
    for table, question, person in questions:
        found |= set(_news(connection, table, question.where(among(connection, person, people)), since, seen))
    silenced = select(suppression.c.address_hash).where(among(connection, suppression.c.address_hash, addresses))
    return found, set(_news(connection, suppression, silenced, since, seen))


def _news(
    connection: Connection, table: Table, question: Select[Any], since: Watermark, seen: Mapping[str, int | None]
) -> Iterator[Any]:
    """The first column of the rows of `table` that `since` did not see."""
    if connection.dialect.name == "sqlite":
        yield from connection.scalars(question.where(table.c.id > (seen[table.name] or 0)))
        return
    writer = literal_column(f'"{table.name}".xmin::text', Text)
    for value, transaction in connection.execute(question.add_columns(writer)):
        if not _was_visible(int(transaction), since.snapshot):
            yield value


def _was_visible(transaction: int, snapshot: str) -> bool:
    """Whether a row's 32-bit transaction id had committed in `snapshot` (whose ids have 64 bits)."""
    lowest, ended, running = snapshot.split(":")
    age = (int(ended) - transaction) & 0xFFFFFFFF  # how long before the snapshot's end it began, modulo 2**32
    if age == 0 or age > 0x7FFFFFFF:
        return False
    whole = int(ended) - age
    return whole < int(lowest) or str(whole) not in running.split(",")
