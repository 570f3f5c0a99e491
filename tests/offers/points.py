"""A small shop for the tests of points: people, orders, touchpoints and events, said in a line each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, insert, select, update

from segue.offers.loyalty import PointsBooked, balances, book_points
from segue.outbox.merge_facts import move_facts
from segue.settings.house import Loyalty
from segue.store.engine import read, write
from segue.store.tables import event, loyalty_entry, order, profile, touchpoint

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
#: A point a dollar, pending for 30 days, alive for 100 more.
RULES = Loyalty(
    starts_on=date(2026, 1, 1), points_per_unit=1, return_window_days=30, expires_after_days=100, mentions_a_month=1
)


def day(number: float) -> datetime:
    """So many days after the start."""
    return START + timedelta(days=number)


def people(engine: Engine, *ids: int) -> None:
    with write(engine) as connection:
        connection.execute(insert(profile), [{"id": one, "created_at": START} for one in ids])


def ordered(engine: Engine, number: int, who: int | None, dollars: float, at: float = 0, **changes: Any) -> None:
    """A paid order."""
    values = {
        "id": number,
        "external_id": f"o{number}",
        "profile_id": who,
        "sales_channel": "web",
        "currency": "USD",
        "total_minor": round(dollars * 100),
        "occurred_at": day(at),
        "paid_at": day(at),
        "recorded_at": START,
    }
    with write(engine) as connection:
        connection.execute(insert(order).values(values | changes))


def change(engine: Engine, number: int, **changes: Any) -> None:
    with write(engine) as connection:
        connection.execute(update(order).where(order.c.id == number).values(**changes))


def touched(engine: Engine, who: int, kind: str, network: str | None, at: float = 0, name: str = "") -> None:
    """A follow or a mention."""
    values = {"dedupe": name or f"{who}{kind}{network}{at}", "profile_id": who, "kind": kind, "network": network}
    with write(engine) as connection:
        connection.execute(
            insert(touchpoint).values(values | {"verified": False, "occurred_at": day(at), "recorded_at": START})
        )


def redeemed(engine: Engine, who: int, points: Any, at: float, order_ref: str | None = None, by: str = "") -> None:
    """The shop tells that points were used; `by` is who tells it."""
    values = {
        "dedupe": f"redeemed-{who}-{points}-{at}-{order_ref}-{by}",
        "profile_id": who,
        "name": "Points Redeemed",
        "properties": {"points": points, "order_id": order_ref},
        "occurred_at": day(at),
        "recorded_at": START,
    }
    with write(engine) as connection:
        connection.execute(insert(event).values(values))


def merged(engine: Engine) -> None:
    """Two becomes one, as the outbox does it: her entries and facts change hands."""
    with write(engine) as connection:
        connection.execute(update(profile).where(profile.c.id == 2).values(merged_into=1))
        move_facts(connection, {2: 1}, START)


def book(engine: Engine, at: float, rules: Loyalty = RULES) -> PointsBooked:
    with write(engine) as connection:
        return book_points(connection, day(at), rules)


def held(engine: Engine, at: float, who: int = 1) -> tuple[int, int]:
    """What is available and what is pending."""
    with read(engine) as connection:
        balance = balances(connection, [who], day(at))[who]
    return balance.available, balance.pending


def rows(engine: Engine) -> list[tuple[str, int]]:
    with read(engine) as connection:
        return [
            (row.kind, row.points) for row in connection.execute(select(loyalty_entry).order_by(loyalty_entry.c.id))
        ]


def entries(engine: Engine) -> int:
    with read(engine) as connection:
        return connection.execute(select(func.count()).select_from(loyalty_entry)).scalar_one()
