"""What a preview says of a pace is what the hand-over then does: how many get through, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, insert, literal

from flows.paced import paced
from segue.contract import Channel
from segue.contract.fake import FakeConnector
from segue.journeys.definition import Brief, Moment
from segue.outbox.forecast import Queue
from segue.outbox.pace import set_pace
from segue.outbox.summary import Pace, Summary
from segue.store.engine import write
from segue.store.tables import message
from segue.store.types import UtcTime
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.prices import TEXTING, previewed
from tests.outbox.shop import NOW, everybody, step
from tests.outbox.test_cost import Wordy
from tests.outbox.test_pace import LATE, SECOND

#: Twenty seconds before the window of texts closes; a text has two segments, and one a second leaves.
LAST = LATE - 20 * SECOND
FITS, PEOPLE = 10, 24


def slow(desk: Desks, *, due: Any = everybody) -> tuple[Desk, Mapping[Channel, Any]]:
    one = desk(
        step(channels=(Channel.SMS,), due=due),
        people=PEOPLE,
        promised=False,
        connector=FakeConnector(max_batch=10, window=10, pace_per_second=1),
    )
    one.clock.set(LAST)
    return one, {Channel.SMS: one.connector}


def test_what_does_not_get_through_in_time_is_told_and_happens(desk: Desks) -> None:
    one, connectors = slow(desk)
    seen = previewed(one, Wordy(), connectors, now=LAST)
    assert (seen.count("accepted"), seen.count("pending", reason="pace")) == (FITS, PEOPLE - FITS)
    ((told),) = seen.paces
    assert (told.messages, told.fits, told.late, told.per_second) == (PEOPLE, FITS, 0, 1)
    assert (told.through_at, told.ends_at) == (LATE, LATE)
    ((held),) = seen.holdings
    assert (held.count, held.reason, held.first) == (PEOPLE - FITS, "pace", LATE + timedelta(hours=15)), "at nine"
    (spent,) = seen.spendings
    assert spent.messages == PEOPLE, "what waits costs as much, later"

    one.library = Wordy()
    one.worker._library = one.library  # type: ignore[assignment]
    one.promise()
    while one.clock.now() <= LATE + 6 * timedelta(minutes=1):
        one.drain()
        one.clock.advance(SECOND if one.clock.now() < LATE else timedelta(minutes=1))
    left = one.states()["accepted", None]
    assert FITS - 1 <= left <= FITS
    assert one.states()["held", "quiet_hours"] == PEOPLE - left


@pytest.mark.parametrize(("ends_at", "fits"), [(LATE + timedelta(hours=1), FITS), (LATE - 10 * SECOND, 5)])
def test_what_would_be_too_late_by_then_is_told_too(desk: Desks, ends_at: datetime, fits: int) -> None:
    def due(moment: Moment, brief: Brief) -> Select[Any]:
        question = everybody(moment, brief)
        ends = literal(ends_at, UtcTime).label("deadline_at")
        return question.with_only_columns(*list(question.selected_columns)[:3], ends)

    one, connectors = slow(desk, due=due)
    ((told),) = previewed(one, Wordy(), connectors, now=LAST).paces
    assert (told.fits, told.late) == (fits, PEOPLE - fits)


def test_the_pace_that_was_set_counts_and_whoever_waits_already_goes_first(desk: Desks) -> None:
    one, connectors = slow(desk)
    with write(one.engine) as connection:
        set_pace(connection, "fake", per_second=2, now=NOW)
    ((told),) = previewed(one, Wordy(), connectors, now=LAST).paces
    assert told.fits == 2 * FITS
    with write(one.engine) as connection:
        row = {"profile_id": 1, "bucket": 1, "journey": "other", "step": "text", "priority": 1, "channel": "sms"}
        row |= {"state": "held", "reason": "pace", "not_before": LAST, "promised_at": NOW, "deadline_at": LATE}
        connection.execute(insert(message), [{"key": f"other/text/{number}", **row} for number in range(8)])
    ((told),) = previewed(one, Wordy(), connectors, now=LAST).paces
    assert told.fits == 2 * FITS - 4, "eight segments, by what is known of them"


def test_without_a_pace_nothing_is_said(desk: Desks) -> None:
    one = desk(TEXTING, people=3, promised=False)
    seen = previewed(one, Wordy(), {Channel.SMS: FakeConnector()}, now=LAST)
    assert (seen.count("accepted"), seen.paces, paced(seen)) == (3, (), [])


def test_an_hour_at_one_a_second_takes_an_hour_of_texts() -> None:
    queue = Queue(1, now=NOW, ahead=600)
    through = [queue.through(1, NOW + timedelta(hours=1)) for _ in range(20_000)]
    assert sum(at is not None for at in through) == 3_000


def said(**changes: Any) -> str:
    values: dict[str, Any] = {
        "channel": "sms", "connector": "twilio", "per_second": 1.0, "messages": 20_000, "fits": 3_600, "late": 0,
        "through_at": LATE, "ends_at": LATE,
    }  # fmt: skip
    total = Summary(
        journey="letters", run_id=None, preview=True, lines=(), examples={}, paces=(Pace(**values | changes),)
    )
    return "\n".join(paced(total))


def test_the_page_says_it_in_a_line() -> None:
    assert said() == (
        "**At 1 segment a second (twilio) 3,600 of 20,000 texts get through before their hours end**, the soonest"
        " Tue 12 May 2026, 18:00 (America/New_York): 16,400 wait for the next hours."
    )
    assert said(late=400).endswith("16,000 wait for the next hours and 400 would be too late by then.")
    assert said(late=16_400).endswith("(America/New_York): 16,400 would be too late by then.")
    assert "At 1 segment a second (twilio) all 3,600 texts" in said(messages=3_600)
    assert said(messages=60, fits=60) == "", "what is through in a minute needs no word"
