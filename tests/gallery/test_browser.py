"""The gallery in a real browser, from the disk: it loads nothing from the network and stays quiet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PAGES = (
    "index.html",
    "gallery/story.html",
    "gallery/messages/index.html",
    "gallery/messages/1.html",
    "gallery/messages/9.html",
    "gallery/people/abandoned_cart--reminder--considered.html",
    "gallery/person/3.html",
)
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("width", [1280, 375])
def test_a_page_asks_the_network_for_nothing_and_fits(browser: Any, gallery: Path, address: str, width: int) -> None:
    """No request leaves the disk, nothing is refused or fails in a script, and nobody scrolls sideways."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto((gallery / address).as_uri())
    page.wait_for_load_state()
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_the_filter_narrows_the_messages(browser: Any, gallery: Path) -> None:
    """By channel and by name, from the disk, and it says how many are left."""
    page = browser.new_page()
    page.goto((gallery / "gallery/messages/index.html").as_uri())
    shown = page.locator("#cards > li:visible")
    everything = shown.count()
    page.get_by_label("Channel").select_option("sms")
    assert shown.count() == 1
    assert page.locator("output").inner_text() == "1 shown"
    page.get_by_label("Channel").select_option("")
    page.get_by_label("Name or subject").fill("nobody of that name")
    assert shown.count() == 0
    assert page.locator("#nothing").is_visible()
    page.get_by_label("Name or subject").fill("")
    assert shown.count() == everything
    page.close()


def test_night_and_width_are_switched_by_keyboard(browser: Any, gallery: Path) -> None:
    """Plain radio buttons: they work without a mouse and without a script."""
    page = browser.new_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.goto((gallery / "gallery/messages/1.html").as_uri())
    day, night = page.locator(".screen.day"), page.locator(".screen.night")
    assert day.is_visible()
    assert not night.is_visible()
    page.get_by_label("Day").focus()
    page.keyboard.press("ArrowRight")
    assert night.is_visible()
    assert not day.is_visible()
    wide = night.bounding_box()["width"]
    page.get_by_label("600 px").focus()
    page.keyboard.press("ArrowRight")
    assert wide > 600
    assert night.bounding_box()["width"] == pytest.approx(377)
    page.close()
