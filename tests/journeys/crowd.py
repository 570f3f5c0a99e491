"""A crowd drawn with a seed, stored, and asked the same questions as a segment by loops over everything."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from segue.journeys import segments as s
from segue.journeys.nearby import distance_km
from segue.store import tables as t

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)
DAY = timedelta(days=1)
CATEGORIES = ("tops", "bottoms", None)
CHANNELS = ("web", "store", "popup")
PLACES = {"soho": (40.72, -74.0), "camden": (51.54, -0.14), "nowhere": (None, None)}
#: Instants that lie on, just before and just after the edges of the windows that are asked for.
EDGES = [days * DAY + timedelta(microseconds=shift) for days in (0, 1, 7, 30, 90) for shift in (-1, 0, 1)]


class Crowd:
    """People and what they did, as plain lists beside the tables."""

    def __init__(self, connection: Connection, dice: random.Random, people: int) -> None:
        self.dice = dice
        self.ids = range(1, people + 1)
        self.people = [self._person(n) for n in self.ids]
        self.products = [{"id": n, "category": dice.choice(CATEGORIES)} for n in range(1, 5)]
        self.orders = [self._order(n) for n in range(1, people * 2)]
        self.lines = [(order["id"], dice.randint(1, 4)) for order in self.orders for _ in range(dice.randint(0, 2))]
        self.sizes = [
            {"profile_id": n, "category": c, "system": y, "size": z, "confidence": dice.choice([0.1, 0.4, 0.6])}
            for n in self.ids
            for c, y, z in {(dice.choice(CATEGORIES[:2]), dice.choice(["us", "alpha"]), dice.choice("68"))}
        ]
        kinds = ("click", "ad_click", "follow", "landing")
        self.touches = [
            {"profile_id": self._whose(), "kind": dice.choice(kinds), "network": dice.choice(["x", "y", None]),
             "occurred_at": self._when()}
            for _ in range(people * 2)
        ]  # fmt: skip
        self.news = [
            {"profile_id": dice.choice(self.ids), "kind": dice.choice(["clicked", "opened"]), "at": self._when()}
            for _ in range(people)
        ]
        self.carts = [
            {"id": n, "profile_id": self._whose(), "kind": dice.choice(["added", "removed"]), "at": self._when()}
            for n in range(1, people)
        ]
        self.points = [
            {"profile_id": dice.choice(self.ids), "points": dice.choice([-50, 50, 100]), "counts_from": self._when()}
            for _ in range(people * 2)
        ]
        self._store(connection)

    def _whose(self) -> int | None:
        return self.dice.choice([*self.ids, None])

    def _when(self) -> datetime:
        return NOW - self.dice.choice([*EDGES, self.dice.randint(0, 200) * timedelta(hours=13)])

    def _person(self, number: int) -> dict[str, Any]:
        dice = self.dice
        home = dice.choice([*list(PLACES.values())[:2], (40.9, -74.2), (None, None), (48.0, None)])
        return {
            "id": number, "country": dice.choice(["US", "DE", None]), "region": dice.choice(["NY", "MA", None]),
            "locale": dice.choice(["en-US", "de", "de-AT", "de_CH", "den", "DE-de", None]),
            "source": dice.choice([*CHANNELS, None]), "home_latitude": home[0], "home_longitude": home[1],
            "merged_into": 1 if number % 11 == 0 else None, "created_at": NOW,
        }  # fmt: skip

    def _order(self, number: int) -> dict[str, Any]:
        dice = self.dice
        cancelled = dice.choice([None, None, None, NOW - DAY, NOW, NOW + DAY])
        return {
            "id": number, "external_id": f"o{number}", "profile_id": self._whose(), "currency": "USD",
            "sales_channel": dice.choice(CHANNELS), "location_id": dice.choice([None, 1, 2, 3]),
            "delivery": dice.choice(["ship", "pickup", "none", None]), "total_minor": 1, "occurred_at": self._when(),
            "cancelled_at": cancelled, "recorded_at": NOW,
        }  # fmt: skip

    def _store(self, connection: Connection) -> None:
        def put(table: Any, rows: list[dict[str, Any]]) -> None:
            if rows:
                connection.execute(insert(table), rows)

        stamp = {"recorded_at": NOW}
        put(t.profile, self.people)
        put(t.location, [
            {"id": n, "external_id": name, "kind": "store", "name": name, "latitude": at[0], "longitude": at[1]}
            for n, (name, at) in enumerate(PLACES.items(), start=1)
        ])  # fmt: skip
        put(t.product, [{**one, "external_id": f"p{one['id']}", "title": "T", **stamp} for one in self.products])
        put(t.variant, [
            {"id": n, "product_id": n, "sku": f"v{n}", "price_minor": 1, "currency": "USD"} for n in range(1, 5)
        ])  # fmt: skip
        put(t.order, self.orders)
        put(t.order_line, [
            {"order_id": of, "position": n, "variant_id": thing, "quantity": 1, "unit_price_minor": 1}
            for n, (of, thing) in enumerate(self.lines)
        ])  # fmt: skip
        put(t.profile_size, [{**one, "evidence": 1.0} for one in self.sizes])
        put(t.touchpoint, [{**one, "dedupe": f"t{n}", **stamp} for n, one in enumerate(self.touches)])
        put(t.message, [
            {"id": n, "key": f"j/s/m:{n}", "profile_id": one["profile_id"], "bucket": 0, "journey": "j", "step": "s",
             "state": "accepted", "priority": 1, "not_before": NOW, "deadline_at": NOW, "promised_at": NOW}
            for n, one in enumerate(self.news, start=1)
        ])  # fmt: skip
        put(t.delivery_event, [
            {"message_id": n, "dedupe": f"d{n}", "provider": "p", "kind": one["kind"], "occurred_at": one["at"],
             **stamp}
            for n, one in enumerate(self.news, start=1)
        ])  # fmt: skip
        put(t.cart, [
            {"id": one["id"], "external_id": f"c{one['id']}", "profile_id": one["profile_id"], "sales_channel": "web",
             **stamp}
            for one in self.carts
        ])  # fmt: skip
        put(t.cart_event, [
            {"cart_id": one["id"], "dedupe": f"e{one['id']}", "kind": one["kind"], "occurred_at": one["at"], **stamp}
            for one in self.carts
        ])  # fmt: skip
        put(t.loyalty_entry, [
            {**one, "dedupe": f"l{n}", "kind": "adjusted", "reason": "correction", "occurred_at": NOW, **stamp}
            for n, one in enumerate(self.points)
        ])  # fmt: skip

    def meant(self, definition: s.Definition) -> set[int]:
        """Everybody of whom all conditions hold, one by one."""
        return {
            who["id"]
            for who in self.people
            if who["merged_into"] is None and all(self.holds(one, who) for one in definition.conditions)
        }

    def holds(self, condition: Any, who: dict[str, Any]) -> bool:  # noqa: C901, PLR0911, PLR0912 - a case a condition
        """Whether one condition holds of one person, told once more and in another way."""
        me = who["id"]
        match condition:
            case s.Everyone():
                return True
            case s.Not():
                return not self.holds(condition.condition, who)
            case s.NotBought():
                return not self._bought(condition, me)
            case s.Bought():
                return self._bought(condition, me)
            case s.Fits():
                return any(
                    one["profile_id"] == me
                    and one["size"] == condition.size
                    and one["confidence"] >= 0.4
                    and condition.category in (None, one["category"])
                    and condition.system in (None, one["system"])
                    for one in self.sizes
                )
            case s.LivesWithin():
                middle = PLACES.get(condition.location, (None, None)) if condition.location else (
                    condition.latitude, condition.longitude
                )  # fmt: skip
                home = who["home_latitude"], who["home_longitude"]
                return None not in (*middle, *home) and distance_km(*middle, *home) <= condition.km
            case s.ClickedNotBought():
                clicks = [
                    one["occurred_at"]
                    for one in self.touches
                    if one["profile_id"] == me and one["kind"] in ("click", "ad_click")
                ]
                clicks += [one["at"] for one in self.news if one["profile_id"] == me and one["kind"] == "clicked"]
                return self._not_since(clicks, condition.days, me)
            case s.CartedNotBought():
                added = [one["at"] for one in self.carts if one["profile_id"] == me and one["kind"] == "added"]
                return self._not_since(added, condition.days, me)
            case s.PointsAtLeast():
                mine = [one for one in self.points if one["profile_id"] == me and one["counts_from"] <= NOW]
                return sum(one["points"] for one in mine) >= condition.points
            case s.Lives():
                return who["country"] == condition.country and condition.region in (None, who["region"])
            case s.Speaks():
                asked = condition.locale.lower().replace("_", "-").split("-")
                return (who["locale"] or "").lower().replace("_", "-").split("-")[: len(asked)] == asked
            case s.CameFrom():
                return bool(who["source"] == condition.channel)
            case s.Follows():
                return any(
                    (one["profile_id"], one["kind"], one["network"]) == (me, "follow", condition.network)
                    and one["occurred_at"] <= NOW
                    for one in self.touches
                )
        raise AssertionError(condition)

    def _bought(self, condition: s.Bought, me: int) -> bool:
        category_of = {one["id"]: one["category"] for one in self.products}
        return any(
            NOW - condition.days * DAY < one["occurred_at"]
            and condition.channel in (None, one["sales_channel"])
            and (
                condition.location is None
                or (one["delivery"] != "ship" and one["location_id"] == _number(condition.location))
            )
            and (
                condition.category is None
                or any(of == one["id"] and category_of[thing] == condition.category for of, thing in self.lines)
            )
            for one in self._standing(me)
        )

    def _standing(self, me: int) -> list[dict[str, Any]]:
        return [
            one
            for one in self.orders
            if one["profile_id"] == me
            and one["occurred_at"] <= NOW
            and (one["cancelled_at"] is None or one["cancelled_at"] > NOW)
        ]

    def _not_since(self, instants: list[datetime], days: int, me: int) -> bool:
        lately = [at for at in instants if NOW - days * DAY < at <= NOW]
        return bool(lately) and not any(one["occurred_at"] >= min(lately) for one in self._standing(me))


def _number(place: str) -> int:
    return [*PLACES].index(place) + 1 if place in PLACES else -1
