"""A made-up shop and its people, and what is shown to each of them by loops over everything."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert

from segue.store.tables import (
    listing,
    location,
    order,
    order_line,
    product,
    profile,
    profile_size,
    stock_event,
    variant,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CHANNELS = ("web", "facebook_shop", "store")
CATEGORIES = ("tops", "bottoms", "hats", None)
SYSTEMS = ("us_women", "alpha", "one_size", None)
SIZES = ("6", "8", "10", None)


class Town:
    """A made-up shop and its people, drawn with a seed, as plain lists beside the tables."""

    def __init__(self, connection: Connection, dice: random.Random, people: int, products: int) -> None:
        self.products = [
            {"id": n, "category": dice.choice(CATEGORIES), "size_system": dice.choice(SYSTEMS), "title": f"T{n}"}
            for n in range(1, products + 1)
        ]
        self.variants = [
            {
                "id": n,
                "product_id": dice.randint(1, products),
                "size": dice.choice(SIZES),
                "price_minor": dice.randint(0, 9),
            }
            for n in range(1, products * 4)
        ]
        listings = {
            (dice.randint(1, products), dice.choice(CHANNELS), NOW + dice.randint(-9, 1) * DAY): dice.choice(
                [None, NOW, NOW + DAY]
            )
            for _ in range(products * 2)
        }
        self.listings = [
            {"product_id": p, "sales_channel": c, "listed_from": since, "listed_until": until}
            for (p, c, since), until in listings.items()
        ]
        counts = {
            (dice.choice(self.variants)["id"], dice.randint(1, 2), NOW + dice.randint(-5, 1) * DAY): dice.randint(-1, 2)
            for _ in range(products * 6)
        }
        self.counts = [
            {"variant_id": v, "location_id": place, "occurred_at": at, "quantity": q}
            for (v, place, at), q in counts.items()
        ]
        self.sizes = [
            {
                "profile_id": person,
                "category": category,
                "system": system,
                "size": size,
                "confidence": dice.choice([0.2, 0.4, 0.6]),
            }
            for person in range(1, people + 1)
            for category in CATEGORIES[:3]
            for system in SYSTEMS[:2]
            for size in dice.sample(SIZES[:3], 1)
            if dice.random() < 0.7
        ]
        self.lines = [
            (
                number,
                dice.randint(1, people),
                dice.choice(self.variants)["id"],
                dice.random() < 0.2,
                dice.random() < 0.2,
            )
            for number in range(1, people * 3)
        ]
        self.people = [(person, dice.choice([*CHANNELS, None])) for person in range(1, people + 1)]
        self._store(connection)

    def _store(self, connection: Connection) -> None:
        stamp = {"recorded_at": NOW}
        connection.execute(insert(profile), [{"id": person, "created_at": NOW} for person, _ in self.people])
        connection.execute(
            insert(location), [{"id": n, "external_id": str(n), "kind": "store", "name": "x"} for n in (1, 2)]
        )
        connection.execute(insert(product), [{**p, "external_id": f"p{p['id']}", **stamp} for p in self.products])
        connection.execute(insert(variant), [{**v, "sku": f"v{v['id']}", "currency": "USD"} for v in self.variants])
        connection.execute(insert(listing), self.listings)
        connection.execute(insert(stock_event), [{**one, **stamp} for one in self.counts])
        connection.execute(insert(profile_size), [{**one, "evidence": 1.0} for one in self.sizes])
        heads, lines = [], []
        for number, person, of, gift, off in self.lines:
            head = {
                "id": number,
                "external_id": f"o{number}",
                "profile_id": person,
                "sales_channel": "web",
                "currency": "USD",
            }
            heads.append(
                {
                    **head,
                    "total_minor": 1,
                    "gift": gift,
                    "cancelled_at": NOW if off else None,
                    "occurred_at": NOW,
                    **stamp,
                }
            )
            lines.append({"order_id": number, "position": 1, "variant_id": of, "quantity": 1, "unit_price_minor": 1})
        connection.execute(insert(order), heads)
        connection.execute(insert(order_line), lines)

    def listed_since(self, of: int, channel: str | None) -> datetime | None:
        """Since when the product is listed elsewhere; None where it is not, or is listed on the channel itself."""
        now = [
            one
            for one in self.listings
            if one["product_id"] == of
            and one["listed_from"] <= NOW
            and (one["listed_until"] is None or one["listed_until"] > NOW)
        ]
        if any(one["sales_channel"] == channel for one in now):
            return None
        return max((one["listed_from"] for one in now), default=None)

    def there(self, of: int) -> bool:
        last: dict[int, tuple[datetime, int]] = {}
        for one in self.counts:
            if one["variant_id"] == of and one["occurred_at"] <= NOW:
                at = last.get(one["location_id"])
                if at is None or at[0] < one["occurred_at"]:
                    last[one["location_id"]] = (one["occurred_at"], one["quantity"])
        return not last or sum(quantity for _, quantity in last.values()) > 0

    def shown(self, person: int, channel: str | None, limit: int) -> list[tuple[int, int, str | None]]:
        """Product, variant and size shown to somebody, in loops over everything."""
        mine = [(of, gift) for _, whose, of, gift, off in self.lines if whose == person and not off]
        product_of = {one["id"]: one["product_id"] for one in self.variants}
        category_of = {one["id"]: one["category"] for one in self.products}
        wears = {category_of[product_of[of]] for of, gift in mine if not gift}
        found = []
        for thing in self.products:
            since = self.listed_since(thing["id"], channel)
            if since is None or thing["id"] in {product_of[of] for of, _ in mine}:
                continue
            known = [
                one
                for one in self.sizes
                if one["profile_id"] == person
                and (one["category"], one["system"]) == (thing["category"], thing["size_system"])
                and one["confidence"] >= 0.4
            ]
            fits = []
            for one in self.variants:
                if one["product_id"] != thing["id"] or one["price_minor"] == 0 or not self.there(one["id"]):
                    continue
                if one["size"] is None or thing["size_system"] == "one_size":
                    fits.append((-1.0, one["price_minor"], one["id"], None))
                elif not known:
                    fits.append((0.0, one["price_minor"], one["id"], None))
                elif one["size"] == known[0]["size"]:
                    fits.append((-known[0]["confidence"], one["price_minor"], one["id"], one["size"]))
            if fits:
                unsure, price, of, size = min(fits)
                found.append((thing["category"], (unsure, -since.timestamp(), price, thing["id"]), of, size))
        ranked = []
        for category in CATEGORIES:
            group = sorted(((key, of, size) for c, key, of, size in found if c == category))
            ranked += [((category in wears, turn, key), of, size) for turn, (key, of, size) in enumerate(group)]
        ranked.sort(key=lambda one: one[0])
        return [(key[2][3], of, size) for key, of, size in ranked[:limit]]
