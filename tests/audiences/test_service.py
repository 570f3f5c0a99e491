"""The verbs, on an installation like a shop's: files by default."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from segue.contract.fake_audience import FakeAudiences
from segue.journeys.retargeting import RetargetingBrief
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.engine import open_engine
from segue.store.tables import listing
from tests.audiences.people import DAY, NOW, SECRET, Town, line


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    engine = open_engine(database_url)
    yield Town(engine)
    engine.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        home=tmp_path / "home",
        outbox=tmp_path / "out",
        database_url=database_url,
        secret_key=SECRET.decode(),
        holdout_journey=0,
    )


@pytest.fixture
def segue(town: Town, settings: Settings) -> Iterator[Segue]:
    with open_segue(settings, town.clock) as opened:
        opened.install()
        yield opened


def test_syncs_into_files(town: Town, segue: Segue, tmp_path: Path) -> None:
    segue.switch_on("retargeting", live_from=NOW - 30 * DAY)
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    town.buy(who, town.variant(2))
    shown = segue.preview_audiences(RetargetingBrief())
    done = segue.sync_audiences(RetargetingBrief())
    assert [(one.audience, one.wanted) for one in done.lines] == [
        ("cart", 1), ("viewed", 0), ("landed", 0), ("related", 0), ("buyers", 1)
    ]  # fmt: skip
    assert [(one.audience, one.wanted, one.added) for one in shown.lines] == [
        (one.audience, one.wanted, one.added) for one in done.lines
    ]
    rows = (tmp_path / "out" / "audiences" / "segue-cart.csv").read_text().splitlines()
    assert len(rows) == 2
    assert "example.com" not in "".join(rows)


def test_what_happened_before_it_was_switched_on_is_history(town: Town, segue: Segue) -> None:
    """But for buyers: who is left out of ads triggers nothing."""
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    town.buy(who, town.variant(2), at=NOW - DAY)
    segue.switch_on("retargeting")
    report = segue.sync_audiences(RetargetingBrief())
    assert (line(report, "cart").considered, line(report, "buyers").considered) == (0, 1)


def test_lays_out_the_feed(town: Town, segue: Segue, tmp_path: Path) -> None:
    """A row a variant of what the channel lists, sold out or not; what is listed only elsewhere is not in it."""
    for product, channel in ((1, "web"), (2, "facebook_shop")):
        town.put(listing, product_id=product, sales_channel=channel, listed_from=NOW - DAY)
    town.stock(town.variant(1, "8"), 0)
    town.stock(town.variant(1, "10"), 5)
    assert segue.write_feed("web").rows == {"audiences_csv": 6}
    rows = {row["id"]: row for row in csv.DictReader((tmp_path / "out" / "feed.csv").read_text().splitlines())}
    assert {sku: row["availability"] for sku, row in rows.items()} == {
        "p1-6": "in stock", "p1-8": "out of stock", "p1-10": "in stock",
        "p3-6": "in stock", "p3-8": "in stock", "p3-10": "in stock",
    }  # fmt: skip
    tags = "utm_source=segue&utm_medium=audience&utm_campaign=retargeting&utm_content=feed"
    assert {row["link"].partition("?")[2] for row in rows.values()} == {tags}
    assert rows["p1-8"]["link"] == f"https://www.saltmere.example.com/p/1?{tags}"
    assert rows["p1-8"]["image_link"] == "https://assets.saltmere.example.com/i/1.png"
    assert (rows["p1-8"]["item_group_id"], rows["p1-8"]["price"], rows["p1-8"]["brand"]) == (
        "p1", "49.00 USD", "Saltmere"
    )  # fmt: skip


def test_explains_who_is_in_and_why_not(town: Town, segue: Segue) -> None:
    segue.switch_on("retargeting", live_from=NOW - 30 * DAY)
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    segue.sync_audiences(RetargetingBrief())
    town.look(who, "p2-8")
    town.consent(who, "denied")
    screen = Console(width=160, record=True)
    screen.print(segue.explain(str(who)))
    told = screen.export_text()
    assert "Left in a cart" in told
    assert "said no to marketing ads" in told
    assert "audiences_csv: in it since Mon 1 Jun 2026, 08:00 EDT" in told
    assert "did nothing lately that it is about" in told


def test_the_brake_knows_ads(segue: Segue) -> None:
    for name in ("channel:audience", "journey:retargeting", "connector:audiences_csv"):
        segue.pause(name, reason="test")
        assert segue.resume(name)


def test_the_feed_is_a_file_whatever_the_platforms_are(
    town: Town, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fetches a feed has it, too, and where one alone reads it, visits are booked under its name."""
    monkeypatch.setattr("segue.outbox.connectors.entry_points", points_and(meta=FakeAudiences, tiktok=FakeAudiences))
    town.stock(town.variant(1, "8"), 0)
    for platforms, source in (("meta", "meta"), ("meta,tiktok", "segue"), ("", "segue")):
        chosen = settings.model_copy(update={"connectors": {"email": "files", "audience": platforms}})
        with open_segue(chosen, town.clock) as segue:
            segue.install()
            assert segue.write_feed("web").rows == {"audiences_csv": 9}
        file = tmp_path / "out" / "feed.csv"
        rows = {row["id"]: row for row in csv.DictReader(file.read_text().splitlines())}
        assert rows["p1-8"]["availability"] == "out of stock"
        assert f"?utm_source={source}&" in rows["p1-8"]["link"]
        file.unlink()


def test_without_a_platform_there_is_no_audience_and_no_failure(town: Town, settings: Settings) -> None:
    bare = settings.model_copy(update={"connectors": {"email": "files"}})
    with open_segue(bare, town.clock) as segue:
        segue.install()
        for report in (segue.preview_audiences(RetargetingBrief()), segue.sync_audiences(RetargetingBrief())):
            assert (report.lines, report.busy, report.problems) == ((), False, ())


def points_and(**made: object) -> Callable[..., list[SimpleNamespace]]:
    """The installed entry points, and more."""
    more = [SimpleNamespace(name=name, load=lambda one=one: one) for name, one in made.items()]
    return lambda group: [*entry_points(group=group), *more]
