"""Pop-ups for the invitations' tests: a place, people around it, and waves of a journey without its mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from segue.journeys.definition import Moment
from segue.journeys.popup_invite import JOURNEY, PopupInviteBrief, invite_due, prepare
from segue.outbox.promise import promise
from segue.settings import House, Loyalty, PopUp
from segue.store.engine import read, write
from segue.store.tables import location, message, order, profile

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)
DAY = timedelta(days=1)
HERE = (40.72, -74.0)
#: A tenth of the invited come: numbers that can be counted.
HOUSE = House(loyalty=Loyalty(starts_on=date(2026, 1, 1)), popup=PopUp(expected_show_rate=0.1, measured_from=40))


def popup(engine: Engine, number: int = 1, **changes: Any) -> None:
    """A pop-up in New York that opens in two days and stands for a week, with two places."""
    values: dict[str, Any] = {
        "id": number,
        "external_id": f"POP-{number}",
        "kind": "popup",
        "name": "Pop-up",
        "zone": "America/New_York",
        "latitude": HERE[0],
        "longitude": HERE[1],
        "opens_at": NOON + 2 * DAY,
        "closes_at": NOON + 9 * DAY,
        "capacity": 2,
    }
    with write(engine) as connection:
        connection.execute(insert(location).values(values | changes))


def homes(engine: Engine, points: Mapping[int, tuple[float, float]]) -> None:
    """People by id, and where they live."""
    rows = [
        {"id": number, "home_latitude": north, "home_longitude": east, "created_at": NOON}
        for number, (north, east) in points.items()
    ]
    with write(engine) as connection:
        connection.execute(insert(profile), rows)


def neighbours(engine: Engine, ids: Iterable[int]) -> None:
    """People who all live in the very house."""
    homes(engine, dict.fromkeys(ids, HERE))


def at(now: datetime = NOON, house: House = HOUSE) -> Moment:
    return Moment(now=now, live_from=NOON - 90 * DAY, house=house)


def due(engine: Engine, moment: Moment | None = None, **brief: Any) -> list[tuple[int, int]]:
    """Pop-up and person of everybody in the next wave."""
    with read(engine) as connection:
        rows = connection.execute(invite_due(moment or at(), PopupInviteBrief(**brief))).all()
    assert all(row.occasion == f"popup:{row.subject_id}:profile:{row.profile_id}" for row in rows)
    return [(row.subject_id, row.profile_id) for row in rows]


def wave(engine: Engine, moment: Moment | None = None, **brief: Any) -> int:
    """Promise a wave as a run does; return how many."""
    with write(engine) as connection:
        return promise_wave(connection, moment or at(), PopupInviteBrief(**brief))


def promise_wave(connection: Connection, moment: Moment, brief: PopupInviteBrief) -> int:
    """What a run does in one transaction."""
    prepare(connection, moment, brief, b"")
    (step,) = JOURNEY.steps
    return promise(connection, JOURNEY, step, brief, moment, run_id=0)


def invited(engine: Engine, place: int = 1) -> list[int]:
    """Whoever has a message about the pop-up, in the order in which they were promised."""
    with read(engine) as connection:
        question = select(message.c.profile_id).where(message.c.subject_id == place).order_by(message.c.id)
        return list(connection.scalars(question))


def settle(engine: Engine, state: str, people: Iterable[int], place: int = 1) -> None:
    """Let these invitations come to an end."""
    with write(engine) as connection:
        connection.execute(
            update(message)
            .where(message.c.subject_id == place, message.c.profile_id.in_(list(people)))
            .values(state=state)
        )


def visit(
    engine: Engine, who: int | None, place: int = 1, now: datetime = NOON - timedelta(hours=1), **new: Any
) -> None:
    """Somebody buys something there."""
    values: dict[str, Any] = {
        "profile_id": who,
        "sales_channel": "popup",
        "location_id": place,
        "delivery": "none",
        "currency": "USD",
        "total_minor": 100,
        "occurred_at": now,
        "recorded_at": now,
    }
    with write(engine) as connection:
        number = len(connection.execute(select(order.c.id)).all()) + 1
        connection.execute(insert(order).values({"external_id": f"v{number}"} | values | new))


def states(engine: Engine) -> Counter[str]:
    with read(engine) as connection:
        return Counter(connection.scalars(select(message.c.state)))
