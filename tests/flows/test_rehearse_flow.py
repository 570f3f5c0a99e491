"""The rehearsal on the desk: what is saved for the deployments is read, and the days' page tells whom and when."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Self

import pytest
from prefect.exceptions import ObjectNotFound

from flows import saved
from flows.errors import FlowError
from flows.rehearse import page
from flows.rehearsed_days import days_page
from segue.gallery.calendar import Calendar, Day, Entry
from segue.journeys import abandoned_cart, campaign, popup_invite, style_followup
from segue.journeys.abandoned_cart import AbandonedCartBrief
from segue.service import journey_choices, words
from tests.flows.widths import cut_off

FIRST = date(2026, 3, 6)


class _Server:
    """Answers for one deployment each; nobody saved the others."""

    def __init__(self, saved: dict[str, Any]) -> None:
        self._saved = saved

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_deployment_by_name(self, name: str) -> Any:
        if name not in self._saved:
            raise ObjectNotFound(Exception(name))
        file = name.partition("/")[0].replace("-", "_")
        return SimpleNamespace(
            schedules=[] if file == "campaign" else ["every five minutes"],
            entrypoint=f"flows/{file}.py:{file}",
            parameters=self._saved[name],
        )


def test_what_is_saved_for_the_deployments_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the form reads it, mode and all; where nothing is saved, or nothing starts by itself, nothing is turned."""
    cart = {"brief": {"mode": "Send for real", "idle_minutes": 90, "last_call": False}}
    server = _Server({"abandoned-cart/live": cart, "campaign/live": {"brief": {}}, "popup-invite/live": {}})
    monkeypatch.setattr(saved, "get_client", lambda **_: server)
    journeys = {one.JOURNEY.name: one.JOURNEY for one in (abandoned_cart, campaign, popup_invite, style_followup)}
    assert saved.saved_briefs(journeys) == {"abandoned_cart": AbandonedCartBrief(idle_minutes=90, last_call=False)}
    cart["brief"] |= {"idle_minutes": 1, "since": "wren@example.com"}
    with pytest.raises(FlowError, match=r"abandoned-cart/live no longer fit its form \(idle_minutes, since\)") as told:
        saved.saved_briefs(journeys)
    assert "wren" not in str(told.value)


def _calendar(days: int, sent: int) -> Calendar:
    def entry(number: int, outcome: str, **more: Any) -> Entry:
        at = datetime(2026, 3, 6, 12, tzinfo=UTC) + timedelta(minutes=number)
        asked = {"journey": "abandoned_cart", "step": "last_call", "outcome": outcome, "profile_id": 1000 + number}
        where = {"at": at, "day": FIRST, "hour": f"{at:%H:%M}", "zone": "EST"}
        return Entry(**(where | asked | {"channel": "sms", "reason": None} | more))

    entries = [entry(number, "sent") for number in range(sent)]
    entries.append(entry(500, "held", reason="quiet_hours", until="Sat 7 Mar, 09:00"))
    counts = {("abandoned_cart", "sent", "sms"): 132 + sent, ("abandoned_cart", "held", "quiet_hours"): 1}
    made = [
        Day(day=FIRST + timedelta(days=n), counts=counts if n != 1 else {}, entries=tuple(entries) if n != 1 else ())
        for n in range(days)
    ]
    return Calendar(
        since=FIRST, until=FIRST + timedelta(days=days), zone="America/New_York", shift=timedelta(0),
        journeys=("abandoned_cart",), titles={"abandoned_cart": "Abandoned cart"}, days=tuple(made),
        ends=dict(Counter({("abandoned_cart", "sent"): 1})), waited={}, digest="0",
    )  # fmt: skip


def test_the_days_page_tells_whom_and_when() -> None:
    """Ids and hours, twenty a day and outcome; the rest is counted, and quiet days are left out."""
    text = days_page(_calendar(3, 20))
    assert (
        text.count(
            "## Friday, 6 March 2026\n\n- **Sent: 152**\n    - Abandoned cart, last call by text message: **1000** at"
        )
        == 1
    )
    assert "**1000** at 12:00 EST, **1001** at 12:01 EST" in text
    assert "    - and 132 more\n- **Held: 1**" in text
    assert "(quiet hours there): **1500** at 20:20 EST until Sat 7 Mar, 09:00" in text
    assert "7 March" not in text


def test_the_weeks_tell_every_journey_what_was_held_and_what_left_out() -> None:
    """However many journeys there are: a column each was wider than the page."""
    names = tuple(journey_choices())
    shown = replace(_calendar(3, 20), journeys=names, titles={name: words.title(name) for name in names})
    text = page(shown, "x.html")
    assert "\n- **2026-03-02: 304 sent**, 2 held, 0 left out. Abandoned cart 304\n" in text
    assert "\n- **2026-03-09" not in text
    assert cut_off(text) == []


def test_the_days_page_of_a_year_is_not_too_long() -> None:
    """Three a day and outcome, however many were listed."""
    text = days_page(_calendar(366, 20))
    assert text.count("    - and 149 more") == 365
    assert len(text) < 150_000
