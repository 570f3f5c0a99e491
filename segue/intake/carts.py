"""Carts, what happens to them, and whose they are.

A cart whose owner is unknown is remembered with the cookie it was filled under (an event of its own),
so that it finds its owner when the cookie does, in this file or a later one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, literal, select

from segue.intake import records as r
from segue.intake.changes import Seen
from segue.intake.report import Tally
from segue.store.bulk import ids_of, insert_new, rows_where, update_many
from segue.store.tables import cart, cart_event, event, identifier, order, variant

#: Name of the event that remembers the cookie of a cart nobody owns yet.
ANONYMOUS_CART = "Anonymous Cart Seen"
_COOKIE_OF = "cart_cookie:"


class Carts:
    """Carts of one import."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        #: What has a greater id was written by this import.
        self._floor = {table: connection.scalar(select(func.max(table.c.id))) or 0 for table in (cart, event)}
        self._waiting: list[tuple[r.CartEvent, int | None]] = []

    def write(self, facts: Iterable[r.CartEvent], owners: dict[int, int]) -> None:
        """Write cart events, making carts; those that only guess at a cart wait for the end of the file."""
        certain = []
        for fact in facts:
            if fact.otherwise is None:
                certain.append((fact, owners.get(id(fact))))
            else:
                self._waiting.append((fact, owners.get(id(fact))))
        self._write(certain)

    def _write(self, facts: Sequence[tuple[r.CartEvent, int | None]]) -> None:
        variants = ids_of(self._connection, variant, "sku", {fact.sku for fact, _ in facts if fact.sku is not None})
        usable = []
        for fact, owner in facts:
            if fact.sku is not None and fact.sku not in variants:
                self._tally.skip(fact.line, "unknown_variant")
            else:
                usable.append((fact, owner))
        carts = self.ensure([(fact.cart, fact, owner, fact.sales_channel) for fact, owner in usable])
        rows = {
            fact.dedupe: {
                "cart_id": carts[fact.cart],
                "kind": fact.kind,
                "variant_id": variants.get(fact.sku),
                "quantity": fact.quantity,
                "occurred_at": fact.occurred_at,
                "recorded_at": self._now,
                "dedupe": fact.dedupe,
            }
            for fact, _ in usable
        }
        new = insert_new(self._connection, cart_event, list(rows.values()), ["dedupe"])
        self._tally.count("cart_event", seen=len(usable), new=new)

    def ensure(self, wanted: Sequence[tuple[str, r.PersonFact, int | None, str]]) -> dict[str, int]:
        """Make missing carts and give those without an owner theirs; return ids by external id.

        `wanted` holds the cart, the fact that speaks of it, whose it is and on which sales channel.
        """
        seen = Seen(self._connection, cart, "external_id")
        held = seen.held(name for name, _, _, _ in wanted)
        owner_of: dict[str, int | None] = {name: row["profile_id"] for name, row in held.items()}
        missing: dict[str, dict[str, Any]] = {}
        cookies: dict[str, tuple[str, datetime]] = {}
        for name, fact, owner, channel in wanted:
            if name not in held and name not in missing:
                missing[name] = {"external_id": name, "sales_channel": channel, "recorded_at": self._now}
            current = owner_of.get(name)
            if current is None:
                owner_of[name] = owner
            elif owner is not None and owner != current:
                self._tally.warn(fact.line, "cart_of_another")
            cookie = dict(fact.names).get("cookie")
            if cookie is not None:
                cookies.setdefault(name, (cookie, getattr(fact, "occurred_at", self._now)))
        ids = seen.make({name: {**row, "profile_id": owner_of[name]} for name, row in missing.items()})
        self._tally.taken["cart"] += len(ids)
        ids |= {name: row["id"] for name, row in held.items()}
        found = [
            {"id": ids[name], "profile_id": owner_of[name]}
            for name, row in held.items()
            if row["profile_id"] is None and owner_of[name] is not None
        ]
        self._tally.updated["cart"] += update_many(self._connection, cart, found)
        self._remember(cookies, owner_of)
        return ids

    def _remember(self, cookies: dict[str, tuple[str, datetime]], owner_of: dict[str, int | None]) -> None:
        rows = [
            {
                "dedupe": f"{_COOKIE_OF}{name}",
                "profile_id": None,
                "name": ANONYMOUS_CART,
                "properties": {"cookie": cookie},
                "occurred_at": at,
                "recorded_at": self._now,
            }
            for name, (cookie, at) in cookies.items()
            if owner_of[name] is None
        ]
        insert_new(self._connection, event, rows, ["dedupe"])

    def settle(self) -> list[tuple[r.Event, int | None]]:
        """Write the waiting facts whose cart is known by now; return what the others become instead."""
        known = self.known({fact.cart for fact, _ in self._waiting})
        self._write([(fact, owner) for fact, owner in self._waiting if fact.cart in known])
        others = [
            (fact.otherwise, owner)
            for fact, owner in self._waiting
            if fact.otherwise is not None and fact.cart not in known
        ]
        self._waiting.clear()
        return others

    def known(self, external_ids: Collection[str]) -> dict[str, int]:
        """Return the ids of the carts that exist."""
        return ids_of(self._connection, cart, "external_id", external_ids)

    def drop_empty(self) -> None:
        """Take back carts that only a rejected row spoke of, with the memory of their cookies."""
        heard_of = exists().where(cart_event.c.cart_id == cart.c.id)
        gone = self._connection.execute(delete(cart).where(cart.c.id > self._floor[cart], ~heard_of)).rowcount
        self._tally.taken["cart"] -= gone
        if gone:
            kept = select(literal(_COOKIE_OF).concat(cart.c.external_id))  # never null, so NOT IN is safe and hashed
            fresh = event.c.id > self._floor[event]
            self._connection.execute(
                delete(event).where(fresh, event.c.name == ANONYMOUS_CART, event.c.dedupe.not_in(kept))
            )

    def find_owners(self) -> set[int]:
        """Give anonymous carts, and the orders made of them, to whom their cookie belongs; return those orders."""
        cookie = event.c.properties["cookie"].as_string()
        statement = (
            select(cart.c.id, identifier.c.profile_id)
            .join(event, event.c.dedupe == literal(_COOKIE_OF).concat(cart.c.external_id))
            .join(
                identifier, (identifier.c.kind == "cookie") & identifier.c.identifies & (identifier.c.value == cookie)
            )
            .where(cart.c.profile_id.is_(None))
        )
        owners = {row[0]: row[1] for row in self._connection.execute(statement)}
        self._tally.updated["cart"] += update_many(
            self._connection, cart, [{"id": cart_id, "profile_id": owner} for cart_id, owner in owners.items()]
        )
        orphans = select(order.c.id, order.c.cart_id).where(order.c.profile_id.is_(None))
        orders = [
            {"id": order_id, "profile_id": owners[cart_id]}
            for order_id, cart_id in rows_where(self._connection, orphans, order.c.cart_id, owners)
        ]
        self._tally.updated["order"] += update_many(self._connection, order, orders)
        return {row["id"] for row in orders}
