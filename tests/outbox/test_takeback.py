"""Cards for parcels that are no more, readers who objected, spent codes: taken out, and settled as never sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from segue.contract import Redemption
from segue.offers import record_redemptions
from segue.store.engine import read, write
from segue.store.tables import (
    consent_event,
    fulfilment,
    voucher,
)
from tests.outbox.merges import found
from tests.outbox.printshop import NOON, WAVE, Open, add_order, cancel, pick_list, shop, states, tell


def test_a_cancelled_order_is_taken_out_its_code_revoked_and_her_next_parcel_gets_a_card(opened: Open) -> None:
    segue = opened()
    shop(segue, 3)
    segue.tick()
    cancel(segue, 102, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (2, {"occasion_gone": 1})
    assert pick_list(report.files[1]) == ["#101", "#103"]
    assert states(segue)["102"] == ("skipped", "occasion_gone")
    summary = segue.journey_summary("welcome_insert")
    assert summary.considered == sum(summary.by_group().values()) == 3
    with read(segue.engine) as connection:
        revoked = connection.execute(select(voucher.c.key, voucher.c.revoked_at)).all()
    assert {row.key[-3:]: row.revoked_at is not None for row in revoked} == {"101": False, "102": True, "103": False}

    segue.clock.set(WAVE + timedelta(hours=1))
    add_order(segue, 202, 2, at=WAVE + timedelta(minutes=30))
    segue.tick()
    assert states(segue)["202"] == ("accepted", None)
    segue.clock.set(WAVE + timedelta(days=1))
    (again,) = segue.print_run()
    assert pick_list(again.files[1]) == ["#202"]


@pytest.mark.parametrize(
    ("state", "after", "is_revoked"),
    [
        ("accepted", timedelta(minutes=30), False),
        ("uncertain", timedelta(minutes=30), False),
        ("handed_over", timedelta(minutes=30), False),
        ("deferred", timedelta(minutes=30), False),
        ("accepted", timedelta(minutes=-30), False),  # judged before, composed after the code was made
        ("accepted", timedelta(minutes=-90), True),
        ("rejected", timedelta(minutes=30), True),
        ("skipped", timedelta(minutes=30), True),
    ],
)
def test_the_code_of_a_page_taken_out_lives_on_where_another_message_may_have_told_it(
    opened: Open, state: str, after: timedelta, *, is_revoked: bool
) -> None:
    """Journeys show the live code somebody holds: hers may be in a mail by now."""
    segue = opened()
    shop(segue, 2)
    segue.tick()
    tell(segue, 1, state, NOON + after)
    tell(segue, 2, "accepted", NOON - timedelta(days=2))
    for number in (101, 102):
        cancel(segue, number, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert report.taken_out == {"occasion_gone": 2}
    with read(segue.engine) as connection:
        rows = connection.execute(select(voucher.c.profile_id, voucher.c.revoked_at)).all()
    assert {row.profile_id: row.revoked_at is not None for row in rows} == {1: is_revoked, 2: True}


@pytest.mark.parametrize("cancelled", [None, 101, 102])
def test_two_who_became_one_get_one_of_the_cards_that_wait_for_them(opened: Open, cancelled: int | None) -> None:
    """The other page is taken out; its code may have been shown by then, and stays good."""
    segue = opened()
    shop(segue, 2)
    segue.tick()
    found(segue.engine, (1, 2))
    assert segue.merge_found() == 1
    if cancelled:
        cancel(segue, cancelled, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    # The first of her cards counts, and it is gone with its order; the next parcel gets its own, later.
    assert (report.pages, report.taken_out["occasion_gone"]) == ((0, 2) if cancelled == 101 else (1, 1))
    if cancelled != 101:
        assert pick_list(report.files[1]) == ["#101"]
    with read(segue.engine) as connection:
        revoked = connection.scalars(select(voucher.c.message_key).where(voucher.c.revoked_at.is_not(None))).all()
    assert len(revoked) == (2 if cancelled == 101 else 0)


def test_a_card_that_was_printed_before_the_merge_is_the_one_she_had(opened: Open) -> None:
    segue = opened()
    shop(segue, 2, ("newark", "portland"))
    segue.tick()
    segue.clock.set(WAVE)
    (first,) = segue.print_run("newark")
    assert pick_list(first.files[1]) == ["#102"]
    found(segue.engine, (1, 2))
    assert segue.merge_found() == 1
    (report,) = segue.print_run()
    assert (report.location, report.pages, report.taken_out) == ("portland", 0, {"occasion_gone": 1})


def test_the_code_of_a_page_is_found_under_the_key_its_message_has_since_a_merge(opened: Open) -> None:
    segue = opened()
    shop(segue, 1)
    segue.tick()
    with write(segue.engine) as connection:
        connection.execute(update(voucher).values(key="as the shop was told it"))
    cancel(segue, 101, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    segue.print_run()
    with read(segue.engine) as connection:
        assert connection.scalar(select(voucher.c.revoked_at)) == WAVE


def test_a_parcel_packed_meanwhile_and_one_whose_wave_is_long_gone_are_taken_out(opened: Open) -> None:
    segue = opened()
    shop(segue, 2)
    segue.tick()
    with write(segue.engine) as connection:
        connection.execute(
            insert(fulfilment).values(
                order_id=101, kind="packed", occurred_at=NOON + timedelta(minutes=5), recorded_at=NOON
            )
        )
    segue.clock.set(WAVE + timedelta(hours=2))
    (report,) = segue.print_run()
    assert report.files == ()
    assert report.taken_out == {"occasion_gone": 1, "too_late": 1}
    assert states(segue) == {"101": ("skipped", "occasion_gone"), "102": ("skipped", "too_late")}


def test_who_objects_before_the_wave_gets_no_card(opened: Open) -> None:
    """To paper, or to direct marketing as such; a no to e-mail is none to paper."""
    segue = opened()
    shop(segue, 4)
    segue.tick()
    with write(segue.engine) as connection:
        for person, channel in ((1, "print"), (2, "all"), (3, "email")):
            connection.execute(
                insert(consent_event).values(
                    profile_id=person,
                    channel=channel,
                    state="denied",
                    basis="objection",
                    source="letter",
                    occurred_at=NOON + timedelta(minutes=10),
                    recorded_at=NOON + timedelta(minutes=10),
                    dedupe=f"letter:{person}",
                )
            )
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (2, {"denied": 2})
    assert pick_list(report.files[1]) == ["#103", "#104"]


def test_a_code_that_was_used_or_taken_back_is_not_printed(opened: Open) -> None:
    segue = opened()
    shop(segue, 3)
    segue.tick()
    with read(segue.engine) as connection:
        codes = dict(connection.execute(select(voucher.c.profile_id, voucher.c.code)).tuples().all())
    segue.clock.set(NOON + timedelta(minutes=30))
    segue.revoke([codes[1]])
    with write(segue.engine) as connection:
        used = Redemption(code=codes[2], order_id="till-1", redeemed_at=NOON + timedelta(minutes=20))
        record_redemptions(connection, [used], source="till", now=NOON + timedelta(minutes=30))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (1, {"code_spent": 2})
    assert pick_list(report.files[1]) == ["#103"]


@pytest.mark.parametrize("after_printing", [False, True])
def test_who_cancels_and_orders_again_gets_the_card_in_the_parcel_that_leaves(
    opened: Open, *, after_printing: bool
) -> None:
    segue = opened()
    shop(segue, 1)
    segue.tick()
    if after_printing:
        segue.clock.set(WAVE)
        assert [report.pages for report in segue.print_run()] == [1]
    cancelled_at = segue.clock.now() + timedelta(minutes=10)
    cancel(segue, 101, cancelled_at)
    segue.clock.set(cancelled_at + timedelta(minutes=10))
    add_order(segue, 201, 1, at=segue.clock.now())
    segue.tick()
    assert states(segue) == {"101": ("skipped", "occasion_gone"), "201": ("accepted", None)}
    segue.clock.set(WAVE + timedelta(days=1 if after_printing else 0))
    (report,) = segue.print_run()
    assert pick_list(report.files[1]) == ["#201"]
    with pytest.raises(KeyError, match="101"):
        segue.reprint(["#101"])
