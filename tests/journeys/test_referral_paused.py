"""A referral programme that is paused grants nothing; resumed, it grants what is due by then, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from segue.service import Segue
from segue.store.engine import read
from segue.store.tables import referral, voucher
from tests.journeys.orders import DAY, got, shop
from tests.journeys.test_referral_followup import AT, REWARD, RIPE, befriend, look, play


def granted(segue: Segue) -> int:
    with read(segue.engine) as connection:
        return len(connection.scalars(select(voucher.c.id)).all())


@pytest.mark.parametrize("name", ["journey:referral_followup", "all"])
def test_what_is_paused_grants_nothing_and_makes_up_for_it_once(tmp_path: Path, database_url: str, name: str) -> None:
    """Neither a code that nobody is told of, nor a message that runs too late before it may be told."""
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        play(segue, AT + DAY)
        segue.pause(name, reason="her code is on a coupon page")
        for days in (0, 40, 80):
            play(segue, RIPE + days * DAY)
        segue.settle_offers()
        assert (granted(segue), look(segue, RIPE + 80 * DAY).considered) == (0, 0)
        segue.resume(name)
        for _ in range(3):
            play(segue, RIPE + 81 * DAY)
        assert granted(segue) == 2
        assert (len(wire.received), len(got(wire, REWARD))) == (2, 2)


def test_what_is_refused_during_the_pause_is_never_granted(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        play(segue, AT + DAY)
        segue.pause("journey:referral_followup", reason="her code is on a coupon page")
        play(segue, RIPE)
        with read(segue.engine) as connection:
            (which,) = connection.scalars(select(referral.c.id))
        segue.review_referral(which, approve=False, by="Ann")
        segue.resume("journey:referral_followup")
        play(segue, RIPE + DAY)
        assert (granted(segue), len(wire.received)) == (0, 0)
