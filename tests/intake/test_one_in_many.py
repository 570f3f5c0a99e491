"""One broken row in forty thousand: its own order is left out, with the line an editor shows, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select

from segue.clock import VirtualClock
from segue.intake import import_export
from segue.store.engine import read
from segue.store.tables import order, order_line

BROKEN = 3_141
HEAD = "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Id"


def test_one_broken_row_in_forty_thousand_costs_one_order(engine: Engine, tmp_path: Path) -> None:
    orders = 20_000 if engine.dialect.name == "sqlite" else 5_000
    rows, made = [HEAD], "2026-03-07 09:12:44 -0800"
    for number in range(orders):
        quantity = "two" if number == BROKEN else "1"
        who = f"#{number},p{number % 900}@example.com"
        rows.append(f"{who},paid,USD,30.00,{made},1,Scarf,20.00,{7_000_000_000 + number}")
        rows.append(f"{who},,,,{made},{quantity},Hat,10.00,")
    file = tmp_path / "orders_export_1.csv"
    file.write_text("\n".join((*rows, "")), "utf-8")
    report = import_export(
        engine, file, clock=VirtualClock(datetime(2026, 5, 1, tzinfo=UTC)), hash_address=lambda text: text
    )
    assert report.rows == 2 * orders
    assert [(one.line, one.column) for one in report.lines if one.reason == "bad_quantity"] == [
        (2 * BROKEN + 3, "Lineitem quantity")
    ]
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(order)) == orders - 1
        assert connection.scalar(select(func.count()).select_from(order_line)) == 2 * (orders - 1)
        assert connection.scalar(select(func.sum(order_line.c.total_minor))) == 3_000 * (orders - 1)
        names = connection.scalars(select(order.c.number).where(order.c.number == f"#{BROKEN}")).all()
    assert names == []
