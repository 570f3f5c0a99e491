"""The form's first question: whether anything may leave."""

from __future__ import annotations

import pytest

from flows.abandoned_cart import AbandonedCartForm
from flows.forms import Mode
from segue.journeys.abandoned_cart import JOURNEY, AbandonedCartBrief


@pytest.mark.parametrize(
    ("mode", "by_schedule", "settled"),
    [
        (Mode.BY_START, False, Mode.PREVIEW),
        (Mode.BY_START, True, Mode.SEND),
        (Mode.PREVIEW, False, Mode.PREVIEW),
        (Mode.PREVIEW, True, Mode.PREVIEW),
        (Mode.SEND, False, Mode.SEND),
        (Mode.SEND, True, Mode.SEND),
    ],
)
def test_what_is_said_is_done_and_what_is_not_said_depends_on_who_starts(
    mode: Mode, by_schedule: bool, settled: Mode
) -> None:
    """By hand the default sends nothing; an explicit choice is never overruled."""
    assert mode.settled(by_schedule=by_schedule) is settled


def test_a_form_left_alone_sends_nothing_by_hand() -> None:
    """The default of the code, which is the default of the page."""
    assert AbandonedCartForm().mode.settled(by_schedule=False) is Mode.PREVIEW


def test_the_journey_gets_its_own_part_of_the_form() -> None:
    """It knows nothing of modes, and refuses what it does not know."""
    brief = AbandonedCartForm(mode=Mode.SEND, percent=15).brief_for(JOURNEY)
    assert type(brief) is AbandonedCartBrief
    assert brief == AbandonedCartBrief(percent=15)
