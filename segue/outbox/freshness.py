"""Has anything that may forbid a message been recorded since we judged?

The tables of facts only grow, so their highest ids are a watermark. The transaction that marks messages handed
over compares it; a consent, an opt-out, an order, a cart or a stock count that came in meanwhile means judging again.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from segue.store.tables import cart_event, consent_event, order, stock_event, suppression

_FACTS = (consent_event, suppression, order, cart_event, stock_event)
_WATERMARK = select(*[select(func.max(table.c.id)).scalar_subquery() for table in _FACTS])

Watermark = tuple[int | None, ...]


def watermark(connection: Connection) -> Watermark:
    """The highest id of each table of facts."""
    return tuple(connection.execute(_WATERMARK).one())
