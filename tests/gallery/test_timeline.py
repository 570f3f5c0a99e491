"""One person's timeline, in the pages and in the terminal."""

from __future__ import annotations

import pytest
from rich.console import Console
from sqlalchemy import Engine

from segue.gallery.explain import explain_text
from segue.gallery.story import side_by_side
from segue.gallery.timeline import profile_of, timelines
from segue.journeys.abandoned_cart import JOURNEY
from segue.store.engine import read
from tests.gallery import shop

JOURNEYS = {"abandoned_cart": JOURNEY}


def test_facts_and_decisions_stand_in_order_on_both_databases(engine: Engine) -> None:
    """What she did, then what was decided about it, then what she got."""
    shop.fill(engine)
    with read(engine) as connection:
        told = timelines(
            connection, [shop.SARAH, shop.GONE], until=shop.NOW, journeys=JOURNEYS, hash_address=shop.hash_address
        )
    assert [entry.title for entry in told[shop.SARAH].entries] == [
        "Became known to the shop",
        "Agreed to marketing e-mail",
        "Agreed to marketing texts",
        "Looked around",
        "Put in the cart",
        "Reminder by e-mail: sent",
        "Got the code K7QM-2XHD",
        "Last call by text message: sent",
    ]
    assert [entry.title for entry in told[shop.GONE].entries][1] == "Unsubscribed"


def test_looks_of_one_visit_are_told_as_one(store: Engine) -> None:
    """Five looks are one line: three by name, the others counted."""
    with read(store) as connection:
        entries = timelines(connection, [shop.SARAH], until=shop.NOW, journeys=JOURNEYS)[shop.SARAH].entries
    looks = [entry for entry in entries if entry.kind == "look"]
    assert [entry.detail for entry in looks] == ["Thing 0, Thing 1, Thing 2 and 2 other things"]


def test_what_lies_ahead_of_the_clock_is_not_told(store: Engine) -> None:
    """The sample's later orders are in the tables already; on the page they have not happened."""
    with read(store) as connection:
        entries = timelines(connection, [shop.HOSTILE], until=shop.NOW, journeys=JOURNEYS)[shop.HOSTILE].entries
    assert [entry.title for entry in entries if entry.kind == "order"] == [
        "Bought for $74.00",
        "Bought for $50.00",
    ]
    assert "2 of Tide leggings, Ink, size 8" in next(e.detail for e in entries if e.kind == "order")


def test_an_address_names_its_profile_whatever_its_case(store: Engine) -> None:
    """People type addresses as they like; a stranger's names nobody."""
    with read(store) as connection:
        assert profile_of(connection, f" {shop.email_of(shop.CLARA).upper()} ") == shop.CLARA
        assert profile_of(connection, "stranger@example.com") is None


def test_twins_stand_on_the_same_lines(store: Engine) -> None:
    """What both did is alike; the consent, the messages and the code are not."""
    with read(store) as connection:
        told = timelines(connection, [shop.SARAH, shop.CLARA], until=shop.NOW, journeys=JOURNEYS)
    moments = side_by_side(told[shop.SARAH], told[shop.CLARA])
    pairs = [pair for moment in moments for pair in moment.pairs]
    alike = [pair.left.title for pair in pairs if pair.alike and pair.left]
    assert alike == ["Became known to the shop", "Looked around", "Put in the cart"]
    reminder = next(pair for pair in pairs if pair.left and pair.left.title.startswith("Reminder"))
    assert reminder.right is not None
    assert reminder.right.reason == "no_consent"
    last_call = next(pair for pair in pairs if pair.left and pair.left.title.startswith("Last call"))
    assert last_call.right is None
    assert last_call.missed_right == reminder.right


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (shop.email_of(shop.SARAH), "Got 2 messages, did not get 0 others"),
        (shop.email_of(shop.CLARA), "never agreed to marketing e-mail"),
        (shop.email_of(shop.HOSTILE), shop.HOSTILE_NAME),
        (shop.email_of(shop.HELD), "[/odd] event"),
        ("stranger@example.com", "Nobody here is known by that name"),
    ],
)
def test_explain_tells_it_in_the_terminal(store: Engine, who: str, said: str) -> None:
    """`segue explain`: what she got, what not, why, in her own time; names are text, not markup."""
    screen = Console(width=120)
    with screen.capture() as shown:
        screen.print(explain_text(store, who, until=shop.NOW, journeys=JOURNEYS))
    assert said in shown.get()


def test_explain_shows_her_local_hours(store: Engine) -> None:
    """19:35 in New York, though the store says 23:35."""
    screen = Console(width=120)
    with screen.capture() as shown:
        screen.print(explain_text(store, str(shop.SARAH), until=shop.NOW, journeys=JOURNEYS))
    assert "19:35 EDT" in shown.get()
    assert "23:35" not in shown.get()
