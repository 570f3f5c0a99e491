"""Who texts START is written to again from that number, and nobody is because of somebody else's, or an older one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert

from segue.clock import VirtualClock
from segue.intake import import_anything, link_reader
from segue.outbox.freshness import watermark
from segue.outbox.hashes import hash_address
from segue.outbox.suppressed import suppressed
from segue.render import Links
from segue.store.engine import write
from segue.store.suppressions import insert_suppressions
from segue.store.tables import consent_event, delivery_event, event, identifier, suppression
from tests.outbox.shop import NOW, SECRET, add_people
from tests.search import examples

PHONE = "+12025550001"  # of the first person
SECOND = "+447700900123"
_numbers = count()


class Told(NamedTuple):
    """A reply of hers, or the news that the provider refused to write to a number that opted out."""

    what: Literal["STOP", "START", "refused"]
    day: int
    number: str = PHONE

    def line(self) -> dict[str, object]:
        sid = f"SM{self.what}{self.day}{self.number}"
        post = {"MessageSid": sid, "received_at": day(self.day).isoformat()}
        if self.what == "refused":
            return {**post, "MessageStatus": "failed", "ErrorCode": "21610", "To": self.number, "From": "+12025550199"}
        return {**post, "SmsStatus": "received", "From": self.number, "To": "+12025550199", "Body": self.what}


def day(number: int) -> datetime:
    return NOW - timedelta(days=30 - number)


def hashed(address: str) -> str:
    return hash_address(address, SECRET)


def tell(engine: Engine, folder: Path, *facts: Told) -> None:
    """One file with these facts."""
    file = folder / f"posts{next(_numbers)}.jsonl"
    file.write_text("".join(json.dumps(fact.line()) + "\n" for fact in facts))
    links = link_reader(
        Links("https://hello.example.com", b"a secret of more than sixteen bytes"), "https://example.com"
    )
    import_anything(engine, file, None, clock=VirtualClock(NOW), hash_address=hashed, read_link=links)


def silenced(engine: Engine, *, others: str | None = None, now: datetime = NOW) -> list[str | None]:
    """Why the first person, and the second one, get no text messages at the first one's number."""
    found = {"email": [None, None], "phone": [PHONE, PHONE]}
    more = [] if others is None else [("phone", 0, others)]
    with engine.connect() as connection:
        return list(suppressed(connection, [1, 2], found, more, now=now, secret=SECRET)["sms"])


@pytest.fixture
def two_people(engine: Engine) -> Engine:
    """Two who share the first one's number; it names only her."""
    add_people(engine, 2)
    with write(engine) as connection:
        row = {"kind": "phone", "value": PHONE, "profile_id": 2, "identifies": False, "recorded_at": day(0)}
        connection.execute(insert(identifier).values(row))
        connection.execute(insert(identifier).values({**row, "value": SECOND, "profile_id": 1, "identifies": True}))
    return engine


FACTS = st.lists(
    st.builds(Told, st.sampled_from(["STOP", "START", "START", "refused"]), st.integers(1, 6), st.just(PHONE)),
    min_size=1,
    max_size=5,
    unique=True,
)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(facts=[Told("STOP", 1), Told("START", 2), Told("refused", 3)], by_time=True)
@example(facts=[Told("STOP", 1), Told("START", 2), Told("STOP", 3), Told("START", 4)], by_time=True)
@example(facts=[Told("START", 2), Told("refused", 3), Told("STOP", 1)], by_time=False)
@example(facts=[Told("STOP", 1), Told("START", 3), Told("STOP", 5), Told("START", 4)], by_time=False)
@given(facts=FACTS, by_time=st.booleans())
def test_only_a_start_after_every_stop_lifts_it(two_people: Engine, tmp_path: Path, facts, by_time) -> None:
    """In whatever order they are told, the last stop stands; and a START is heard where she said stop before it."""
    with write(two_people) as connection:
        for table in (suppression, event, delivery_event):
            connection.execute(delete(table))
        connection.execute(delete(consent_event).where(consent_event.c.source.like("reply:%")))
    if by_time:  # on one day the stop comes first
        facts = sorted(facts, key=lambda fact: (fact.day, fact.what == "START"))
    for fact in facts:
        tell(two_people, tmp_path, fact)
    stops = [fact.day for fact in facts if fact.what != "START"]
    start = max((fact.day for fact in facts if fact.what == "START"), default=0)
    hers, the_others = silenced(two_people)
    assert the_others == ("stop" if stops else None)
    if stops and start <= max(stops):
        assert hers == "stop"
    elif by_time or all(fact.what != "refused" for fact in facts):
        assert hers is None


def test_the_lift_is_for_one_number_and_one_reason(two_people: Engine, tmp_path: Path) -> None:
    tell(two_people, tmp_path, Told("STOP", 1), Told("STOP", 1, SECOND), Told("START", 3))
    assert silenced(two_people) == [None, "stop"]
    assert silenced(two_people, now=day(2)) == ["stop", "stop"]  # she had not said it yet
    assert silenced(two_people, others=SECOND)[0] == "stop"  # her no from the other number stands
    tell(two_people, tmp_path, Told("START", 4, SECOND))
    assert silenced(two_people, others=SECOND)[0] is None
    row = {"address_hash": hashed(PHONE), "occurred_at": day(1), "recorded_at": NOW}
    for reason in ("complaint", "objection", "hard_bounce"):
        with write(two_people) as connection:
            connection.execute(delete(suppression).where(suppression.c.reason != "stop"))
            insert_suppressions(connection, [{**row, "reason": reason}])
        assert silenced(two_people) == [reason, reason if reason == "hard_bounce" else silenced(two_people)[1]]


def test_a_stop_told_again_is_news_and_others_reasons_keep_their_first_time(engine: Engine) -> None:
    """Whoever judged before it looks again; nothing older moves it back."""

    def told(reason: str, at: datetime) -> int:
        row = {"address_hash": "x", "reason": reason, "occurred_at": at, "recorded_at": at}
        with write(engine) as connection:
            return insert_suppressions(connection, [row, {**row, "occurred_at": day(1)}])

    assert [told("complaint", day(2)), told("stop", day(2))] == [1, 1]
    with engine.connect() as connection:
        before = watermark(connection)
    assert [told("stop", day(4)), told("complaint", day(4))] == [0, 0]
    with engine.connect() as connection:
        after = watermark(connection)
        assert not before.is_current(after)
    assert told("stop", day(3)) == 0
    with engine.connect() as connection:
        assert after.is_current(watermark(connection))
        found = connection.execute(suppression.select().order_by(suppression.c.reason)).all()
    assert [(row.reason, row.occurred_at) for row in found] == [("complaint", day(2)), ("stop", day(4))]
