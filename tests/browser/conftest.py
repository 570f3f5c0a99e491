"""A marketer's desk for the browser tests: a whole site on a scratch home, and a headless Chromium before it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.up import ROOT, Site, site
from segue.clock import VirtualClock
from segue.sample.pictures import draw_brand
from segue.service import Segue, open_segue
from segue.settings import Settings
from tests.browser.api import call
from tests.browser.neighbours import Neighbours, fill
from tests.flows.receivers import Hook, Postbox, hook, postbox

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
    town: Neighbours
    #: Prefect's own; and one for files that are imported.
    prefect_home: Path
    files: Path
    #: Where colleagues are told.
    hook: Hook
    postbox: Postbox

    def deployment(self, name: str) -> dict[str, Any]:
        """A deployment as Prefect describes it."""
        found: dict[str, Any] = call(self.site, f"/deployments/name/{name}/live")
        return found


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """`make up` on a store with a pop-up and the people around it.

    Outside pytest's folders: other runs of pytest sweep those, and a site lives for minutes.
    """
    folder = Path(tempfile.mkdtemp(prefix="segue_desk_"))
    with open_desk(folder) as opened:
        yield opened
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def open_desk(folder: Path) -> Iterator[Desk]:
    """Start the site in a folder; every schedule rests, or the machine would be busy with other things."""
    settings = Settings(home=folder / "home", outbox=folder / "outbox", holdout_journey=0.1, virtual_now=NOW)
    with hook() as told, postbox() as box, open_segue(settings, VirtualClock(NOW)) as segue:
        segue.install()
        town = fill(segue.engine, now=NOW)
        draw_brand(folder / "pictures")
        environment = _as_environment(settings) | _told(told, box) | {"SEGUE_PICTURES": str(folder / "pictures")}
        with site(root=ROOT, home=folder / "prefect", settings=environment) as up:
            for deployment in call(up, "/deployments/filter", {}):
                rest(up, deployment)
            yield Desk(
                site=up,
                segue=segue,
                town=town,
                prefect_home=folder / "prefect",
                files=folder,
                hook=told,
                postbox=box,
            )


@pytest.fixture(scope="module")
def pictures() -> Path:
    """Where screenshots go: `KEEP_PICTURES_IN`, else a folder to look at them."""
    folder = ROOT / os.environ.get("KEEP_PICTURES_IN", "out/screenshots")
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


def rest(up: Site, deployment: dict[str, Any]) -> None:
    """Switch a deployment's schedules off."""
    for schedule in deployment["schedules"]:
        if schedule["active"]:
            address = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
            call(up, address, {"active": False}, method="PATCH")


def _as_environment(settings: Settings) -> dict[str, str]:
    return {
        "SEGUE_HOME": str(settings.home),
        "SEGUE_DATABASE_URL": "",
        "SEGUE_OUTBOX": str(settings.outbox),
        "SEGUE_HOLDOUT_JOURNEY": str(settings.holdout_journey),
        "SEGUE_APPROVE_ABOVE_MESSAGES": "50",  # twice as many are invited
        "SEGUE_VIRTUAL_NOW": NOW.isoformat(),
        # The server plans ahead once a minute; a schedule that is switched on here is waited for.
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "3",
    }


def _told(told: Hook, box: Postbox) -> dict[str, str]:
    return {
        "SEGUE_NOTIFY_WEBHOOK": told.url,
        "SEGUE_NOTIFY_EMAIL": "desk@example.com",
        "SEGUE_NOTIFY_SMTP": f"smtp://shop:s3cret%40%2F%3A%23@127.0.0.1:{box.port}?starttls=false",
    }
