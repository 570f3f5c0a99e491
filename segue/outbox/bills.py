"""What handing over costs: asked of the connector before a window leaves, and kept with each message."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from segue.contract import Channel, Cost, Message, MessageConnector, PricedConnector, SmsContent
from segue.outbox.compose import Ready

_LOG = logging.getLogger(__name__)


class Bill(NamedTuple):
    """One message's billed parts and cost; None where it has none, or nobody knows."""

    segments: int | None
    micros: int | None
    currency: str | None


_SQLITE = """
UPDATE message SET segments = b.value ->> 1, cost_micros = b.value ->> 2, cost_currency = b.value ->> 3
FROM json_each(:bills) AS b WHERE message.id = b.value ->> 0
"""
_POSTGRESQL = """
UPDATE message SET segments = b.segments, cost_micros = b.micros, cost_currency = b.currency
FROM unnest(%(ids)s::bigint[], %(segments)s::smallint[], %(micros)s::bigint[], %(currencies)s::text[])
  AS b(id, segments, micros, currency)
WHERE message.id = b.id
"""


def bills_of(batch: Sequence[Ready], connector: MessageConnector) -> dict[int, Bill]:
    """The bill of each message of `batch` that has one, by message id."""
    priced = connector if isinstance(connector, PricedConnector) else None
    if priced is None and batch and batch[0].message.channel is not Channel.SMS:
        return {}
    bills = {}
    for ready in batch:
        content = ready.message.content
        cost = cost_of(priced, ready.message)
        segments = content.segments if isinstance(content, SmsContent) else None
        if segments is not None or cost is not None:
            micros, currency = (None, None) if cost is None else (cost.micros, cost.currency)
            bills[ready.message_id] = Bill(segments, micros, currency)
    return bills


def cost_of(priced: PricedConnector | None, message: Message) -> Cost | None:
    """What `message` costs; a connector that fails to say so stops nothing."""
    if priced is None:
        return None
    try:
        return priced.cost(message)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's price list trips over
        _LOG.error("a connector broke while it looked up a price (%s)", type(error).__name__)
        return None


def store_bills(connection: Connection, bills: Mapping[int, Bill]) -> None:
    """Write `bills` onto rows that were just marked."""
    if not bills:
        return
    if connection.dialect.name == "sqlite":
        listed = json.dumps([(message_id, *bill) for message_id, bill in bills.items()])
        connection.exec_driver_sql(_SQLITE, {"bills": listed})
        return
    segments, micros, currencies = zip(*bills.values(), strict=True)
    connection.exec_driver_sql(
        _POSTGRESQL,
        {"ids": list(bills), "segments": list(segments), "micros": list(micros), "currencies": list(currencies)},
    )
