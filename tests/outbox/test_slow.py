"""Where time passes between the judgement and the mark, the hour and the age of the judgement are asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, insert

from segue.contract import Voucher
from segue.store.engine import write
from segue.store.tables import identifier
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, an_offer, step

#: 20:55 in New York; its quiet hours begin at 21:00.
EVENING = NOW.replace(hour=0, minute=55) + timedelta(days=1)
QUIET = EVENING + timedelta(minutes=5)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Desk, timedelta], None]:
    """Let time pass, on the wall as in the process."""
    seconds = [0.0]
    for room in ("worker", "judging"):
        monkeypatch.setattr(f"segue.outbox.{room}.time.monotonic", lambda: seconds[0])

    def by(desk: Desk, span: timedelta) -> None:
        desk.clock.advance(span)
        seconds[0] += span.total_seconds()

    return by


def left_at(desk: Desk) -> list[datetime]:
    return sorted(row.handed_over_at for row in desk.rows() if row.handed_over_at is not None)


def share_a_mailbox(desk: Desk, people: int) -> None:
    """Give the first `people` one address, which the first of them is known by."""
    shared = {"kind": "email", "value": "all@example.com", "recorded_at": NOW}
    numbers = range(1, people + 1)
    with write(desk.engine) as connection:
        connection.execute(delete(identifier).where(identifier.c.kind == "email"))
        connection.execute(
            insert(identifier), [shared | {"profile_id": number, "identifies": number == 1} for number in numbers]
        )


def test_a_shop_that_takes_its_time_with_codes_sends_nobody_a_mail_at_night(
    desk: Desks, passes: Callable[[Desk, timedelta], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = desk(step(offer=an_offer), people=15)
    one.clock.set(EVENING)
    publish = one.offers.publish

    def slow(vouchers: list[Voucher]) -> Iterator[object]:
        passes(one, timedelta(minutes=10))
        yield from publish(vouchers)

    monkeypatch.setattr(one.offers, "publish", slow)
    one.drain()
    assert one.states() == {("held", "quiet_hours"): 15}
    assert one.wire.received == []


def test_people_who_share_a_mailbox_are_asked_for_the_hour_one_by_one(
    desk: Desks, passes: Callable[[Desk, timedelta], None]
) -> None:
    """Each of them leaves in a share of its own, after the answer to the one before."""
    one = desk(step(), people=10)
    share_a_mailbox(one, 10)
    one.clock.set(QUIET - timedelta(minutes=1, seconds=30))

    def answered() -> None:
        passes(one, timedelta(minutes=1))
        one.probe.hooks["answered"] = answered

    answered()
    one.drain()
    assert left_at(one) == [QUIET - timedelta(seconds=30)]
    assert one.states() == {("accepted", None): 1, ("held", "quiet_hours"): 9}


def test_what_became_too_late_while_it_was_written_is_not_sent(
    desk: Desks, passes: Callable[[Desk, timedelta], None]
) -> None:
    one = desk(step(), people=3)
    one.clock.set(NOW + timedelta(days=2, minutes=-1))
    one.probe.hooks["composed"] = lambda: passes(one, timedelta(minutes=2))
    one.drain()
    assert one.states() == {("skipped", "too_late"): 3}


def test_a_judgement_that_has_aged_is_made_again_between_two_shares(
    desk: Desks, passes: Callable[[Desk, timedelta], None]
) -> None:
    one = desk(step(), people=2)
    share_a_mailbox(one, 2)
    seen: list[str] = []
    one.probe.tell = seen.append
    one.probe.hooks["answered"] = lambda: passes(one, timedelta(minutes=1))
    one.drain()
    assert one.states() == {("accepted", None): 2}
    after_the_first = seen[seen.index("recorded") + 1 :]
    assert after_the_first.index("judged") < after_the_first.index("marked")
