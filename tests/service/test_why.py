"""Why somebody got nothing: told of every journey that is on, from facts, the same at the desk and in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import insert

from segue.clock import VirtualClock
from segue.journeys.campaign import JOURNEY as CAMPAIGN
from segue.journeys.campaign import CampaignBrief
from segue.journeys.popup_invite import JOURNEY as INVITE
from segue.journeys.popup_invite import PopupInviteBrief
from segue.journeys.segments import Definition, Lives
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.engine import write
from segue.store.tables import identifier, order, profile
from tests.journeys.popups import DAY, HERE, HOUSE, NOON, due, homes, neighbours, popup

NEAR, FAR, NOWHERE = range(1, 31), 31, 32


@pytest.fixture
def segue(tmp_path: Path) -> Iterator[Segue]:
    """A pop-up with one place, thirty people next door, one far away and one of whom nobody knows where she lives."""
    settings = Settings(home=tmp_path, database_url="", holdout_journey=0, house=HOUSE)
    with open_segue(settings, VirtualClock(NOON)) as opened:
        opened.install()
        popup(opened.engine, name="Tent", capacity=1)
        neighbours(opened.engine, NEAR)
        homes(opened.engine, {FAR: (HERE[0] + 1, HERE[1])})
        with write(opened.engine) as connection:
            connection.execute(insert(profile), {"id": NOWHERE, "created_at": NOON, "country": "US"})
            connection.execute(
                insert(identifier),
                {"profile_id": NOWHERE, "kind": "email", "value": "sarah@example.com", "verified": True}
                | {"recorded_at": NOON},
            )
        yield opened


def said(segue: Segue, who: int) -> dict[str, str]:
    """What is said of her and each journey."""
    (why,) = segue.why(str(who))
    return dict(why.now)


def test_whoever_is_not_invited_hears_why(segue: Segue) -> None:
    """Too far, nobody knows where, not drawn; who is drawn hears what the rules would say. By the last run's brief."""
    assert said(segue, FAR)["Not switched on"].startswith("Abandoned cart, Campaign, ")
    segue.switch_on("popup_invite", live_from=NOON - DAY)
    drawn = {who for _, who in due(segue.engine)}
    lucky, unlucky = min(drawn), min(set(NEAR) - drawn)
    why = {who: said(segue, who)["Pop-up invite"] for who in (FAR, NOWHERE, lucky, unlucky)}
    assert why[FAR].startswith("Not due now: she lives further than 50 km from Tent. It asks for a home near enough")
    assert "Not due now: nobody knows where she lives." in why[NOWHERE]
    assert "Not due now: others were drawn before her for Tent; a later wave may reach her." in why[unlucky]
    assert why[lucky].startswith("Due now. Invite, in a run like the last one: would be left out: ")
    segue.start_run(INVITE, PopupInviteBrief(radius_km=20, places=400), "nearer")
    assert "she lives further than 20 km from Tent" in said(segue, FAR)["Pop-up invite"]
    assert "see above" in said(segue, lucky)["Pop-up invite"]
    narrow = PopupInviteBrief(segment="at-home", people=Definition(conditions=(Lives(country="US"),)))
    segue.start_run(INVITE, narrow, "narrower")
    assert "the segment at-home, whose people alone are invited, does not mean her" in said(segue, FAR)["Pop-up invite"]


def test_whoever_got_no_campaign_hears_whether_she_was_meant(segue: Segue) -> None:
    """By the segment as the run kept it; and where none was sent, that."""
    segue.switch_on("campaign", live_from=NOON - DAY)
    assert said(segue, FAR)["Campaign"].startswith("Not due now: no campaign was sent yet.")
    people = Definition(conditions=(Lives(country="US"),))
    brief = CampaignBrief(campaign="spring", segment="at-home", headline="Hello", people=people)
    segue.start_run(CAMPAIGN, brief, "spring")
    assert "spring of 12 May 2026 went to the segment at-home, which did not mean her" in said(segue, FAR)["Campaign"]
    assert said(segue, NOWHERE)["Campaign"].startswith(
        "Not due now: it has considered 1 message for her, see above. It asks"
    )


def test_carts_orders_points_and_friends_are_told_as_facts(segue: Segue) -> None:
    """No cart, an order from before the journey, no points; and nothing that nobody knows."""
    for journey in ("abandoned_cart", "order_confirmation", "loyalty_notice", "referral_followup"):
        segue.switch_on(journey, live_from=NOON - DAY)
    old = {"occurred_at": NOON - timedelta(days=9), "recorded_at": NOON, "currency": "USD", "total_minor": 1}
    with write(segue.engine) as connection:
        connection.execute(insert(order), old | {"external_id": "1", "profile_id": FAR, "sales_channel": "web"})
    told = said(segue, FAR)
    assert told["Abandoned cart"].startswith("Not due now: no cart of hers is known. It asks for a cart")
    assert told["Order confirmation"].startswith(
        "Not due now: her last order is of 3 May 2026; which does not count: the journey was switched on 11 May 2026."
    )
    assert "no points are booked for her" in told["Loyalty notice"]
    assert "no order with her code is known" in told["Referral follow-up"]


def test_the_terminal_and_the_desk_say_the_same(segue: Segue) -> None:
    """Journeys and ad audiences, word for word; the desk without her address."""
    segue.switch_on("popup_invite", live_from=NOON - DAY)
    assert [why.audiences for why in segue.why(str(NOWHERE))] == [()]
    segue.switch_on("retargeting", live_from=NOON - DAY)
    (why,) = segue.why("sarah@example.com")
    screen = Console(width=500, record=True)
    screen.print(segue.explain("sarah@example.com"))
    shown = screen.export_text()
    assert len(why.audiences) == 5
    for title, what in (*why.now, *why.audiences):
        assert title in shown
        assert what in shown
    assert "sarah" not in str(why)


def test_every_journey_says_what_it_asks_for(segue: Segue) -> None:
    """The end of a sentence, for who is not due."""
    for journey in segue.journeys.values():
        assert bool(journey.steps) == bool(journey.asks)
        assert not journey.asks.endswith(".")
