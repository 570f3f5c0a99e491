"""`segue referrals`: what waits for somebody to look at it, in ids and signals; nobody is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner, Result

from segue.cli.main import app
from segue.service import open_segue
from segue.settings import load_settings
from segue.store.engine import read, write
from segue.store.tables import order, profile, referral

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command on an installation with three referrals, two of them to look at."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", NOW.isoformat())
    monkeypatch.setenv("COLUMNS", "140")
    load_settings.cache_clear()
    with open_segue() as segue:
        segue.install()
        with write(segue.engine) as connection:
            connection.execute(
                insert(profile), [{"id": n, "first_name": "Sarah", "created_at": NOW} for n in (1, 2, 3, 4)]
            )
            for n, (score, signals) in enumerate(((60, ["shared_phone"]), (100, ["same_email"]), (0, [])), start=1):
                connection.execute(
                    insert(order).values(
                        id=n, external_id=f"o{n}", profile_id=n + 1, sales_channel="web", currency="USD",
                        total_minor=5000, occurred_at=NOW, paid_at=NOW, recorded_at=NOW,
                    )
                )  # fmt: skip
                connection.execute(
                    insert(referral).values(
                        id=n, profile_id=1, friend_id=n + 1, order_id=n, code="C", occurred_at=NOW, score=score,
                        signals=signals, recorded_at=NOW,
                    )
                )  # fmt: skip
    yield lambda *arguments: CliRunner().invoke(app, ["referrals", *arguments])
    load_settings.cache_clear()


def reviews() -> dict[int, tuple[str | None, str | None]]:
    with open_segue() as segue, read(segue.engine) as connection:
        columns = (referral.c.id, referral.c.review, referral.c.reviewed_by)
        return {row[0]: (row[1], row[2]) for row in connection.execute(select(*columns))}


def counts(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    return {row[0]: row[1] for row in rows if len(row) == 2}


def test_the_queue_is_listed_worst_first_and_names_nobody(run: Callable[..., Result]) -> None:
    done = run()
    assert done.output.index("same email 100") < done.output.index("shared phone 60")
    assert "Sarah" not in done.output
    assert [cell.strip() for cell in next(one for one in done.output.splitlines() if "same email" in one).split("│")][
        1:-1
    ] == ["2", "100", "same email 100", "1", "3", "o2", "2026-05-12", "2026-05-12"]
    assert counts(done) == {"pending": "1", "to review": "2", "granted": "0", "refused": "0"}


def test_on_a_narrow_terminal_no_date_is_cut_off(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = run().output
    assert said.count("2026-05-12") == 4
    assert "…" not in said


def test_who_looked_decides_and_is_written_down(run: Callable[..., Result]) -> None:
    done = run("--approve", "1", "--refuse", "2", "--by", "Ada")
    assert counts(done) == {"pending": "2", "to review": "0", "granted": "0", "refused": "1", "by somebody": "1"}
    assert reviews() == {1: ("approved", "Ada"), 2: ("refused", "Ada"), 3: (None, None)}
    assert "shared phone" not in run().output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--approve", "99"), "no referral 99"), (("--approve", "1", "--refuse", "1"), "referral 1 cannot be")],
)
def test_what_cannot_be_done_is_said(run: Callable[..., Result], arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert says in str(done.exception)
    assert reviews()[1] == (None, None)
