"""The busiest day is the one on which the budget of most people was asked for more than it held."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from segue.gallery.busiest import busiest_day
from segue.gallery.facts import Entry
from segue.gallery.timeline import Timeline

#: Ten in New York's morning, and eleven in its evening, which is another day elsewhere.
MORNING = datetime(2026, 6, 1, 14, tzinfo=UTC)
LATE = datetime(2026, 6, 2, 3, tzinfo=UTC)


#: Odd messages are one journey's, even ones another's.
JOURNEY_OF = {number: ("month", "style")[number % 2] for number in range(60)}


def entry(at: datetime, message_id: int, group: str, reason: str | None) -> Entry:
    kind = "message" if group == "accepted" else "decision"
    return Entry(at=at, kind=kind, title=f"{group} {message_id}", message_id=message_id, group=group, reason=reason)


def person(profile_id: int, *entries: Entry) -> Timeline:
    return Timeline(profile_id=profile_id, name=f"P{profile_id}", zone=None, addresses=(), entries=entries)


def test_it_counts_people_and_not_messages_and_knows_what_became_of_each() -> None:
    several = [
        person(
            1,
            entry(MORNING, 10, "accepted", None),
            entry(MORNING, 11, "pending", "budget"),
            entry(MORNING + timedelta(hours=1), 11, "pending", "budget"),
            entry(LATE, 12, "skipped", "over_budget"),
        ),
        person(2, entry(LATE, 20, "skipped", "over_budget"), entry(LATE, 21, "accepted", None)),
        # One journey alone wanted her twice: nobody got into anybody's way.
        person(5, entry(LATE, 50, "skipped", "over_budget"), entry(LATE, 52, "accepted", None)),
        person(3, entry(MORNING, 30, "skipped", "no_consent"), entry(MORNING, 31, "accepted", None)),
        # On one other day one person waits for five things.
        person(4, *(entry(MORNING - timedelta(days=9), number, "pending", "budget") for number in range(40, 45))),
    ]
    found = busiest_day(several, zone="America/New_York", journey_of=JOURNEY_OF)
    assert found is not None
    assert found.day == date(2026, 6, 1)
    assert [one.timeline.profile_id for one in found.people] == [1, 2]
    first = found.people[0]
    assert [one.message_id for one in first.sent] == [10]
    assert [one.message_id for one in first.held] == [11]
    assert [one.message_id for one in first.dropped] == [12]
    assert (found.held, found.dropped) == (1, 2)


def test_the_day_is_the_shops() -> None:
    found = busiest_day(
        [person(1, entry(LATE, 1, "skipped", "over_budget"), entry(LATE, 2, "accepted", None))],
        zone="Europe/Berlin",
        journey_of=JOURNEY_OF,
    )
    assert found is not None
    assert found.day == date(2026, 6, 2)


def test_a_year_without_crowding_has_no_busiest_day() -> None:
    assert (
        busiest_day([person(1, entry(MORNING, 1, "skipped", "no_consent"))], zone="UTC", journey_of=JOURNEY_OF) is None
    )
