"""Timelines tell of points, friends, follows and ads in plain words, up to an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert

from segue.gallery.facts import Entry
from segue.gallery.programme import audience_moves, programme
from segue.gallery.timeline import timelines
from segue.store.engine import read, write
from segue.store.tables import audience, audience_member, loyalty_entry, order, profile, referral, touchpoint

NOON = datetime(2026, 5, 20, 16, tzinfo=UTC)
LATER = NOON + timedelta(days=40)


def fill(engine: Engine) -> None:
    stamp = {"recorded_at": NOON}
    with write(engine) as connection:
        for number in (1, 2):
            connection.execute(insert(profile).values(id=number, country="US", created_at=NOON))
        connection.execute(
            insert(order).values(
                id=7, external_id="7", profile_id=2, sales_channel="popup", currency="USD", total_minor=3400,
                occurred_at=NOON, paid_at=NOON, **stamp,
            )
        )  # fmt: skip
        for name, at in (("follow", NOON), ("mention", LATER)):
            connection.execute(
                insert(touchpoint).values(
                    dedupe=name, profile_id=1, kind=name, network="pinterest", verified=False, occurred_at=at, **stamp
                )
            )
        connection.execute(
            insert(loyalty_entry).values(
                dedupe="earned:order:7", profile_id=2, kind="earned", reason="order", points=34, occurred_at=NOON,
                counts_from=LATER, order_id=7, **stamp,
            )
        )  # fmt: skip
        connection.execute(
            insert(referral).values(
                profile_id=1, friend_id=2, order_id=7, code="ABCDE-12345", occurred_at=NOON, score=100,
                signals=["same_email"], **stamp,
            )
        )  # fmt: skip
        connection.execute(
            insert(audience).values(id=1, name="viewed", connector="x", fields=["email"], created_at=NOON)
        )
        connection.execute(
            insert(audience_member).values(
                audience_id=1, key="k", profile_id=1, state="out", identifiers={}, reason="converted", changed_at=NOON
            )
        )


def test_it_tells_each_person_her_own_part_and_nothing_of_the_future(engine: Engine) -> None:
    fill(engine)
    with read(engine) as connection:
        told = [(who, entry.title, entry.detail) for who, entry in programme(connection, {1, 2}, until=NOON)]
    assert sorted(told) == [
        (1, "A friend bought with the code for friends", "signs of abuse: same email (score 100)"),
        (1, "Followed us", "on Pinterest; told by others, nobody could check"),
        (1, "Left the ad audience “Looked at”", "had already bought"),
        (2, "Bought with a friend's code", "signs of abuse: same email (score 100)"),
        (2, "Earned 34 points for an order", "pending until 29 Jun 2026"),
    ]
    with read(engine) as connection:
        assert {who for who, _ in programme(connection, {2}, until=NOON)} == {2}


def test_what_was_noted_on_the_way_is_told_beside_what_the_books_keep(engine: Engine) -> None:
    """An audience's books say how she stands now; whoever looked in between knows how she came there."""
    fill(engine)
    joined = Entry(at=NOON - timedelta(days=2), kind="look", title="Joined the ad audience “Looked at”")
    with read(engine) as connection:
        assert [who for who, _ in audience_moves(connection, since=NOON)] == [1]
        assert list(audience_moves(connection, since=LATER)) == []
        noted = [(1, joined), *audience_moves(connection, since=NOON), (99, joined)]
        told = timelines(connection, {1, 2}, until=NOON, journeys={}, noted=noted)
    assert set(told) == {1, 2}
    assert [one.title for one in told[1].entries if one.channel == "audience" or one is joined] == [
        "Joined the ad audience “Looked at”",
        "Left the ad audience “Looked at”",
    ]
