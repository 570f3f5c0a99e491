"""`segue finance`: what is owed in points and codes, by month, as a table, a CSV and a page; nobody's in particular."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from typer.testing import CliRunner, Result

from flows.finance import page
from segue.cli.main import app
from segue.offers import ReferralCount
from segue.offers.loyalty import spend
from segue.service import open_segue
from segue.service.finance import rewards_ahead, written_to
from segue.settings import load_settings
from segue.settings.house import Referral
from segue.store.engine import write
from segue.store.tables import order, profile, redemption, referral, voucher

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)
Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on a shop with three orders, a spending and five codes."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", NOW.isoformat())
    monkeypatch.setenv("SEGUE_HOUSE__LOYALTY__STARTS_ON", "2026-01-01")
    monkeypatch.setenv("COLUMNS", "120")
    load_settings.cache_clear()
    with open_segue() as segue:
        segue.install()
        with write(segue.engine) as connection:
            connection.execute(insert(profile).values(id=1, first_name="Sarah", created_at=NOW))
            for number, dollars, days, currency in (
                (1, 400, 100, "USD"), (2, 100, 50, "USD"), (3, 60, 2, "USD"), (4, 70, 2, "EUR"), (5, 70, 200, "EUR"),
            ):  # fmt: skip
                paid = NOW - timedelta(days=days)
                connection.execute(
                    insert(order).values(
                        id=number, external_id=str(number), profile_id=1, sales_channel="web", currency=currency,
                        total_minor=dollars * 100, occurred_at=paid, paid_at=paid, recorded_at=paid,
                    )
                )  # fmt: skip
        segue.book_points()
        with write(segue.engine) as connection:
            assert spend(connection, 1, 250, "till", NOW)
            for number, (days, worth) in enumerate(
                (
                    (2, {"percent": 10}),
                    (60, {"amount_minor": 1500, "currency": "USD"}),
                    (60, {"amount_minor": 2550, "currency": "EUR"}),
                    (-1, {"amount_minor": 9900, "currency": "USD"}),
                    (60, {"amount_minor": 7700, "currency": "USD"}),
                ),
                start=1,
            ):
                times = {"valid_from": NOW - timedelta(days=3), "valid_until": NOW + timedelta(days=days)}
                row = {"id": number, "key": f"k{number}", "code": f"C{number}", "profile_id": 1, "offer": "x"}
                connection.execute(insert(voucher).values(**row, **times, **worth))
            connection.execute(
                insert(redemption).values(
                    voucher_id=5, order_ref="o", source="order", counts=True, redeemed_at=NOW, recorded_at=NOW
                )
            )

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["finance", *arguments])

    return invoke


def test_points_and_codes_stand_in_the_month_they_run_out(run: Run, tmp_path: Path) -> None:
    """What order 1 left unspent ends in March 2027, order 2 in April; what is pending of order 3 ends in June."""
    file = tmp_path / "open.csv"
    done = run("--csv", str(file))
    assert done.exit_code == 0, done.output
    with file.open(newline="", encoding="utf-8") as text:
        lines = list(csv.reader(text))
    assert lines == [
        ["month", "kind", "count", "worth_minor", "currency"],
        ["2026-05", "codes_of_a_percentage", "1", "", ""],
        ["2026-07", "codes_of_an_amount", "1", "2550", "EUR"],
        ["2026-07", "codes_of_an_amount", "1", "1500", "USD"],
        ["2027-03", "points_available", "150", "", ""],
        ["2027-03", "points_pending", "0", "", ""],
        ["2027-03", "points", "150", "600", "USD"],
        ["2027-04", "points_available", "100", "", ""],
        ["2027-04", "points_pending", "0", "", ""],
        ["2027-04", "points", "100", "400", "USD"],
        ["2027-06", "points_available", "0", "", ""],
        ["2027-06", "points_pending", "60", "", ""],
        ["2027-06", "points", "60", "240", "USD"],
    ]
    total = next(line for line in done.output.splitlines() if "total" in line)
    assert [cell.strip() for cell in total.strip("│ ").split("│")] == [
        "total", "250", "60", "$12.40", "3", "€25.50, $15.00", "1",
    ]  # fmt: skip
    assert "1 paid orders earned no points: they are in another currency than USD." in done.output
    assert "Sarah" not in done.output


def test_the_page_says_the_same_with_a_chart_and_names_the_file(run: Run, tmp_path: Path) -> None:
    assert run().exit_code == 0
    with open_segue() as segue:
        promises = segue.finance()
    file = written_to(tmp_path / "finance", promises.at, "x")
    said = page(promises, str(file))
    assert "**310 points** are open on 2026-05-12, worth $12.40" in said
    assert "| 2027-06 | 0 | 60 | $2.40 | 0 |  | 0 |" in said
    assert "data:image/svg+xml;base64," in said
    assert str(file) in said
    assert file.read_text() == "x"
    assert "Sarah" not in said


def test_nothing_open_is_said_so(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", NOW.isoformat())
    load_settings.cache_clear()
    with open_segue() as segue:
        segue.install()
        assert page(segue.finance(), "") == "**Nothing is open**: no points, and no codes that could still be used."


def test_what_friends_may_still_earn_is_told_beside(run: Run) -> None:
    """Two vouchers each; also where no points and no codes are open."""
    count = ReferralCount(pending=2, to_review=1, granted=5, refused=1, refusals={})
    said = rewards_ahead(count, Referral())
    assert said == (
        "3 referrals are pending (1 of them to be reviewed): $90.00 in vouchers, half for each of the two, if all are "
        "granted."
    )
    with open_segue() as segue:
        promises = segue.finance()
        assert said in page(promises, "f.csv", said)
        assert said in page(replace(promises, months=()), "f.csv", said)
        with write(segue.engine) as connection:
            friends = {"profile_id": 1, "code": "C", "score": 0, "signals": [], "occurred_at": NOW, "recorded_at": NOW}
            connection.execute(insert(profile).values(id=2, created_at=NOW))
            connection.execute(update(order).where(order.c.id == 3).values(profile_id=2))
            connection.execute(insert(referral).values(friend_id=2, order_id=3, **friends))
    assert "1 referral is pending: $30.00 in vouchers" in run().output
