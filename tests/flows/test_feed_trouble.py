"""Trouble with the product feed is told, and keeps nobody in an audience; nothing of it leaves while all is paused."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from flows import audiences
from flows.errors import FlowError
from flows.forms import Mode
from flows.retargeting import RetargetingForm
from segue.service import Segue, Start, open_segue
from tests.audiences.people import Town
from tests.flows.conftest import NOW

SEND = RetargetingForm(mode=Mode.SEND)


def mirrored(installed: Segue, monkeypatch: pytest.MonkeyPatch) -> tuple[Town, int]:
    """A town whose audiences were mirrored by schedule, and the one person who is in them."""
    monkeypatch.setattr(audiences, "settle_start", lambda _mode: Start.SCHEDULE)
    monkeypatch.setattr(audiences, "open_segue", lambda: nullcontext(installed))
    installed.switch_on("retargeting", NOW - timedelta(days=30))
    town = Town(installed.engine, NOW)
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    audiences.run_audiences(SEND)
    return town, who


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_no_is_heard_though_the_feed_cannot_be_written(installed: Segue, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []
    monkeypatch.setattr(audiences, "create_markdown_artifact", lambda text, **_: pages.append(text))
    town, who = mirrored(installed, monkeypatch)
    folder = Path(installed.settings.outbox)
    in_it, feed = folder / "audiences" / "segue-cart.csv", folder / "feed.csv"
    assert len(in_it.read_text().splitlines()) == 2

    feed.unlink()
    feed.mkdir()
    town.consent(who, "denied")
    with pytest.raises(FlowError, match=r"feed at audiences_csv was not renewed: cannot write feed\.csv"):
        audiences.run_audiences(SEND)
    assert len(in_it.read_text().splitlines()) == 1
    assert "**the product feed at audiences_csv was not renewed: cannot write feed.csv" in pages[-1]

    feed.rmdir()
    for brake in ("all", "channel:audience", "connector:audiences_csv"):
        installed.pause(brake, reason="test")
        with pytest.raises(FlowError, match=f"paused: {brake}"):
            audiences.run_audiences(SEND)
        assert f"was not renewed: paused: {brake}**" in pages[-1]
        assert not feed.exists()
        installed.resume(brake)
    audiences.run_audiences(SEND)
    assert feed.is_file()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_no_is_heard_though_nobody_can_be_added(installed: Segue, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run would add is hashed with the brand; a brand file that is gone ends the run, and keeps nobody in."""
    monkeypatch.setattr(audiences, "create_markdown_artifact", lambda *_, **__: None)
    town, who = mirrored(installed, monkeypatch)
    in_it = Path(installed.settings.outbox) / "audiences" / "segue-cart.csv"
    town.consent(who, "denied")
    town.add_to_cart(town.person(), town.variant(1))
    broken = installed.settings.model_copy(update={"brand": in_it.with_name("gone.toml")})
    with open_segue(broken, installed.clock) as other:
        monkeypatch.setattr(audiences, "open_segue", lambda: nullcontext(other))
        with pytest.raises(FlowError, match="BrandError"):
            audiences.run_audiences(SEND)
    assert len(in_it.read_text().splitlines()) == 1
