"""`segue vouchers`: how codes stand, taking them back, settling with the shop; no name, address or code is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner, Result

from segue.cli.main import app
from segue.service import open_segue
from segue.settings import load_settings
from segue.store.engine import read, write
from segue.store.tables import profile, voucher

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)
Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on an installation with four codes, one of which has run out."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_OUTBOX", str(tmp_path / "outbox"))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", NOW.isoformat())
    monkeypatch.setenv("COLUMNS", "120")
    load_settings.cache_clear()
    with open_segue() as segue:
        segue.install()
        with write(segue.engine) as connection:
            connection.execute(insert(profile).values(id=1, first_name="Sarah", created_at=NOW))
            for name, days, worth in (
                ("AAAAA-11111", 2, {"percent": 10}),
                ("BBBBB-22222", 60, {"amount_minor": 1500, "currency": "USD"}),
                ("CCCCC-33333", 60, {"amount_minor": 2550, "currency": "USD"}),
                ("DDDDD-44444", -1, {"amount_minor": 9900, "currency": "USD"}),
            ):
                times = {"valid_from": NOW - timedelta(days=3), "valid_until": NOW + timedelta(days=days)}
                row = {"key": name, "code": name, "profile_id": 1, "offer": "x"} | times | worth
                connection.execute(insert(voucher).values(**row))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["vouchers", *arguments])

    return invoke


@pytest.fixture(autouse=True)
def _fresh_settings() -> object:
    yield
    load_settings.cache_clear()


def cells(result: Result) -> dict[str, str]:
    """The table's rows."""
    assert result.exit_code == 0, result.output
    rows = [line.strip("│ ").split("│") for line in result.stdout.splitlines() if line.startswith("│")]
    return {row[0].strip(): row[1].strip() for row in rows}


def test_the_table_counts_codes_and_what_is_at_stake(run: Run) -> None:
    result = run()
    table = cells(result)
    assert (table["minted"], table["live"], table["end within 7 days"], table["published"]) == ("4", "3", "1", "0")
    assert table["at stake in USD"] == "$40.50"
    assert table["at stake: 10% of an order"] == "1"
    for personal in ("Sarah", "AAAAA", "22222"):
        assert personal not in result.output


def test_codes_are_taken_back_however_they_are_written_and_once(run: Run, tmp_path: Path) -> None:
    result = run("--revoke", " bbbbb-22222", "BBBBB-22222", "ZZZZZ-99999")
    assert "1 of 2 taken back; 1 were taken back before or are none of ours." in result.stdout
    table = cells(result)
    assert (table["revoked"], table["withdrawn by the shop"], table["live"]) == ("1", "0", "2")
    assert table["at stake in USD"] == "$25.50"
    assert "BBBBB-22222" in (tmp_path / "outbox" / "withdrawn.csv").read_text("utf-8")
    assert "0 of 1 taken back" in run("--revoke", "bbbbb-22222").stdout


def test_settling_tells_the_shop_and_says_what_came_of_it(run: Run, tmp_path: Path) -> None:
    result = run("--settle")
    assert "The shop took 3 new codes and took out 0; it told of 0 uses" in " ".join(result.stdout.split())
    table = cells(result)
    assert (table["known to the shop"], table["not yet known to the shop"]) == ("3", "0")
    outbox = tmp_path / "outbox"
    assert "DDDDD" not in (outbox / "codes.csv").read_text("utf-8")
    (outbox / "redemptions.csv").write_text(f"code,order_id,redeemed_at\nAAAAA-11111,o1,{NOW.isoformat()}\n", "utf-8")
    again = run("--revoke", "CCCCC-33333", "--settle")
    assert "it told of 1 uses of our codes, 1 of them new" in " ".join(again.stdout.split())
    assert cells(again)["redeemed"] == "1"
    with open_segue() as segue, read(segue.engine) as connection:
        withdrawn = select(voucher.c.code).where(voucher.c.withdrawn_at.is_not(None))
        assert connection.scalars(withdrawn).all() == ["CCCCC-33333"]


@pytest.mark.parametrize("arguments", [["AAAAA-11111"], ["--revoke"]])
def test_a_code_without_revoke_changes_nothing(run: Run, arguments: list[str]) -> None:
    """Nor does --revoke without a code."""
    result = run(*arguments)
    assert isinstance(result.exception, ValueError)
    assert "--revoke CODE" in str(result.exception)
    assert cells(run())["live"] == "3"
