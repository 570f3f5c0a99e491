"""Quiet hours and zones, on ordinary days and on the nights the clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.policy.columns import instant
from segue.policy.hours import Hours, always, minutes, outside
from segue.policy.zones import country_zones, find_zone, next_closed, next_open
from tests.policy.frames import NIGHT, judged, row, rules
from tests.search import examples

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def daily(opens: str, closes: str) -> Hours:
    return Hours((((minutes(opens), minutes(closes)),),) * 7)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opens(hours: Hours, at: datetime, *zones: str) -> datetime | None:
    found = next_open(hours, [find_zone(zone) for zone in zones], instant(at))
    return None if found is None else EPOCH + timedelta(microseconds=found)


def closes(hours: Hours, at: datetime, *zones: str) -> datetime | None:
    found = next_closed(hours, [find_zone(zone) for zone in zones], instant(at))
    return None if found is None else EPOCH + timedelta(microseconds=found)


NEW_YORK, BERLIN, HOWE, PHOENIX = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Phoenix"
# zone, window, asked at (UTC), first open instant (UTC)
NIGHTS = {
    "spring, opens after the gap": (NEW_YORK, "07:00-21:00", "2026-03-08T04:00", "2026-03-08T11:00"),
    "the day before, still winter time": (NEW_YORK, "07:00-21:00", "2026-03-07T04:00", "2026-03-07T12:00"),
    "spring, an opening time that is skipped": (NEW_YORK, "02:30-10:00", "2026-03-08T06:15", "2026-03-08T07:00"),
    "spring, a window that is skipped whole": (NEW_YORK, "02:00-03:00", "2026-03-08T06:15", "2026-03-09T06:00"),
    "autumn, opens after the fold": (NEW_YORK, "07:00-21:00", "2026-11-01T04:00", "2026-11-01T12:00"),
    "autumn, the first of two": (NEW_YORK, "01:30-10:00", "2026-11-01T05:00", "2026-11-01T05:30"),
    "autumn, between the two": (NEW_YORK, "01:30-10:00", "2026-11-01T06:10", "2026-11-01T06:30"),
    "autumn, the second of two": (NEW_YORK, "01:00-01:30", "2026-11-01T05:40", "2026-11-01T06:00"),
    "Berlin, spring": (BERLIN, "07:00-21:00", "2026-03-28T22:00", "2026-03-29T05:00"),
    "Berlin, spring, skipped": (BERLIN, "02:30-10:00", "2026-03-29T00:30", "2026-03-29T01:00"),
    "Berlin, autumn": (BERLIN, "07:00-21:00", "2026-10-24T22:00", "2026-10-25T06:00"),
    "Berlin, autumn, the second of two": (BERLIN, "02:00-02:30", "2026-10-25T00:45", "2026-10-25T01:00"),
    "half an hour, spring": (HOWE, "02:15-10:00", "2026-10-03T15:00", "2026-10-03T15:30"),
    "half an hour, autumn": (HOWE, "07:00-21:00", "2026-04-04T14:00", "2026-04-04T20:30"),
    "half an hour, lived twice": (HOWE, "01:30-01:45", "2026-04-04T14:50", "2026-04-04T15:00"),
    "no changes in Arizona": (PHOENIX, "07:00-21:00", "2026-03-08T06:00", "2026-03-08T14:00"),
    "open now": (PHOENIX, "07:00-21:00", "2026-03-08T20:00:00.000001", "2026-03-08T20:00:00.000001"),
    "closed at the closing minute": (PHOENIX, "07:00-21:00", "2026-03-09T04:00", "2026-03-09T14:00"),
}


@pytest.mark.parametrize(("zone", "window", "asked", "expected"), NIGHTS.values(), ids=NIGHTS.keys())
def test_the_next_open_instant(zone, window, asked, expected):
    assert opens(daily(*window.split("-")), utc(asked), zone) == utc(expected)


def test_the_closing_instant_of_a_night_that_is_an_hour_longer():
    """Twelve hours on the wall are thirteen in autumn."""
    assert closes(daily("00:00", "12:00"), utc("2026-11-01T04:00"), NEW_YORK) == utc("2026-11-01T17:00")
    assert closes(always(), utc("2026-11-01T04:00"), NEW_YORK) is None


def brute_force(hours: Hours, at: datetime, zones: list[str], days: int) -> datetime | None:
    """Try every quarter of an hour: all our windows and all clock changes fall on one."""
    start = at.replace(minute=at.minute - at.minute % 15)
    tries = [at, *(start + timedelta(minutes=15) * n for n in range(1, days * 96))]
    for moment in tries:
        walls = [moment.astimezone(find_zone(zone)) for zone in zones]
        if all(any(a <= wall.hour * 60 + wall.minute < b for a, b in hours.days[wall.weekday()]) for wall in walls):
            return moment
    return None


@st.composite
def weeks(draw: st.DrawFn) -> Hours:
    quarter = st.integers(0, 95)
    days = []
    for _ in range(7):
        a, b = sorted((draw(quarter), draw(quarter)))
        days.append(((a * 15, b * 15),) if a < b else ())
    return Hours(tuple(days))


@settings(max_examples=examples(150), deadline=None)
@given(
    hours=weeks(),
    night=st.sampled_from(["2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2026-10-04", "2026-04-05"]),
    minute=st.integers(-2880, 1440),
    zones=st.lists(
        st.sampled_from([NEW_YORK, BERLIN, HOWE, PHOENIX, "Asia/Kathmandu", "America/St_Johns"]),
        min_size=1,
        max_size=3,
        unique=True,
    ),
)
def test_the_next_open_instant_is_the_one_a_watchman_would_see(hours, night, minute, zones):
    """Around every change of the clock, in one zone and in several at once."""
    at = utc(f"{night}T00:00") + timedelta(minutes=minute)
    seen = brute_force(hours, at, zones, days=9)
    found = opens(hours, at, *zones)
    if seen is None:
        assert found is None or found > at + timedelta(days=8)
    else:
        assert found == seen


def test_an_unknown_zone_means_every_zone_of_the_country():
    """09:00 in Hawaii and the Aleutians is when the last American may be texted; New York ends the window."""
    states = country_zones()["US"]
    assert len(states) > 20
    place = {"channels": ("sms",), "zone": None, "region": None}
    (held,) = judged(row(**place), now=utc("2026-11-18T15:00"))
    assert (held["reason"], held["until"]) == ("quiet_hours", utc("2026-11-18T19:00"))  # 09:00 in Adak
    (sent,) = judged(row(**place), now=utc("2026-11-18T20:00"))
    assert (sent["verdict"], sent["valid_until"]) == ("send", utc("2026-11-18T23:00"))  # 18:00 in New York
    (weekend,) = judged(row(**place), now=utc("2026-11-20T23:00"))  # Friday, 18:00 in New York
    assert weekend["until"] == utc("2026-11-21T20:00")  # Saturday, 10:00 in Adak


def test_a_zone_nobody_knows_is_no_zone():
    """Not even one that looks like a path."""
    assert find_zone("Mars/Olympus") is None
    assert find_zone("../zones") is None
    place = {"channels": ("sms",), "country": None, "zone": "../zones"}
    assert judged(row(**place))[0]["reason"] == "zone_unknown"


def test_a_known_zone_without_a_country_gets_the_strictest_hours():
    """19:00 in Berlin is fine for a German and too late for somebody whose country we do not know."""
    evening = utc("2026-11-18T18:00")
    german, unknown = judged(
        row(channels=("sms",), zone=BERLIN, country="DE", region=None),
        row(channels=("sms",), zone=BERLIN, country=None, region=None, profile_id=2),
        now=evening,
    )
    assert german["verdict"] == "send"
    assert (unknown["reason"], unknown["until"]) == ("quiet_hours", utc("2026-11-19T09:00"))


def test_a_mail_to_anywhere_goes_by_the_shops_own_clock():
    """Neither zone nor country: quiet in the shop is quiet for her."""
    nowhere = row(country=None, region=None, zone=None)
    (held,) = judged(nowhere, now=NIGHT)
    assert (held["reason"], held["until"]) == ("quiet_hours", utc("2026-11-19T12:00"))
    (sent,) = judged(nowhere, now=NIGHT, by=rules(home_zone="Asia/Tokyo"))
    assert sent["verdict"] == "send"


def test_a_mail_to_a_country_goes_by_its_zones():
    """22:30 in New York, 04:30 in Berlin: a German of unknown zone waits for her own morning, not the shop's."""
    (held,) = judged(row(country="de", region=None, zone=None), now=NIGHT)
    assert held["until"] == utc("2026-11-19T06:00")


def test_a_window_once_a_week_that_has_just_closed_comes_round_in_a_week():
    hours = Hours(((), (), ((60, 120),), (), (), (), ()))
    assert opens(hours, utc("2026-11-18T02:00"), "UTC") == utc("2026-11-25T01:00")


def test_many_places_in_one_frame_each_get_their_own_hours():
    """One frame, four zones, each its own morning."""
    zones = [NEW_YORK, "America/Los_Angeles", BERLIN, HOWE]
    verdicts = judged(*(row(zone=zone, profile_id=n) for n, zone in enumerate(zones)), now=NIGHT)
    assert [v["until"] for v in verdicts] == [
        utc("2026-11-19T12:00"),
        None,  # 19:30 in Los Angeles
        utc("2026-11-19T06:00"),
        None,  # 14:30 on Lord Howe
    ]


def test_quiet_hours_are_read_over_midnight_and_within_a_day():
    assert outside("21:00-07:00") == daily("07:00", "21:00")
    assert outside("12:00-13:00").days[0] == ((0, 720), (780, 1440))
    assert outside("00:00-06:00") == daily("06:00", "24:00")
    assert outside("") == always()


def test_what_is_closed_is_what_is_not_open():
    hours = Hours((((0, 60), (120, 180)), ((0, 1440),), (), *(((60, 1440),),) * 4))
    assert hours.closed().days[:4] == (((60, 120), (180, 1440)), (), ((0, 1440),), ((0, 60),))
    assert hours.closed().closed() == hours
