"""How many are invited to a pop-up, wave after wave, and whom facts take out again: on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Engine, delete, insert, select, update

from segue.journeys.definition import Moment
from segue.journeys.popup_invite import PopupInviteBrief, facts, invite_due, invite_next_due, words
from segue.journeys.popup_places import TIME_TO_COME
from segue.journeys.segments import Definition, Lives
from segue.outbox.merge_keys import move_messages
from segue.settings import House, PopUp
from segue.store.engine import open_engine, read, write
from segue.store.tables import location, loyalty_entry, message, profile
from tests.journeys.popups import (
    DAY,
    HOUSE,
    NOON,
    at,
    due,
    homes,
    invited,
    neighbours,
    popup,
    promise_wave,
    settle,
    states,
    visit,
    wave,
)

BRIEF = PopupInviteBrief()


def frame(*pairs: tuple[int, int]) -> pd.DataFrame:
    """Rows of people and pop-ups as the outbox would ask about them."""
    return pd.DataFrame({"profile_id": [who for who, _ in pairs], "subject_id": [place for _, place in pairs]})


def test_waves_fill_what_came_to_nothing_and_nothing_else(engine: Engine) -> None:
    """Two places, one in ten comes: twenty invitations that reach somebody, however many runs it takes."""
    popup(engine)
    neighbours(engine, range(1, 101))
    assert wave(engine) == 20
    assert wave(engine) == 0
    first = invited(engine)
    settle(engine, "skipped", first[:5])
    settle(engine, "control", first[5:7])
    settle(engine, "rejected", first[7:8])
    settle(engine, "held", first[8:12])  # they may still leave
    settle(engine, "accepted", first[12:16])
    settle(engine, "uncertain", first[16:18])
    settle(engine, "handed_over", first[18:19])
    assert wave(engine, at(NOON + DAY)) == 8
    assert wave(engine, at(NOON + DAY)) == 0
    settle(engine, "skipped", invited(engine)[20:])
    settle(engine, "skipped", first[8:10])
    assert wave(engine, at(NOON + 2 * DAY)) == 10
    everybody = invited(engine)
    assert len(everybody) == len(set(everybody)) == 38
    assert sum(n for state, n in states(engine).items() if state not in {"skipped", "control", "rejected"}) == 20


def test_of_a_segment_only_its_people_are_invited(engine: Engine) -> None:
    """Lots are drawn among them, so that nobody else takes a turn; whoever it means no more is left out."""
    popup(engine)
    neighbours(engine, range(1, 101))
    with write(engine) as connection:
        connection.execute(update(profile).where(profile.c.id > 70).values(country="US"))
        connection.execute(update(profile).where(profile.c.id <= 70).values(country="DE"))
    american = Definition(conditions=(Lives(country="US"),))
    drawn = due(engine, people=american)
    assert len(drawn) == 20
    assert {who for _, who in drawn} <= set(range(71, 101))
    with write(engine) as connection:
        connection.execute(update(profile).where(profile.c.id == 71).values(country="DE"))
    with read(engine) as connection:
        asked = facts(connection, frame((71, 1), (72, 1)), at(), PopupInviteBrief(people=american))
        assert asked["gone"].tolist() == [True, False]
        assert facts(connection, frame((71, 1), (72, 1)), at(), BRIEF)["gone"].tolist() == [False, False]


def test_a_wave_takes_everybody_there_is(engine: Engine) -> None:
    popup(engine)
    neighbours(engine, range(1, 8))
    assert wave(engine) == 7
    assert wave(engine) == 0


def test_the_lots_are_the_same_however_often_they_are_drawn(engine: Engine) -> None:
    popup(engine)
    popup(engine, 2)
    neighbours(engine, range(1, 101))
    drawn = due(engine)
    assert sorted(drawn) == sorted(due(engine)) == sorted(due(engine, at(NOON + DAY)))
    mine, other = ({who for place, who in drawn if place == number} for number in (1, 2))
    assert len(mine) == len(other) == 20
    assert mine != other  # who was unlucky once is not unlucky for ever
    # Who moves in changes nothing among the others.
    neighbours(engine, range(101, 106))
    now = {who for place, who in due(engine) if place == 1}
    assert {who for who in now if who <= 100} <= mine


#: What the pop-up is like, what the marketer asked for, and how many are invited.
CASES: tuple[tuple[dict[str, Any], dict[str, Any], int], ...] = (
    ({}, {}, 20),
    ({"capacity": 3}, {}, 30),
    ({"capacity": None}, {}, 0),
    ({"capacity": None}, {"places": 1}, 10),
    ({"capacity": 5}, {"places": 1}, 10),
    ({"capacity": 0}, {"places": 1}, 0),
    ({"kind": "store"}, {}, 0),
    ({"latitude": None}, {}, 0),
    ({"closes_at": None}, {}, 0),
    ({"opens_at": None}, {}, 0),
    ({"opens_at": NOON + 14 * DAY, "closes_at": NOON + 20 * DAY}, {}, 20),
    ({"opens_at": NOON + 15 * DAY, "closes_at": NOON + 20 * DAY}, {}, 0),
    ({"opens_at": NOON + 15 * DAY, "closes_at": NOON + 20 * DAY}, {"days_before": 15}, 20),
    ({"opens_at": NOON - DAY, "closes_at": NOON + TIME_TO_COME + timedelta(seconds=1)}, {}, 20),
    ({"opens_at": NOON - DAY, "closes_at": NOON + TIME_TO_COME}, {}, 0),
    ({}, {"popup": "POP-1"}, 20),
    ({}, {"popup": "POP-2"}, 0),
)


def test_which_pop_ups_invite_and_how_many(engine: Engine) -> None:
    neighbours(engine, range(1, 61))
    for changes, brief, expected in CASES:
        with write(engine) as connection:
            connection.execute(delete(location))
        popup(engine, **changes)
        assert len(due(engine, **brief)) == expected, (changes, brief)


def test_the_last_day_is_the_last_on_which_there_is_time_to_come(engine: Engine) -> None:
    """On the night the clocks go back the end is the same instant, whatever it is called."""
    closes = NOON.replace(month=11, day=1, hour=23)  # six in the evening, in winter already
    popup(engine, opens_at=closes - 2 * DAY, closes_at=closes)
    neighbours(engine, [1])
    with read(engine) as connection:
        (row,) = connection.execute(invite_due(at(closes - DAY), BRIEF)).all()
    assert row.deadline_at == closes - TIME_TO_COME


def test_who_came_uninvited_takes_a_place_and_who_was_invited_does_not(engine: Engine) -> None:
    """Whoever was invited is what the show rate stands for."""
    popup(engine, capacity=4)
    neighbours(engine, range(1, 101))
    visit(engine, 100)
    visit(engine, 100)  # once more: the same person
    visit(engine, None)  # nobody we know
    visit(engine, 99, cancelled_at=NOON - DAY)
    visit(engine, 98, delivery="ship")  # a parcel packed there
    visit(engine, 97, now=NOON + DAY)  # not yet
    assert wave(engine) == 20
    came = next(who for who in invited(engine) if who not in {97, 98, 99, 100})
    visit(engine, came)
    assert wave(engine) == 0
    settle(engine, "skipped", [who for who in invited(engine) if who != came][:3])
    assert wave(engine) == 3
    visit(engine, None)  # four people: full, whatever was promised
    settle(engine, "skipped", [who for who in invited(engine) if who != came])
    assert wave(engine) == 0


def test_the_show_rate_is_measured_where_enough_were_invited(engine: Engine) -> None:
    """Of 40 invited to a pop-up that is over 5 came: eight invitations a place, instead of the expected ten."""
    popup(engine)
    popup(engine, 9, opens_at=NOON - 30 * DAY, closes_at=NOON - 20 * DAY, capacity=4)
    neighbours(engine, range(1, 101))
    before = at(NOON - 31 * DAY)
    assert wave(engine, before) == 40
    settle(engine, "accepted", invited(engine, 9), 9)
    for who in invited(engine, 9)[:5]:
        visit(engine, who, 9, NOON - 25 * DAY)
    assert len(due(engine)) == 16
    strict = House(popup=PopUp(expected_show_rate=0.1, measured_from=41))
    assert len(due(engine, at(house=strict))) == 20
    settle(engine, "skipped", invited(engine, 9)[39:], 9)  # 39 were reached: too few to measure by
    assert len(due(engine)) == 20


def test_where_nobody_came_the_whole_world_is_not_invited(engine: Engine) -> None:
    popup(engine, capacity=1)
    popup(engine, 9, opens_at=NOON - 30 * DAY, closes_at=NOON - 20 * DAY, capacity=4)
    neighbours(engine, range(1, 101))
    wave(engine, at(NOON - 31 * DAY))
    settle(engine, "accepted", invited(engine, 9), 9)
    assert len(due(engine)) == 40


def test_invitations_are_places_over_the_rate_rounded_up(engine: Engine) -> None:
    popup(engine)
    neighbours(engine, range(1, 61))
    for rate, expected in ((0.04, 50), (0.3, 7), (1.0, 2), (1e-9, 60), (0.07, 29)):
        assert len(due(engine, at(house=House(popup=PopUp(expected_show_rate=rate))))) == expected


def test_two_runs_at_once_invite_nobody_twice_and_not_too_many(engine: Engine, database_url: str) -> None:
    """With different radii, so that their waves are not the same people."""
    popup(engine)
    homes(engine, {number: (40.72 + number * 0.004, -74.0) for number in range(1, 101)})
    barrier = threading.Barrier(4)
    failed: list[BaseException] = []

    def run(radius: float) -> None:
        own = open_engine(database_url)
        try:
            barrier.wait()
            for _ in range(3):
                with write(own) as connection:
                    promise_wave(connection, at(), PopupInviteBrief(radius_km=radius))
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            own.dispose()

    crowd = [threading.Thread(target=run, args=(radius,)) for radius in (2.0, 4.0, 30.0, 50.0)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert failed == []
    assert len(invited(engine)) == len(set(invited(engine))) == 20


def test_what_takes_an_invitation_back(engine: Engine) -> None:
    popup(engine)
    popup(engine, 2)
    neighbours(engine, range(1, 5))
    rows = frame((1, 1), (2, 1), (1, 2), (3, 77))

    def asked() -> list[tuple[bool, bool]]:
        with read(engine) as connection:
            found = facts(connection, rows, at(), BRIEF)
        return list(zip(found["gone"].tolist(), found["converted"].tolist(), strict=True))

    assert asked() == [(False, False), (False, False), (False, False), (True, False)]
    visit(engine, 2)
    assert asked()[:3] == [(False, False), (False, True), (False, False)]
    visit(engine, 4)  # the second of two places
    assert asked()[:3] == [(True, False), (True, True), (False, False)]
    for changes in ({"closes_at": NOON + TIME_TO_COME}, {"closes_at": None}, {"capacity": 0}, {"kind": "store"}):
        with write(engine) as connection:
            connection.execute(
                update(location).where(location.c.id == 2).values(
                    {"closes_at": NOON + DAY, "capacity": 2, "kind": "popup"} | changes
                )
            )  # fmt: skip
        assert asked()[2] == (True, False)


def test_an_invitation_of_two_who_became_one_is_hers_once(engine: Engine) -> None:
    """The occasion names the person, so that a merge rewrites it: she is not drawn again."""
    popup(engine, capacity=1)
    neighbours(engine, range(1, 12))
    wave(engine)
    (left_out,) = set(range(1, 12)) - set(invited(engine))
    gone = invited(engine)[0]
    with write(engine) as connection:
        connection.execute(update(profile).where(profile.c.id == gone).values(merged_into=left_out))
        move_messages(connection, {gone: left_out}, NOON)
        row = connection.execute(
            select(message.c.key, message.c.subject_id).where(message.c.profile_id == left_out)
        ).one()
    assert row == (f"popup_invite/invite/popup:1:profile:{left_out}", 1)
    assert due(engine, places=2) == []  # there is room, and nobody left who was not asked


def test_what_the_mail_is_told(engine: Engine) -> None:
    """Never a distance in numbers, never her home; her points as far as they are booked."""
    popup(engine, address="112 Mercer Street")
    homes(engine, {1: (40.72, -74.0), 2: (40.80, -74.0), 3: (41.1, -74.0)})
    with write(engine) as connection:
        for who, points in ((1, 320), (2, 85)):
            connection.execute(
                insert(loyalty_entry).values(
                    dedupe=f"earned:test:{who}", profile_id=who, kind="earned", reason="correction", points=points,
                    occurred_at=NOON - DAY, counts_from=NOON - DAY, recorded_at=NOON,
                )
            )  # fmt: skip
    with read(engine) as connection:
        said = words(connection, frame((1, 1), (2, 1), (3, 1)), at(), BRIEF)
        (opened,) = words(connection, frame((1, 1)), at(NOON + 3 * DAY), BRIEF)
        (without,) = words(connection, frame((1, 1)), at(house=House()), BRIEF)
    assert [one["place"]["distance"] for one in said] == ["corner", "nearby", "trip"]
    assert (said[0]["place"]["has_opened"], opened["place"]["has_opened"]) == (False, True)
    assert said[0]["place"]["map_url"].endswith("query=112%20Mercer%20Street")
    assert said[0]["loyalty"] == {
        "points": 320, "rewards": 1, "worth_minor": 1000, "missing": 180, "progress": 28, "reward_points": 250,
        "reward_minor": 1000, "currency": "USD",
    }  # fmt: skip
    assert (said[1]["loyalty"]["rewards"], said[1]["loyalty"]["missing"]) == (0, 165)
    assert said[2]["loyalty"] is without["loyalty"] is None
    assert "41.1" not in str(said[2])


def test_when_to_look_again(engine: Engine) -> None:
    popup(engine, opens_at=NOON + 20 * DAY, closes_at=NOON + 30 * DAY)

    def ahead(now: Any = NOON, **brief: Any) -> Any:
        with read(engine) as connection:
            moment = Moment(now=now, live_from=NOON, house=HOUSE)
            return connection.scalar(invite_next_due(moment, PopupInviteBrief(**brief)))

    assert ahead() == NOON + 6 * DAY
    assert ahead(days_before=5) == NOON + 15 * DAY
    assert ahead(NOON + 6 * DAY) == NOON + 7 * DAY
    assert ahead(NOON + 30 * DAY) is None
    assert ahead(popup="POP-2") is None
