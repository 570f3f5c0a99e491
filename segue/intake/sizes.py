"""Whose sizes an import may have changed: everybody about whom it brought a fact that speaks of sizes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, func, select

from segue.journeys.size_evidence import VIEW, sku_viewed
from segue.journeys.size_search import SEARCHES
from segue.journeys.sizes import refresh_sizes
from segue.store.bulk import rows_where
from segue.store.engine import read, write
from segue.store.locks import lock_intake
from segue.store.tables import (
    cart,
    cart_event,
    event,
    identifier,
    order,
    order_line,
    order_return,
    profile_size,
    variant,
)

#: Names of the events that speak of sizes, lower-cased.
SPEAKING = (VIEW, *SEARCHES)
#: Nobody's sizes are older than this many days; by then a weight has faded by less than a hundredth.
_ROUND = 7
#: How many people are counted in one transaction: an import waits for it.
_AT_A_TIME = 5_000


def age_sizes(engine: Engine, now: datetime) -> int:
    """Count anew the sizes of a seventh of all who have any, another one each day of `now` (UTC); return how many.

    Facts refresh sizes by themselves; this is for those of whom nothing new is heard. Safe beside imports.
    """
    part = now.astimezone(UTC).date().toordinal() % _ROUND
    whose = profile_size.c.profile_id
    with read(engine) as connection:
        people = list(connection.scalars(select(whose).where(whose % _ROUND == part).distinct().order_by(whose)))
    for start in range(0, len(people), _AT_A_TIME):
        with write(engine) as connection:
            lock_intake(connection)
            refresh_sizes(connection, people[start : start + _AT_A_TIME], now)
    return len(people)


class Sizes:
    """The sizes of one import. Made before anything is written, asked for once everything is."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        #: What has a greater id was written by this import.
        self._floor = {
            table: connection.scalar(select(func.max(table.c.id))) or 0
            for table in (cart_event, event, identifier, order_return, variant)
        }

    def finish(self, orders: Collection[int], products: Collection[int] = (), variants: Collection[int] = ()) -> None:
        """Refresh everybody with new facts, with one of these changed orders, or with anything of what was relabelled.

        `products` and `variants` are those known before whose category, size system or size is another one now.
        """
        people = {owner for question in self._news() for owner in self._connection.scalars(question)}
        people.update(row[0] for row in rows_where(self._connection, _OWNERS, order.c.id, orders))
        people |= self._wearers(products, variants)
        refresh_sizes(self._connection, people, self._now)

    def _news(self) -> list[Select[tuple[int]]]:
        """Whom this import's carts, returns and events are about; a claimed cookie may bring older carts."""
        return [
            _cart_owners().where(self._fresh(cart_event)),
            _return_owners().where(self._fresh(order_return)),
            _distinct(event.c.profile_id).where(self._fresh(event), func.lower(event.c.name).in_(SPEAKING)),
            _distinct(identifier.c.profile_id).where(self._fresh(identifier), identifier.c.kind == "cookie"),
        ]

    def _fresh(self, table: Table) -> ColumnElement[bool]:
        return table.c.id > self._floor[table]

    def _wearers(self, products: Collection[int], variants: Collection[int]) -> set[int]:
        """Who ever had to do with these; read from whole tables, since a catalogue seldom changes its sizes."""
        ids = set(variants)
        ids.update(row[0] for row in rows_where(self._connection, select(variant.c.id), variant.c.product_id, products))
        in_order = _OWNERS.join(order_line, order_line.c.order_id == order.c.id).distinct()
        found = {
            *self._owners(in_order, order_line.c.variant_id, ids),
            *self._owners(_cart_owners(), cart_event.c.variant_id, ids),
            *self._owners(_return_owners(), order_return.c.variant_id, ids),
        }
        # A view of a variant, or a search for it, may be older than what we know of it.
        ids.update(
            self._connection.scalars(select(variant.c.id).where(self._fresh(variant), variant.c.size.is_not(None)))
        )
        if ids:
            viewed = _distinct(event.c.profile_id).join(variant, variant.c.sku == sku_viewed())
            found |= self._owners(viewed.where(func.lower(event.c.name) == VIEW), variant.c.id, ids)
            searched = _distinct(event.c.profile_id).where(func.lower(event.c.name).in_(SEARCHES))
            found.update(self._connection.scalars(searched))
        return found

    def _owners(self, question: Select[tuple[int]], column: ColumnElement[int], ids: Collection[int]) -> set[int]:
        return {row[0] for row in rows_where(self._connection, question, column, ids)}


_OWNERS = select(order.c.profile_id).where(order.c.profile_id.is_not(None))


def _distinct(owner: ColumnElement[int]) -> Select[tuple[int]]:
    return select(owner).where(owner.is_not(None)).distinct()


def _cart_owners() -> Select[tuple[int]]:
    return _distinct(cart.c.profile_id).join(cart_event, cart_event.c.cart_id == cart.c.id)


def _return_owners() -> Select[tuple[int]]:
    owner = func.coalesce(order.c.profile_id, order_return.c.profile_id)
    return _distinct(owner).select_from(order_return.outerjoin(order, order.c.id == order_return.c.order_id))
