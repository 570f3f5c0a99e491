"""A small shop whose facts a test writes one by one, and a platform that a sync is pointed at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Engine, insert, select

from segue.audiences.report import AudienceReport
from segue.audiences.rule import Judge
from segue.audiences.sync import AudienceSync
from segue.clock import VirtualClock
from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.journeys.definition import Moment
from segue.journeys.retargeting import RetargetingBrief
from segue.outbox.hashes import hash_address
from segue.outbox.rules import rules_of
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.tables import (
    audience,
    audience_member,
    cart,
    cart_event,
    consent_event,
    event,
    identifier,
    location,
    order,
    order_line,
    product,
    product_relation,
    profile,
    profile_size,
    stock_event,
    suppression,
    touchpoint,
    variant,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECRET = b"0123456789abcdef"
SIZES = ("6", "8", "10")


class Town:
    """The shop: leggings (1), gloves (2) and scarves (3) in three sizes; gloves and scarves go with leggings."""

    def __init__(self, engine: Engine, now: datetime = NOW) -> None:
        self.engine = engine
        self.clock = VirtualClock(now)
        self._numbers = count(1)
        with write(engine) as connection:
            stamp = {"recorded_at": now - 30 * DAY}
            connection.execute(insert(location).values(id=1, external_id="w", kind="warehouse", name="W"))
            for number, title in enumerate(("Leggings", "Gloves", "Scarf"), start=1):
                connection.execute(
                    insert(product).values(
                        id=number, external_id=f"p{number}", title=title, category=title.lower(),
                        size_system="us_women", url=f"/p/{number}", image_url=f"/i/{number}.png", **stamp,
                    )
                )  # fmt: skip
                for place, size in enumerate(SIZES):
                    connection.execute(
                        insert(variant).values(
                            id=number * 10 + place, product_id=number, sku=f"p{number}-{size}", size=size,
                            price_minor=4900, currency="USD",
                        )
                    )  # fmt: skip
            for other in (2, 3):
                connection.execute(
                    insert(product_relation).values(product_id=1, related_id=other, kind="goes_with", **stamp)
                )

    def variant(self, number: int, size: str = "8") -> int:
        return number * 10 + SIZES.index(size)

    def put(self, table: Any, **values: Any) -> int:
        with write(self.engine) as connection:
            done = connection.execute(insert(table).values(**values))
            return int(done.inserted_primary_key[0])

    def person(self, *, country: str = "US", born: int | None = 1990, email: bool = True, size: str = "8") -> int:
        who = self.put(profile, country=country, birth_year=born, created_at=NOW - 90 * DAY, first_name="Ada")
        if email:
            self.put(
                identifier, kind="email", value=f"p{who}@example.com", profile_id=who, identifies=True, recorded_at=NOW
            )
        for category in ("leggings", "gloves", "scarf") if size else ():
            self.put(
                profile_size, profile_id=who, category=category, system="us_women", size=size, evidence=1.0,
                confidence=0.6,
            )  # fmt: skip
        return who

    def consent(self, who: int, state: str, *, channel: str = "ads", basis: str = "opt_in") -> None:
        self.put(
            consent_event, profile_id=who, channel=channel, state=state, basis=basis, source="test",
            occurred_at=self.clock.now(), recorded_at=self.clock.now(), dedupe=f"c{next(self._numbers)}",
        )  # fmt: skip

    def suppress(self, address: str, reason: str = "unsubscribe") -> None:
        now = self.clock.now()
        self.put(
            suppression, address_hash=hash_address(address, SECRET), reason=reason, occurred_at=now, recorded_at=now
        )

    def add_to_cart(self, who: int, variant_id: int, at: datetime | None = None, kind: str = "added") -> int:
        name = f"cart{who}"
        with read(self.engine) as connection:
            known = connection.scalar(select(cart.c.id).where(cart.c.external_id == name))
        cart_id = known or self.put(cart, external_id=name, profile_id=who, sales_channel="web", recorded_at=NOW)
        self.put(
            cart_event, cart_id=cart_id, kind=kind, variant_id=variant_id, quantity=1,
            occurred_at=at or self.clock.now() - DAY, recorded_at=NOW, dedupe=f"e{next(self._numbers)}",
        )  # fmt: skip
        return int(cart_id)

    def look(self, who: int, sku: str, at: datetime | None = None) -> None:
        self.put(
            event, dedupe=f"v{next(self._numbers)}", profile_id=who, name="Product Viewed", properties={"sku": sku},
            occurred_at=at or self.clock.now() - DAY, recorded_at=NOW,
        )  # fmt: skip

    def click(self, who: int | None, target: str, *, kind: str = "click", at: datetime | None = None) -> None:
        self.put(
            touchpoint, dedupe=f"t{next(self._numbers)}", profile_id=who, kind=kind, target=target,
            occurred_at=at or self.clock.now() - DAY, recorded_at=NOW,
        )  # fmt: skip

    def buy(self, who: int, variant_id: int, at: datetime | None = None, **values: Any) -> int:
        order_id = self.put(
            order, external_id=f"o{next(self._numbers)}", profile_id=who, sales_channel="web", currency="USD",
            total_minor=4900, occurred_at=at or self.clock.now() - timedelta(hours=1), recorded_at=NOW, **values,
        )  # fmt: skip
        self.put(
            order_line, order_id=order_id, position=1, variant_id=variant_id, quantity=1, unit_price_minor=4900,
            total_minor=4900,
        )  # fmt: skip
        return order_id

    def stock(self, variant_id: int, quantity: int) -> None:
        self.clock.advance(timedelta(seconds=1))
        now = self.clock.now()
        self.put(stock_event, variant_id=variant_id, location_id=1, quantity=quantity, occurred_at=now, recorded_at=now)

    def moment(self) -> Moment:
        return Moment(now=self.clock.now(), live_from=NOW - 365 * DAY)

    def syncer(self, *connectors: FakeAudiences, share: float = 0.0, **options: Any) -> AudienceSync:
        rules = rules_of(Settings(_env_file=None, holdout_journey=share))
        return AudienceSync(
            self.engine,
            connectors={one.name: one for one in connectors},
            judge=Judge.of(rules, SECRET),
            clock=self.clock,
            **options,
        )

    def sync(self, *connectors: FakeAudiences, **options: Any) -> AudienceReport:
        return self.syncer(*connectors, **options).sync(self.moment(), RetargetingBrief())

    def rows(self, name: str) -> list[Any]:
        with read(self.engine) as connection:
            return list(
                connection.execute(
                    select(audience_member)
                    .join(audience, audience.c.id == audience_member.c.audience_id)
                    .where(audience.c.name == name)
                    .order_by(audience_member.c.id)
                ).all()
            )


def held(platform: FakePlatform, connector: FakeAudiences, name: str) -> set[str]:
    """The platform's members of an audience, as it spells them."""
    made = platform.audience_called(f"segue {name}")
    return set() if made is None else set(platform.held(made))


def spelled(connector: FakeAudiences, identifiers: dict[str, str]) -> str:
    """How the fake platform spells somebody."""
    platform = FakePlatform()
    one = FakeAudiences(platform=platform, fields=connector.fields)
    made = one.ensure("x", "x")
    from segue.contract import AudienceChange, Key

    given = {kind: value for kind, value in identifiers.items() if kind in connector.fields}
    list(one.sync(AudienceChange(audience="x", external_id=made, fields=one.fields, add=((Key("k"), given),))))
    (text,) = platform.held(made)
    return text


def line(report: AudienceReport, name: str) -> Any:
    return next(one for one in report.lines if one.audience == name)
