"""The loader: takes facts from either door and writes them in chunks, inside one transaction a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from segue.intake import records as r
from segue.intake.carts import Carts
from segue.intake.deliveries import write_deliveries
from segue.intake.line_names import LineNames
from segue.intake.orders import Orders
from segue.intake.people import People
from segue.intake.permissions import silenced, write_consents, write_suppressions
from segue.intake.relations import Relations
from segue.intake.report import Tally
from segue.intake.shop import Shop
from segue.intake.sizes import Sizes
from segue.intake.stock import StockLevels
from segue.intake.talk import Delivery, Reply, Touchpoint
from segue.intake.text_replies import write_replies
from segue.intake.touchpoints import brought_by, write_touchpoints
from segue.offers import redeem_orders
from segue.store.bulk import insert_new
from segue.store.locks import lock_intake
from segue.store.tables import event

#: Facts written at once; a chunk is what is held in memory.
CHUNK = 20_000
#: Kinds of facts that name a variant with all they know of it.
_SPEAKING = frozenset({r.Variant, r.OrderLine, r.Return})
#: From this many rows on the database's statistics are worth refreshing.
_BULK = 10_000


class Loader:
    """Writes facts; whoever made the connection commits or rolls back."""

    def __init__(
        self,
        connection: Connection,
        tally: Tally,
        now: datetime,
        spoilt: Collection[str] = (),
        *,
        hash_address: Callable[[str], str] | None = None,
    ) -> None:
        lock_intake(connection)
        self._connection = connection
        self._tally = tally
        self._now = now
        self._hash_address = hash_address
        self._facts: list[r.Fact] = []
        self._sizes = Sizes(connection, now)
        self._people = People(connection, tally, now)
        self._shop = Shop(connection, tally, now)
        self._relations = Relations(connection, tally, now, self._shop)
        self._names = LineNames(connection, tally, now)
        self._stock = StockLevels(connection, tally, now, self._shop)
        self._carts = Carts(connection, tally, now)
        self._orders = Orders(connection, tally, now, self._carts, self._shop, spoilt)

    def add(self, fact: r.Fact) -> None:
        """Take one fact."""
        self._facts.append(fact)
        if len(self._facts) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        """Write the chunk: things before what happens to them, people in the order of the file."""
        self._facts = self._names.translated(self._facts)
        by_kind: defaultdict[type, list[Any]] = defaultdict(list)
        for fact in self._facts:
            by_kind[type(fact)].append(fact)
        self._shop.write_products(by_kind[r.Product])
        if not _SPEAKING.isdisjoint(by_kind):
            # One place in the file's order for catalogue rows and for what order lines say in passing.
            self._shop.write_variants(
                fact if isinstance(fact, r.Variant) else fact.variant
                for fact in self._facts
                if isinstance(fact, (r.OrderLine, r.Variant, r.Return))
            )
        self._shop.write_locations(by_kind[r.Location])
        self._shop.write_discounts(by_kind[r.Discount])
        self._shop.write_listings(by_kind[r.Listing])
        self._relations.write(by_kind[r.Relation])
        self._stock.write(by_kind[r.Stock])
        owners = self._people.owners(fact for fact in self._facts if isinstance(fact, r.PersonFact))
        brought = brought_by(self._connection, [*by_kind[Touchpoint], *by_kind[r.Consent]], self._tally)
        owners = brought.owners | owners
        write_consents(self._connection, by_kind[r.Consent], owners, self._now, self._tally)
        noes = by_kind[r.Suppression]
        if self._hash_address is not None:
            noes = noes + silenced(self._connection, by_kind[r.Consent], owners, self._hash_address)
        write_suppressions(self._connection, noes, self._now, self._tally)
        self._carts.write(by_kind[r.CartEvent], owners)
        self._orders.write([fact for fact in self._facts if isinstance(fact, (r.Order, r.OrderLine))], owners)
        self._orders.papers.write_returns(by_kind[r.Return], owners)
        self._orders.papers.write_fulfilments(by_kind[r.Fulfilment])
        self._orders.papers.reverse(by_kind[r.Reversal])
        self._write_events([(fact, owners.get(id(fact))) for fact in by_kind[r.Event]])
        write_touchpoints(self._connection, by_kind[Touchpoint], owners, brought, self._now, self._tally)
        write_deliveries(self._connection, by_kind[Delivery], self._now, self._tally)
        write_replies(self._connection, by_kind[Reply], self._now, self._tally)
        self._facts.clear()

    def _write_events(self, facts: Sequence[tuple[r.Event, int | None]]) -> None:
        rows = {
            fact.dedupe: {
                "dedupe": fact.dedupe,
                "profile_id": owner,
                "name": fact.name,
                "properties": dict(fact.properties),
                "occurred_at": fact.occurred_at,
                "recorded_at": self._now,
            }
            for fact, owner in facts
        }
        new = insert_new(self._connection, event, list(rows.values()), ["dedupe"])
        self._tally.count("event", seen=len(facts), new=new)

    def finish(self) -> None:
        """Write what had to wait for the end of the file."""
        self._flush()
        self._people.finish()
        self._shop.finish()
        self._relations.finish()
        self._names.finish()
        self._stock.finish()
        self._write_events(self._carts.settle())
        self._orders.finish()
        self._carts.drop_empty()
        changed = self._orders.changed
        if self._people.cookies_claimed:
            changed |= self._carts.find_owners()
        self._sizes.finish(changed, self._shop.relabelled, self._shop.resized | self._names.adopted)
        redeem_orders(self._connection, self._now, changed)
        if self._tally.rows >= _BULK:
            self._refresh_statistics()

    def _refresh_statistics(self) -> None:
        for name in ("profile", "identifier", "cart", "cart_event", "event", "order_line", "variant", "product"):
            self._connection.execute(text(f"ANALYZE {name}"))
        self._connection.execute(text('ANALYZE "order"'))
