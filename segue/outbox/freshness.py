"""Whether anything that may forbid a message was recorded since we judged.

The tables of facts only grow, so their highest ids are a watermark. The transaction that marks messages handed
over compares it; a consent, an opt-out, an order, a cart or a stock count that came in meanwhile means judging again.

PostgreSQL gives out ids before it commits, so a fact may become visible below an id that was seen. Such a fact's
transaction was open when we judged: one that has ended since means judging again, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from segue.store.tables import cart_event, consent_event, order, stock_event, suppression

_FACTS = (consent_event, suppression, order, cart_event, stock_event)
_NEWEST = select(*[select(func.max(table.c.id)).scalar_subquery() for table in _FACTS])
#: Whoever writes to a table holds this lock on it until the end of the transaction.
_WRITING = text("""
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = ANY (CAST(:tables AS regclass[]))
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""").bindparams(bindparam("tables", [f'"{table.name}"' for table in _FACTS], ARRAY(Text)))


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far the facts had come when somebody looked."""

    #: The highest id of each table of facts.
    newest: tuple[int | None, ...]
    #: Transactions that were writing facts; always empty on SQLite, which has one writer at a time.
    writing: frozenset[str]

    def is_current(self, later: Watermark) -> bool:
        """Tell whether nothing was recorded between this look and a later one."""
        return self.newest == later.newest and self.writing <= later.writing


def watermark(connection: Connection) -> Watermark:
    """Look how far the facts have come."""
    # Who writes is asked first: one that ends before the second question shows in its answer.
    writing = frozenset(connection.scalars(_WRITING)) if connection.dialect.name == "postgresql" else frozenset()
    return Watermark(tuple(connection.execute(_NEWEST).one()), writing)
