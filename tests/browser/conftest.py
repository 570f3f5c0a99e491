"""A marketer's desk for the browser tests: a whole site on a scratch home, and a headless Chromium before it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.up import ROOT, Site, site
from segue.clock import VirtualClock
from segue.service import Segue, open_segue
from segue.settings import Settings
from tests.browser.api import call
from tests.flows.receivers import Hook, Postbox, hook, postbox
from tests.flows.shop import Shop, fill

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)  # noon in New York
CHROMIUM = "/usr/bin/chromium"
#: No sandbox as root; and nothing that asks the internet for something.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Desk:
    """The site, the store behind it, and who is in it."""

    site: Site
    segue: Segue
    shop: Shop
    prefect_home: Path
    #: Where colleagues are told.
    hook: Hook
    postbox: Postbox


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """`make up` on a store where twenty people left a cart two hours ago.

    Outside pytest's folders: other runs of pytest sweep those, and a site lives for minutes.
    """
    folder = Path(tempfile.mkdtemp(prefix="segue_desk_"))
    settings = Settings(home=folder / "home", outbox=folder / "outbox", holdout_journey=0, virtual_now=NOW)
    with hook() as told, postbox() as box, open_segue(settings, VirtualClock(NOW)) as segue:
        segue.install()
        shop = fill(segue.engine, now=NOW)
        segue.switch_on("abandoned_cart", NOW - timedelta(days=1))
        environment = _as_environment(settings) | _told(told, box)
        with site(root=ROOT, home=folder / "prefect", settings=environment) as up:
            rest_schedule(up)
            yield Desk(site=up, segue=segue, shop=shop, prefect_home=folder / "prefect", hook=told, postbox=box)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def pictures() -> Path:
    """Where screenshots go, to be looked at."""
    folder = ROOT / "out" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium with an empty profile; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: browser)")
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            viewport={"width": 1360, "height": 1000},
        )
        context.set_default_timeout(20_000)
        yield context
        context.close()


def rest_schedule(up: Site) -> None:
    """Switch the journey's schedule off, or it would send in the middle of the morning."""
    deployment = call(up, "/deployments/name/abandoned-cart/live")
    (schedule,) = deployment["schedules"]
    call(up, f"/deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": False}, method="PATCH")


def _as_environment(settings: Settings) -> dict[str, str]:
    return {
        "SEGUE_HOME": str(settings.home),
        "SEGUE_DATABASE_URL": "",
        "SEGUE_OUTBOX": str(settings.outbox),
        "SEGUE_HOLDOUT_JOURNEY": "0",
        "SEGUE_APPROVE_ABOVE_MESSAGES": "10",  # sixteen would be sent
        "SEGUE_VIRTUAL_NOW": NOW.isoformat(),
    }


def _told(told: Hook, box: Postbox) -> dict[str, str]:
    return {
        "SEGUE_NOTIFY_WEBHOOK": told.url,
        "SEGUE_NOTIFY_EMAIL": "desk@example.com",
        "SEGUE_NOTIFY_SMTP": f"smtp://shop:s3cret%40%2F%3A%23@127.0.0.1:{box.port}?starttls=false",
    }
