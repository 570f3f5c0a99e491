"""Cancellations, returns and parcels that are read before their order."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import event as listening

PARCELS = """
name = "parcels"
[[record]]
kind = "fulfilment"
[record.fields]
order = "order"
kind = { constant = "packed" }
occurred_at = "at"
location = "location"
"""


def _call(name, at, order="o1", **more):
    return (
        json.dumps(
            {
                "type": "track", "event": name, "userId": "u1", "messageId": f"{name} {order} {at}",
                "timestamp": f"2026-04-{at:02}T10:00:00Z", "properties": {"order_id": order, **more},
            }
        )
        + "\n"
    )  # fmt: skip


ORDER = _call("Order Completed", 1, total=11, products=[{"sku": "A", "price": 5}, {"sku": "B", "price": 6}])
STATE = """SELECT o.cancelled_at, v.sku, l.returned_at FROM "order" o JOIN order_line l ON l.order_id = o.id
JOIN variant v ON v.id = l.variant_id ORDER BY v.sku"""
KEPT = "SELECT dedupe, profile_id FROM event WHERE name = 'Order Paper Waiting' ORDER BY 1"
MARK = ("Order Paper Waiting", None)


@pytest.mark.parametrize(
    "papers",
    [
        [_call("Order Cancelled", 2)],
        [_call("Order Cancelled", 3), _call("Order Cancelled", 2)],
        [_call("Order Refunded", 2)],
        [_call("Order Refunded", 3, products=[{"sku": "B"}]), _call("Order Refunded", 2, products=[{"sku": "A"}])],
    ],
    ids=["cancelled", "twice", "returned", "in parts"],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_what_came_before_its_order_ends_as_what_came_after_it(events_of, rows, census, papers, *, at_once):
    files = ["".join(papers) * 2] if at_once else papers
    for number in range(2):
        for file in files:
            report = events_of(file)
            assert not report.skipped
            assert report.warnings["waits_for_order"] == file.count("\n")
            assert not report.taken.get("reversal")
        if number == 0:
            before = census(), rows("SELECT properties FROM event ORDER BY id")
    assert (census(), rows("SELECT properties FROM event ORDER BY id")) == before
    assert rows(KEPT) == [MARK, ("Order Paper Waiting: o1", None)]

    report = events_of(ORDER)
    assert (dict(report.skipped), dict(report.warnings)) == ({}, {})
    early = rows(STATE)
    assert rows(KEPT) == [MARK]
    assert any(row[0] or row[2] for row in early)

    events_of("".join([ORDER, *papers]).replace("o1", "o2"))
    late = rows(STATE.replace("ORDER BY", "WHERE o.external_id = 'o2' ORDER BY"))
    assert early == late
    again = events_of("".join(papers))
    assert not again.warnings
    assert rows(KEPT) == [MARK]


def test_a_parcel_before_its_order(events_of, table_of, rows):
    """Only its own order takes it along."""
    for _ in range(2):
        report = table_of("order,at,location\no1,2026-04-01T11:00:00Z,\no9,2026-04-01T11:00:00Z,\n", PARCELS)
        assert (dict(report.skipped), dict(report.warnings)) == ({}, {"waits_for_order": 2})
    for _ in range(2):
        events_of(ORDER)
        assert rows('SELECT o.external_id, f.kind FROM fulfilment f JOIN "order" o ON o.id = f.order_id') == [
            ("o1", "packed")
        ]
    assert rows(KEPT) == [MARK, ("Order Paper Waiting: o9", None)]


def test_where_nothing_ever_waited_one_look_is_all(engine, events_of):
    asked = []
    listening.listen(engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    events_of(ORDER)
    assert sum("Order Paper Waiting" in str(values) for _, values in asked) == 1
