"""What came of a run, counted by hand: news of messages, orders within the window, beside the comparison group."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from segue.outbox.results import Group, Results, results_of, runs_to_refresh
from segue.store.engine import read, write
from segue.store.tables import delivery_event, message, order, run, touchpoint
from tests.outbox.merges import letter
from tests.outbox.shop import NOW, add_people

DAY = timedelta(days=1)


def put(engine: Engine, table: Any, *rows: dict[str, Any]) -> None:
    with write(engine) as connection:
        for row in rows:
            connection.execute(insert(table).values(row))


def sent(number: int, person: int, **values: Any) -> dict[str, Any]:
    row = letter(person, f"occasion:{number}", "accepted", **{"run_id": 1, "handed_over_at": NOW, **values})
    return {**row, "id": number}


def bought(number: int, person: int, after: timedelta, **values: Any) -> dict[str, Any]:
    at = NOW + after
    row = {"external_id": f"o{number}", "profile_id": person, "sales_channel": "web", "currency": "USD"}
    return {**row, "total_minor": 1000, "occurred_at": at, "paid_at": at, "recorded_at": at, **values}


def news(message_id: int, kind: str, number: int = 1) -> dict[str, Any]:
    row = {"dedupe": f"{message_id}:{kind}:{number}", "message_id": message_id, "provider": "smtp", "kind": kind}
    return {**row, "occurred_at": NOW, "recorded_at": NOW}


def click(message_id: int, kind: str) -> dict[str, Any]:
    times = {"occurred_at": NOW, "recorded_at": NOW}
    return {"dedupe": f"{kind}:{message_id}", "kind": kind, "message_id": message_id, **times}


@pytest.fixture
def counted(engine: Engine) -> Results:
    """Six messages to five people, three people left alone; another run beside them that must not count."""
    add_people(engine, 12)
    put(engine, run, *({"id": n, "journey": "letters", "brief": {}, "started_at": NOW} for n in (1, 2)))
    put(
        engine,
        message,
        *(sent(n, n) for n in (1, 2, 3, 4, 5)),
        sent(6, 1, handed_over_at=NOW + DAY),  # her second message: the window is the first one's
        {**letter(6, "occasion:7", "control", run_id=1, promised_at=NOW), "id": 7},
        {**letter(7, "occasion:8", "control", run_id=1, promised_at=NOW), "id": 8},
        {**letter(8, "occasion:9", "control", run_id=1, promised_at=NOW), "id": 9},
        {**letter(2, "occasion:10", "control", run_id=1, promised_at=NOW), "id": 10},  # got another: no comparison
        {**letter(9, "occasion:11", "rejected", run_id=1), "id": 11},
        sent(12, 10, run_id=2),
    )
    put(
        engine,
        delivery_event,
        *(news(n, "delivered") for n in (1, 2, 3, 12)),
        news(3, "delivered", 2),  # told twice
        news(4, "bounced"),
        news(4, "dropped"),  # of one message: not delivered once
        news(5, "deferred"),
        news(1, "opened"),
        news(1, "clicked"),
        news(2, "unsubscribed"),
        news(2, "complained"),
        news(1, "clicked", 2) | {"message_id": None},
    )
    put(engine, touchpoint, click(1, "click"), click(3, "landing"), click(2, "share"), click(12, "click"))
    put(
        engine,
        order,
        bought(1, 1, timedelta()),  # the very moment counts
        bought(2, 1, 7 * DAY - timedelta(seconds=1), refunded_minor=400),
        bought(3, 1, 7 * DAY),  # too late
        bought(4, 2, -timedelta(seconds=1)),  # before
        bought(5, 3, DAY, currency="EUR", total_minor=250),
        bought(6, 4, DAY, cancelled_at=NOW + 2 * DAY),
        bought(7, 5, DAY, paid_at=None),
        bought(8, 6, DAY),  # left alone, and bought
        bought(9, 9, DAY),  # refused by the provider: in neither group
        bought(10, 10, DAY),  # the other run's
        bought(11, 1, DAY, profile_id=None),  # nobody's
    )
    with read(engine) as connection:
        return results_of(connection, 1)


def test_news_is_counted_by_message(counted: Results) -> None:
    """Once a message and kind, however often told; a click on our own page counts as the provider's does."""
    assert counted.sent == 6
    assert counted.news == {
        "delivered": 3,
        "not delivered": 1,
        "opened": 1,
        "clicked": 2,
        "unsubscribed": 1,
        "complained": 1,
    }


def test_orders_are_counted_within_seven_days_of_the_first_message(counted: Results) -> None:
    """Paid and not cancelled, after refunds, beside those left alone; when the window closes follows the last."""
    assert counted.treated == Group(people=5, buyers=2, orders=3, worth={"EUR": 250, "USD": 1600})
    assert counted.control == Group(people=3, buyers=1, orders=1, worth={"USD": 1000})
    assert counted.until == NOW + 8 * DAY
    assert counted.difference is None  # eight people say nothing


def test_the_difference_has_bounds() -> None:
    """120 of 1,000 and 100 of 1,000: two points apart, by chance anything from -0.7 to 4.7."""
    one = Results(
        run_id=1,
        sent=1,
        news={},
        until=None,
        treated=Group(people=1000, buyers=120, orders=120, worth={}),
        control=Group(people=1000, buyers=100, orders=100, worth={}),
    )
    assert one.difference == pytest.approx((0.02, -0.0074, 0.0474), abs=1e-4)


def test_runs_that_sent_something_are_looked_at_again(counted: Results, engine: Engine) -> None:
    """Of late, through Prefect, and with something sent."""
    times = {"journey": "letters", "brief": {}}
    put(engine, run, {"id": 3, "flow_run_id": "empty", "started_at": NOW, **times})
    put(engine, run, {"id": 4, "flow_run_id": "old", "started_at": NOW - 10 * DAY, **times})
    put(engine, run, {"id": 5, "flow_run_id": "new", "started_at": NOW, **times})
    put(engine, message, sent(40, 4, run_id=4), sent(50, 5, run_id=5))
    with read(engine) as connection:
        assert runs_to_refresh(connection, since=NOW - 9 * DAY, limit=10) == [(5, "letters", "new")]
