"""What Segue refuses to start with, what it says then, and what stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import insert

from segue import installation
from segue.clock import VirtualClock
from segue.contract import ConfigurationError
from segue.outbox import brake
from segue.service import open_segue
from segue.settings import Settings
from segue.store.engine import write
from segue.store.tables import order, profile

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)


def test_a_second_host_with_a_secret_of_its_own_is_refused(tmp_path: Path, database_url: str) -> None:
    """It would hash addresses differently, so that somebody who unsubscribed is mailed from there."""
    first, second = (Settings(home=tmp_path / name, database_url=database_url) for name in ("first", "second"))
    with open_segue(first) as segue:
        segue.install()
        hashed = segue.hash_address("sarah@example.com")
    with open_segue(second) as segue:
        with pytest.raises(
            ConfigurationError, match=r"set SEGUE_SECRET_KEY to the same value on every host"
        ) as refusal:
            segue.install()
        assert str(second.home / "secret.key") in str(refusal.value)
        with pytest.raises(ConfigurationError, match="another secret key"):
            segue.drain_ready()
    key = (first.home / "secret.key").read_text()
    assert key not in str(refusal.value)
    with open_segue(second.model_copy(update={"secret_key": SecretStr(key)})) as segue:
        segue.install()
        segue.drain_ready()
        assert segue.hash_address("sarah@example.com") == hashed


@pytest.mark.parametrize(
    "url",
    [
        "swordfish",
        "nothing://segue:swordfish@db.example.com/segue",
        "postgresql://segue:swordfish@db.example.com/segue",
        "postgresql+psycopg://segue:sword@fish@db.example.com/segue",
        "postgresql+psycopg://segue:swordfish@db.example.com:port/segue",
    ],
)
def test_an_address_of_no_database_is_named_and_not_shown(tmp_path: Path, url: str) -> None:
    """It may hold a password."""
    with (
        open_segue(Settings(home=tmp_path, database_url=url)) as segue,
        pytest.raises(ConfigurationError, match=r"SEGUE_DATABASE_URL .*postgresql\+psycopg://") as refusal,
    ):
        segue.install()
    assert "fish" not in str(refusal.value)


@pytest.mark.parametrize("value", ["segue.journeys.gone:JOURNEY", "segue.journeys.abandoned_cart:GONE"])
def test_a_journey_that_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Somebody else's package may be broken; we say which."""
    point = EntryPoint(name="thank_you", value=value, group="segue.journeys")
    monkeypatch.setattr(installation, "entry_points", lambda group: [point])
    with (
        open_segue(Settings(home=tmp_path)) as segue,
        pytest.raises(ConfigurationError, match=f"journey thank_you cannot be loaded: the entry point {value}"),
    ):
        _ = segue.journeys


def test_the_brake_takes_the_names_there_are_and_shows_what_stands_still(tmp_path: Path, database_url: str) -> None:
    """A typing error would brake nothing, so it is refused with the choice."""
    settings = Settings(home=tmp_path, database_url=database_url)
    names = ["all", "channel:sms", "connector:smtp", "journey:abandoned_cart", "run:7"]
    with open_segue(settings, VirtualClock(NOW)) as segue:
        segue.install()
        for name in names:
            segue.pause(name, reason="login refused")
        assert [(one.name, one.reason, one.since) for one in segue.standing_still()] == [
            (name, "login refused", NOW) for name in names
        ]
        assert [segue.resume(name) for name in names] == [True] * len(names)
        assert segue.standing_still() == []
        assert not segue.resume("channel:sms")
        for wrong in ("sms", "channel:fax", "connector:smpt", "journey:gone", "run:", "run:x", "alles:", ""):
            with pytest.raises(ValueError, match=r"choose all, run:7 .*journey:abandoned_cart.*connector:smtp"):
                segue.pause(wrong, reason="x")
            with pytest.raises(ValueError, match="channel:sms"):
                segue.resume(wrong)


def test_a_brake_on_a_connector_that_is_gone_can_be_let_go(tmp_path: Path) -> None:
    """A worker put it on; the package was taken out since."""
    with open_segue(Settings(home=tmp_path)) as segue:
        segue.install()
        with write(segue.engine) as connection:
            brake.set_paused(connection, "connector:gone", paused=True, reason="login refused", now=NOW)
        assert segue.resume("connector:gone")
        assert segue.standing_still() == []


def test_a_played_clock_stops_for_no_journey_that_is_switched_off(tmp_path: Path, database_url: str) -> None:
    """An order that will be paid in an hour: of interest to receipts, once there are any."""
    soon = NOW + timedelta(hours=1)
    settings = Settings(home=tmp_path, database_url=database_url)
    with open_segue(settings, VirtualClock(NOW)) as segue:
        segue.install()
        with write(segue.engine) as connection:
            connection.execute(insert(profile).values(id=1, created_at=NOW))
            connection.execute(
                insert(order).values(
                    external_id="1", profile_id=1, sales_channel="web", currency="USD", total_minor=100,
                    occurred_at=NOW, paid_at=soon, recorded_at=NOW,
                )
            )  # fmt: skip
        assert segue.next_due_at() is None
        segue.switch_on("order_confirmation")
        assert segue.next_due_at() == soon
