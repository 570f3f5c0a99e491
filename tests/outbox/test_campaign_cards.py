"""Campaigns on paper: one card a person, in a parcel that waits; never for a parcel that is no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pypdf
import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select, update

from segue.journeys import segments as s
from segue.journeys.campaign import JOURNEY, CampaignBrief, Ways
from segue.journeys.campaign_brief import CARD_BREAK, CARD_TEXT
from segue.render import Links
from segue.service import Segue
from segue.store.engine import read, write
from segue.store.tables import fulfilment, message, order, profile, voucher
from tests.outbox.merges import found, merge
from tests.outbox.printshop import NOON, WAVE, Open, add_order, cancel, pick_list, shop
from tests.pdf_text import letters_of

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERYONE = s.Definition(conditions=(s.Everyone(),))


def asked(**choices: Any) -> CampaignBrief:
    fixed = {"campaign": "spring-drop", "headline": "Hello", "people": EVERYONE, "ways": Ways.PRINT}
    return CampaignBrief.model_validate(fixed | choices)


def send(segue: Segue, **choices: Any) -> int:
    """Run a campaign on paper; return how many it promised."""
    brief = asked(**choices)
    segue.switch_on("campaign")
    plan = segue.start_run(JOURNEY.under(brief), brief)
    segue.drain_run(plan)
    return plan.promised


def other_card(segue: Segue, person: int, order_id: int) -> None:
    """Another journey's card that may lie in this parcel; it is not counted in her budget."""
    row = {"key": f"other/card/{person}", "profile_id": person, "bucket": person, "journey": "other", "step": "card"}
    row |= {"state": "uncertain", "channel": "print", "subject_id": order_id, "not_before": NOON, "deadline_at": WAVE}
    with write(segue.engine) as connection:
        connection.execute(insert(message).values(row | {"promised_at": NOON, "priority": 1}))


def cards(segue: Segue) -> list[tuple[int, int | None, str, str | None]]:
    """Person, order, state and reason of each campaign card."""
    columns = (message.c.profile_id, message.c.subject_id, message.c.state, message.c.reason)
    question = select(*columns).where(message.c.journey == "campaign").order_by(message.c.id)
    with read(segue.engine) as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(question)]


def test_one_card_a_person_in_her_earliest_parcel_and_the_next_run_finds_the_next_people(opened: Open) -> None:
    """Whatever the number of parcels and runs; a parcel that holds a card already is no place for another."""
    segue = opened()
    shop(segue, 3)
    add_order(segue, 201, 1)
    with write(segue.engine) as connection:
        connection.execute(update(order).where(order.c.id == 103).values(delivery="pickup"))
    other_card(segue, 2, 102)
    brief = asked()
    assert segue.preview(JOURNEY.under(brief), brief).considered == 1
    assert send(segue) == 1
    assert cards(segue) == [(1, 101, "accepted", None)]
    assert send(segue, headline="Other words") == 0
    segue.clock.set(WAVE + DAY / 24)
    add_order(segue, 203, 3, at=WAVE + DAY / 24)
    add_order(segue, 301, 1, at=WAVE + DAY / 24)
    assert send(segue) == 1
    assert cards(segue)[1:] == [(3, 203, "accepted", None)]


def test_without_a_parcel_that_waits_nobody_is_due(opened: Open) -> None:
    """The last wave took what was paid before it: such a parcel must not use up her one card."""
    segue = opened()
    unfit: list[dict[str, Any]] = [
        {"gift": True}, {"marketplace": True}, {"delivery": "pickup"}, {"cancelled_at": NOON}, {"paid_at": None},
        {"paid_at": NOON - DAY}, {"profile_id": None},
    ]  # fmt: skip
    shop(segue, len(unfit))
    with write(segue.engine) as connection:
        for number, values in enumerate(unfit, start=101):
            connection.execute(update(order).where(order.c.id == number).values(values))
    assert send(segue) == 0
    for person in range(1, len(unfit) + 1):
        add_order(segue, 300 + person, person)
    assert send(segue) == len(unfit)


def test_a_parcel_that_got_another_card_meanwhile_gets_no_second_one(opened: Open) -> None:
    segue = opened()
    shop(segue, 2)
    brief = asked()
    segue.switch_on("campaign")
    plan = segue.start_run(JOURNEY.under(brief), brief)
    other_card(segue, 2, 102)
    segue.drain_run(plan)
    assert cards(segue) == [(1, 101, "accepted", None), (2, 102, "skipped", "occasion_gone")]


def test_a_merge_leaves_a_card_with_its_order_whatever_its_number(opened: Open) -> None:
    """Her order has the number that her profile had: taken for her, it would become another's parcel."""
    segue = opened()
    shop(segue, 2)
    for number in (101, 102):
        cancel(segue, number, NOON)
    add_order(segue, 2, 2)
    assert send(segue) == 1
    found(segue.engine, (1, 2))
    assert merge(segue.engine, now=NOON) == 1
    assert cards(segue) == [(1, 2, "accepted", None)]


def test_a_packed_parcel_and_a_segment_that_means_her_no_more_end_it(opened: Open) -> None:
    """So does an order that turns out to be somebody else's: her name and code are nothing to them."""
    segue = opened()
    shop(segue, 4)
    with write(segue.engine) as connection:
        connection.execute(insert(fulfilment).values(order_id=101, kind="packed", occurred_at=NOON, recorded_at=NOON))
    assert send(segue, people=s.Definition(conditions=(s.Lives(country="US"),))) == 3
    with write(segue.engine) as connection:
        connection.execute(update(profile).where(profile.c.id == 3).values(country="CA"))
        connection.execute(update(order).where(order.c.id == 104).values(profile_id=1))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (pick_list(report.files[1]), report.taken_out) == (["#102"], {"occasion_gone": 2})


@pytest.mark.parametrize("printed", [False, True])
def test_a_cancelled_orders_card_is_taken_out_before_and_after_printing(opened: Open, *, printed: bool) -> None:
    """By the order it is about, since its key names the person; and its code is revoked."""
    segue = opened()
    shop(segue, 2)
    assert send(segue, percent=15, code_days=30) == 2
    segue.clock.set(WAVE)
    if printed:
        segue.print_run()
        assert [state for _, _, state, _ in cards(segue)] == ["accepted", "accepted"]
    cancel(segue, 102, WAVE)
    segue.clock.set(WAVE + MINUTE)
    reports = segue.print_run()
    assert [report.pages for report in reports] == ([] if printed else [1])
    assert cards(segue) == [(1, 101, "accepted", None), (2, 102, "skipped", "occasion_gone")]
    with read(segue.engine) as connection:
        revoked = dict(connection.execute(select(voucher.c.profile_id, voucher.c.revoked_at)).tuples().all())
    assert (revoked[1], revoked[2] is not None) == (None, True)


def test_the_code_on_the_card_is_hers_and_leads_to_the_campaigns_page(opened: Open) -> None:
    segue = opened()
    shop(segue, 2)
    send(segue, percent=15, code_days=30, text="First.\n\nSecond.", page="/pages/mercer")
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    with read(segue.engine) as connection:
        codes = dict(connection.execute(select(voucher.c.profile_id, voucher.c.code)).tuples().all())
    backs = pypdf.PdfReader(report.files[0]).pages[1::2]
    for person, back in zip((1, 2), backs, strict=True):
        assert f"Hello Sam{person}, First. Second. 15% off" in " ".join(back.extract_text().split())
        assert [one for one in codes.values() if one in letters_of(back)] == [codes[person]]
    link = Links(segue.settings.base_url, segue.secret).landing(codes[1])
    target = segue.target_of(link)
    assert "/pages/mercer?" in target
    assert "utm_campaign=spring-drop&utm_content=note" in target


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ({"text": "x" * (CARD_TEXT + 1)}, f"has {CARD_TEXT + 1} letters and a card has room for {CARD_TEXT}: .* out 1"),
        ({"text": f"{'x' * (CARD_TEXT - CARD_BREAK)}\n\nyy"}, f"in 2 paragraphs .* room for {CARD_TEXT - CARD_BREAK}"),
        ({"text": "寿" * (CARD_TEXT // 2 + 1)}, "room for"),
        ({"headline": "x" * 91}, "the headline has 91 letters"),
        ({"percent": 15}, "raise \\*Code lives"),
    ],
)  # fmt: skip
def test_what_does_not_fit_on_a_card_is_refused_with_what_does(choices: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        asked(**choices)
    assert asked(**choices, ways=Ways.EMAIL)
    assert asked(text="x" * CARD_TEXT)
