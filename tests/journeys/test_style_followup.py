"""Which order is followed up, when, what takes it away again, and what the mail shows: on both databases."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, insert

from segue.journeys.definition import Moment
from segue.journeys.goes_with import goes_with
from segue.journeys.style_followup import StyleFollowupBrief, facts, style_due, style_next_due, words
from segue.settings import House, Loyalty
from segue.store.engine import read, write
from segue.store.tables import (
    fulfilment,
    listing,
    location,
    order,
    order_line,
    order_return,
    product,
    product_relation,
    profile,
    profile_size,
    stock_event,
    touchpoint,
    variant,
)

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)
DAY = timedelta(days=1)
BRIEF = StyleFollowupBrief()


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """Two women, a shop, and things that go with each other: 1 a sweater, 2 a scarf, 3 gloves, 4 a coat, 5 a hat."""
    with write(engine) as connection:
        connection.execute(insert(profile), [{"id": n, "created_at": NOON} for n in (1, 2)])
        connection.execute(insert(location).values(id=1, external_id="soho", kind="store", name="S"))
        connection.execute(
            insert(product),
            [
                {
                    "id": n, "external_id": f"p{n}", "title": f"T{n}", "url": f"/p/{n}", "category": f"c{n}",
                    "size_system": "alpha" if n in (1, 3, 4) else "one_size", "image_url": f"/i/{n}.png",
                    "recorded_at": NOON,
                }
                for n in range(1, 6)
            ],
        )  # fmt: skip
        connection.execute(
            insert(variant),
            [
                {"id": n * 10 + k, "product_id": n, "sku": f"v{n}{k}", "size": size, "price_minor": 1000 * n + k,
                 "currency": "USD", "colour": "Ink"}
                for n in range(1, 6)
                for k, size in enumerate(("S", "M") if n in (1, 3, 4) else ("One size",))
            ],
        )  # fmt: skip
        connection.execute(
            insert(product_relation),
            [
                {"product_id": 1, "related_id": other, "kind": kind, "rank": rank, "recorded_at": NOON}
                for other, kind, rank in ((3, "goes_with", 1), (2, "goes_with", 0), (4, "goes_with", 2),
                                          (5, "alternative", 0))
            ],
        )  # fmt: skip
    return engine


def ordered(engine: Engine, number: int = 17, who: int | None = 1, days: float = -10, **changes: Any) -> None:
    """An order of one sweater in S, to be shipped."""
    moment = NOON + days * DAY
    lines = changes.pop("lines", [{"variant_id": 10, "quantity": 1}])
    values: dict[str, Any] = {
        "id": number, "external_id": str(number), "profile_id": who, "sales_channel": "web", "delivery": "ship",
        "currency": "USD", "total_minor": 1000, "occurred_at": moment, "paid_at": moment, "recorded_at": NOON,
    }  # fmt: skip
    with write(engine) as connection:
        connection.execute(insert(order).values(values | changes))
        for position, line in enumerate(lines, start=1):
            row = {"order_id": number, "position": position, "unit_price_minor": 1000} | line
            connection.execute(insert(order_line).values(row))


def arrived(engine: Engine, number: int = 17, days: float = -7, kind: str = "delivered") -> None:
    with write(engine) as connection:
        connection.execute(
            insert(fulfilment).values(order_id=number, kind=kind, occurred_at=NOON + days * DAY, recorded_at=NOON)
        )


def at(days: float = 0, *, live_days: float = 60, starts_on: date | None = date(2026, 1, 1), **loyalty: int) -> Moment:
    house = House(loyalty=Loyalty(starts_on=starts_on, **loyalty))
    return Moment(now=NOON + days * DAY, live_from=NOON - live_days * DAY, house=house)


def due(engine: Engine, moment: Moment | None = None, **brief: Any) -> dict[str, datetime]:
    with read(engine) as connection:
        rows = connection.execute(style_due(moment or at(), StyleFollowupBrief(**brief))).all()
    found = {row.occasion: row.deadline_at for row in rows}
    assert len(found) == len(rows)
    return found


def rows_of(*pairs: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame({"profile_id": [who for who, _ in pairs], "subject_id": [number for _, number in pairs]})


def is_gone(engine: Engine, number: int = 17, days: float = 0) -> bool:
    with read(engine) as connection:
        return bool(facts(connection, rows_of((1, number)), at(days), BRIEF)["gone"].iloc[0])


def said(engine: Engine, *pairs: tuple[int, int], moment: Moment | None = None, **brief: Any) -> list[Any]:
    with read(engine) as connection:
        found = words(connection, rows_of(*(pairs or ((1, 17),))), moment or at(), StyleFollowupBrief(**brief))
    return list(found)


def test_a_week_after_delivery(shop: Engine) -> None:
    """Too soon, on the day, too late but counted, long ago, and not even looked at."""
    days = {17: -6.99, 18: -7, 19: -21, 20: -34.9, 21: -35}
    for number, day in days.items():
        ordered(shop, number, days=-50)
        arrived(shop, number, days=day)
    assert due(shop) == {f"order:{number}": NOON + (days[number] + 21) * DAY for number in (18, 19, 20)}


def test_how_long_it_waits_is_the_marketers(shop: Engine) -> None:
    ordered(shop)
    arrived(shop, days=-3)
    assert set(due(shop, after_days=3)) == {"order:17"}
    assert due(shop, after_days=4) == {}


def test_only_what_is_in_her_hands_counts(shop: Engine) -> None:
    for number, kind in enumerate(("delivered", "picked_up", "packed", "shipped"), start=17):
        ordered(shop, number)
        arrived(shop, number, kind=kind)
    assert set(due(shop)) == {"order:17", "order:18"}


def test_of_two_parcels_the_later_counts_once(shop: Engine) -> None:
    ordered(shop)
    arrived(shop, days=-9)
    arrived(shop, days=-5)
    arrived(shop, days=3)  # not yet
    assert due(shop) == {}
    assert due(shop, at(2)) == {"order:17": NOON + 16 * DAY}


def test_at_a_till_she_has_it_at_once(shop: Engine) -> None:
    till = {"delivery": "none", "location_id": 1}
    others = (
        {"delivery": "none"},  # a service, a gift card
        {**till, "gift": True},
        {**till, "marketplace": True},
        {**till, "profile_id": None},
        {"delivery": "pickup", "location_id": 1},  # ordered, and not fetched
    )
    for number, changes in enumerate((till, *others), start=17):
        ordered(shop, number, days=-8, **changes)
    assert set(due(shop)) == {"order:17"}


def test_only_what_arrived_since_the_journey_is_live(shop: Engine) -> None:
    ordered(shop, days=-40)
    arrived(shop)
    assert due(shop, at(live_days=6.9)) == {}
    assert set(due(shop, at(live_days=7))) == {"order:17"}


#: What an order is like, and whether it is gone.
BACK: tuple[tuple[dict[str, Any], bool], ...] = (
    ({}, False),
    ({"cancelled_at": NOON - DAY}, True),
    ({"cancelled_at": NOON + DAY}, False),
    ({"refunded_minor": 999}, False),
    ({"refunded_minor": 1000}, True),
    ({"total_minor": 0}, False),
    ({"lines": [{"variant_id": 10, "quantity": 1, "returned_at": NOON - DAY}]}, True),
    ({"lines": [{"variant_id": 10, "quantity": 1, "returned_at": NOON + DAY}]}, False),
    (
        {"lines": [{"variant_id": 10, "quantity": 1, "returned_at": NOON}, {"variant_id": 20, "quantity": 1}]},
        False,
    ),
    ({"lines": []}, False),  # nobody told us what was in it
    ({"lines": [{"variant_id": 10, "quantity": 0}]}, False),
)


def test_what_went_back_is_not_followed_up(shop: Engine) -> None:
    for number, (changes, _) in enumerate(BACK, start=100):
        ordered(shop, number, **changes)
    with read(shop) as connection:
        rows = rows_of(*((1, number) for number in range(100, 100 + len(BACK))))
        found = facts(connection, rows, at(), BRIEF)["gone"].tolist()
    assert found == [gone for _, gone in BACK]


def test_returns_that_are_documents_of_their_own_count(shop: Engine) -> None:
    lines = [{"variant_id": 10, "quantity": 2}, {"variant_id": 10, "quantity": 1}]
    ordered(shop, lines=lines)
    for number, quantity in enumerate((2, 1)):
        assert not is_gone(shop)
        with write(shop) as connection:
            connection.execute(
                insert(order_return).values(
                    dedupe=f"r{number}", document="C1", order_id=17, variant_id=10, quantity=quantity, total_minor=1,
                    currency="USD", occurred_at=NOON, recorded_at=NOON,
                )
            )  # fmt: skip
    assert is_gone(shop)
    assert not is_gone(shop, days=-1)


def test_goods_that_are_told_of_twice_went_back_once(shop: Engine) -> None:
    """By a line, by an event and by a document: of two shirts she has one still, whoever else tells of the other."""
    ordered(shop, lines=[{"variant_id": 10, "quantity": 1, "returned_at": NOON}, {"variant_id": 10, "quantity": 1}])
    told = {"order_id": 17, "variant_id": 10, "quantity": 1, "total_minor": 1, "currency": "USD"}
    for number in range(3):
        assert not is_gone(shop)
        named = {"dedupe": f"r{number}", "document": "C1", "by_event": number == 0}
        with write(shop) as connection:
            connection.execute(insert(order_return).values(**told, **named, occurred_at=NOON, recorded_at=NOON))
    assert is_gone(shop), "two documents: two shirts"


def test_an_order_whose_money_went_back_bit_by_bit_is_gone(shop: Engine) -> None:
    ordered(shop, total_minor=1000)
    for number in range(2):
        assert not is_gone(shop)
        told = {"order_id": 17, "quantity": 0, "total_minor": 500, "currency": "USD", "by_event": True}
        with write(shop) as connection:
            connection.execute(
                insert(order_return).values(
                    **told, dedupe=f"r{number}", document="m", occurred_at=NOON, recorded_at=NOON
                )
            )
    assert is_gone(shop)


def test_an_order_that_is_no_more_is_gone(shop: Engine) -> None:
    assert is_gone(shop, 404)


def test_the_mail_shows_what_she_kept_and_what_goes_with_it(shop: Engine) -> None:
    lines = [{"variant_id": 20, "quantity": 1, "unit_price_minor": 900, "returned_at": NOON - DAY}]
    ordered(shop, lines=[{"variant_id": 10, "quantity": 1}, *lines])
    (one,) = said(shop)
    assert [thing["title"] for thing in one["bought"]] == ["T1"]
    # The scarf went back, but was bought: it is not shown again.
    assert [(thing["title"], thing["size"]) for thing in one["items"]] == [("T3", None), ("T4", None)]
    assert one["items"][0] == {
        "sku": "v30", "title": "T3", "size": None, "colour": "Ink", "quantity": 1, "price_minor": 3000,
        "currency": "USD", "url": "/p/3", "image_url": "/i/3.png",
    }  # fmt: skip
    assert said(shop, show_looks=False)[0]["items"] == []


def test_what_cost_most_comes_first(shop: Engine) -> None:
    ordered(shop, lines=[{"variant_id": 50, "quantity": 1, "unit_price_minor": 10}, {"variant_id": 10, "quantity": 1}])
    assert [thing["title"] for thing in said(shop)[0]["bought"]] == ["T1", "T5"]


def test_each_sees_what_she_does_not_follow_and_what_it_earns(shop: Engine) -> None:
    ordered(shop)
    ordered(shop, 18, 2)
    with write(shop) as connection:
        for number, (who, kind, network, days) in enumerate(
            ((1, "follow", "pinterest", -1), (1, "follow", "pinterest", -2), (1, "mention", "instagram", -1),
             (2, "follow", "instagram", 1), (2, "follow", None, -1))
        ):  # fmt: skip
            connection.execute(
                insert(touchpoint).values(
                    dedupe=str(number), profile_id=who, kind=kind, network=network, occurred_at=NOON + days * DAY,
                    recorded_at=NOON,
                )
            )  # fmt: skip
    moment = at(follow_points=30, mention_points=70, mentions_a_month=2)
    first, second = said(shop, (1, 17), (2, 18), moment=moment)
    assert (first["followed"], second["followed"]) == (["pinterest"], [])
    assert first["points"] == {"follow": 30, "mention": 70, "mentions": 2}
    (none,) = said(shop, (1, 17), moment=at(mentions_a_month=0))
    assert none["points"]["mention"] == 0
    (none,) = said(shop, (1, 17), moment=at(starts_on=None))
    assert none["points"] == {"follow": 0, "mention": 0, "mentions": 1}


def test_when_to_look_again(shop: Engine) -> None:
    def ahead(days: float = 0) -> Any:
        with read(shop) as connection:
            return connection.scalar(style_next_due(at(days), BRIEF))

    assert ahead() is None
    ordered(shop)
    arrived(shop, days=-5)
    ordered(shop, 18, days=-4, delivery="none", location_id=1)
    assert ahead() == NOON + 2 * DAY
    assert ahead(2) == NOON + 3 * DAY
    assert ahead(3) is None


def stocked(engine: Engine, **levels: int) -> None:
    with write(engine) as connection:
        for sku, quantity in levels.items():
            connection.execute(
                insert(stock_event).values(
                    variant_id=int(sku[1:]), location_id=1, quantity=quantity, occurred_at=NOON - DAY, recorded_at=NOON
                )
            )


def looks(engine: Engine, who: int = 1, have: tuple[int, ...] = (1,), limit: int = 3) -> list[tuple[int, str | None]]:
    with read(engine) as connection:
        (found,) = goes_with(connection, [(who, have)], NOON, limit=limit)
    return [(item.variant_id, item.size) for item in found]


def test_related_things_by_rank_in_her_size_and_in_stock(shop: Engine) -> None:
    assert looks(shop) == [(20, None), (30, None), (40, None)]
    assert looks(shop, limit=2) == [(20, None), (30, None)]
    assert looks(shop, have=(2,)) == []
    with write(shop) as connection:
        for category, size, confidence in (("c3", "M", 0.5), ("c4", "M", 0.39), ("c2", "M", 0.9)):
            connection.execute(
                insert(profile_size).values(
                    profile_id=1, category=category, system="alpha", size=size, evidence=1.0, confidence=confidence
                )
            )
    assert looks(shop) == [(20, None), (31, "M"), (40, None)]  # too little is known of her coats
    assert looks(shop, who=2) == [(20, None), (30, None), (40, None)]
    stocked(shop, v31=0, v40=0, v20=-1)
    assert looks(shop) == [(41, None)]
    assert looks(shop, who=2) == [(30, None), (41, None)]


def test_what_is_on_offer_no_more_is_not_shown(shop: Engine) -> None:
    with write(shop) as connection:
        for number, since, until in ((2, -9, -1), (3, 1, None), (4, -9, None)):
            connection.execute(
                insert(listing).values(
                    product_id=number, sales_channel="web", listed_from=NOON + since * DAY,
                    listed_until=None if until is None else NOON + until * DAY,
                )
            )  # fmt: skip
    assert looks(shop) == [(40, None)]


def test_a_crowd_is_shown_what_each_would_be_alone(shop: Engine) -> None:
    """Many at once, against one at a time."""
    dice = random.Random(8)
    with write(shop) as connection:
        connection.execute(insert(profile), [{"id": n, "created_at": NOON} for n in range(3, 40)])
        connection.execute(
            insert(profile_size),
            [
                {"profile_id": n, "category": f"c{c}", "system": "alpha", "size": dice.choice("SM"), "evidence": 1.0,
                 "confidence": dice.choice([0.2, 0.6])}
                for n in range(3, 40)
                for c in (3, 4)
            ],
        )  # fmt: skip
        connection.execute(
            insert(product_relation),
            [
                {"product_id": 2, "related_id": n, "kind": "goes_with", "rank": n, "recorded_at": NOON}
                for n in (1, 3, 5)
            ],
        )
    for who in range(3, 40, 3):
        ordered(shop, 100 + who, who, lines=[{"variant_id": dice.choice([20, 30, 50]), "quantity": 1}])
    stocked(shop, v31=0)
    asked = [(n, tuple(dice.sample([1, 2, 5], dice.randint(0, 3)))) for n in range(3, 40)]
    with read(shop) as connection:
        together = goes_with(connection, asked, NOON)
        alone = [goes_with(connection, [one], NOON)[0] for one in asked]
    assert together == alone
    assert len({tuple(item.variant_id for item in things) for things in together}) > 5
