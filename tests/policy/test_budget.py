"""The frequency budget, against a plain loop that nobody could get wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.policy.judge import judge
from tests.policy.frames import NOW, frame, history, judged, plain, row, rules
from tests.search import examples

HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


def mails(*ago: timedelta) -> pd.DataFrame:
    return history(*((1, "email", NOW - each) for each in ago))


def test_the_second_mail_of_a_day_waits_for_the_first_to_grow_old():
    (verdict,) = judged(row(), past=mails(3 * HOUR))
    assert (verdict["reason"], verdict["until"]) == ("budget", NOW + 21 * HOUR)


def test_a_message_counts_for_exactly_one_window():
    """At the very instant its window ends there is room again."""
    assert judged(row(), past=mails(DAY))[0]["verdict"] == "send"
    (verdict,) = judged(row(), past=mails(DAY - TICK))
    assert (verdict["verdict"], verdict["until"]) == ("hold", NOW + TICK)


def test_the_longest_wait_of_several_windows_counts():
    """One in 24 h and four in 7 d are both used up; the week frees later."""
    (verdict,) = judged(row(), past=mails(HOUR, 2 * DAY, 3 * DAY, 4 * DAY))
    assert verdict["until"] == NOW + 3 * DAY
    (verdict,) = judged(row(), past=mails(HOUR, 2 * DAY, 3 * DAY, 7 * DAY - HOUR))
    assert verdict["until"] == NOW + 23 * HOUR


def test_more_than_the_limit_frees_only_when_enough_have_left():
    """Three mails in a day, one allowed: the latest of them decides."""
    (verdict,) = judged(row(), past=mails(3 * HOUR, 2 * HOUR, HOUR))
    assert verdict["until"] == NOW + 23 * HOUR


def test_a_hand_over_in_the_future_counts():
    """A clock that went back must not open the budget."""
    (verdict,) = judged(row(), past=mails(-5 * HOUR))
    assert (verdict["reason"], verdict["until"]) == ("budget", NOW + 29 * HOUR)


def test_a_cart_mail_may_be_the_second_of_a_day_but_not_the_third():
    assert judged(row(answers_a_cart=True), past=mails(HOUR))[0]["verdict"] == "send"
    (third,) = judged(row(answers_a_cart=True), past=mails(HOUR, 2 * HOUR))
    assert third["until"] == NOW + 22 * HOUR
    assert judged(row(answers_a_cart=True), past=mails(HOUR), by=rules(cart_second_email=False))[0]["verdict"] == "hold"


def test_a_cart_mail_is_no_exception_to_the_week():
    (verdict,) = judged(row(answers_a_cart=True), past=mails(HOUR, 2 * DAY, 3 * DAY, 4 * DAY))
    assert verdict["until"] == NOW + 3 * DAY


def test_the_cart_exception_is_for_the_day_alone():
    by = rules(caps={"email": ["1/7d"]})
    assert judged(row(answers_a_cart=True), past=mails(HOUR), by=by)[0]["until"] == NOW + 7 * DAY - HOUR


def test_the_cart_exception_is_for_mail_alone():
    past = history((1, "sms", NOW - HOUR))
    assert judged(row(channels=("sms",), answers_a_cart=True), past=past)[0]["reason"] == "budget"


def test_a_generous_day_gets_no_third_mail_on_top():
    """Where a shop allows three a day, a cart mail is one of the three."""
    by = rules(caps={"email": ["3/24h"]})
    assert judged(row(answers_a_cart=True), past=mails(HOUR, HOUR), by=by)[0]["verdict"] == "send"
    assert judged(row(answers_a_cart=True), past=mails(HOUR, HOUR, HOUR), by=by)[0]["verdict"] == "hold"


def test_the_frame_itself_uses_the_budget_by_priority_then_key():
    """The dearest message goes; equals go by key; the order of rows says nothing."""
    by_key = judged(row(key="j/s/b"), row(key="j/s/a"))
    assert [v["verdict"] for v in by_key] == ["hold", "send"]
    by_priority = judged(row(key="j/s/a", priority=1), row(key="j/s/b", priority=2))
    assert [v["verdict"] for v in by_priority] == ["hold", "send"]
    assert by_priority[0]["until"] == NOW + DAY


def test_what_another_rule_stops_uses_nothing():
    """A converted, a paused and a held-out message leave the budget to the next."""
    for stopped in ({"converted": True}, {"paused": True}, {"ready_at": NOW + HOUR}):
        verdicts = judged(row(priority=90, **stopped), row())
        assert [v["verdict"] == "send" for v in verdicts] == [False, True], stopped


def test_what_the_budget_stops_uses_nothing():
    """A dropped message of high priority does not block the cart mail behind it."""
    first, cart = judged(row(priority=90, over_budget="drop"), row(priority=10, answers_a_cart=True), past=mails(HOUR))
    assert first["reason"] == "over_budget"
    assert first["until"] is None
    assert cart["verdict"] == "send"


def test_transactional_and_exempt_messages_neither_use_nor_need_budget():
    rows = [row(transactional=True, priority=99), row(in_cap=False, priority=98), row()]
    assert [v["verdict"] for v in judged(*rows)] == ["send"] * 3
    assert [v["verdict"] for v in judged(*rows, past=mails(HOUR))] == ["send", "send", "hold"]


def test_budgets_are_per_person_and_channel():
    past = history((1, "email", NOW - HOUR), (2, "sms", NOW - HOUR), (3, "audience", NOW - HOUR))
    rows = [row(), row(channels=("sms",)), row(profile_id=2), row(profile_id=2, channels=("sms",)), row(profile_id=3)]
    assert [v["verdict"] for v in judged(*rows, past=past)] == ["hold", "send", "send", "hold", "send"]


def test_a_channel_without_caps_is_unlimited():
    assert judged(row(), past=mails(HOUR), by=rules(caps={"email": []}))[0]["verdict"] == "send"
    assert judged(row(), past=mails(HOUR), by=rules(caps={}))[0]["verdict"] == "send"


CAPS = {"email": [(1, 24), (4, 168)], "sms": [(1, 24), (2, 168), (6, 720)], "print": [(1, 720)]}


def first_room(times: list[datetime], caps: list[tuple[int, int]]) -> datetime:
    """Return the first instant from now on at which one more is within every cap."""
    windows = [(limit, timedelta(hours=hours)) for limit, hours in caps]
    for moment in sorted({NOW, *(time + window for time in times for _, window in windows)}):
        if moment >= NOW and all(sum(time > moment - window for time in times) < limit for limit, window in windows):
            return moment
    raise AssertionError


def by_hand(rows: list[dict[str, Any]], past: list[tuple[int, str, datetime]], *, second: bool) -> dict[str, Any]:
    """Take the rows one by one, in their turn; what would be lost to one of them alone waits to see it leave."""
    found = {}
    counted = {}
    before = {}
    for person, channel, time in past:
        counted.setdefault((person, channel), []).append(time)
        before.setdefault((person, channel), []).append(time)
    for each in sorted(rows, key=lambda r: (-r["priority"], r["key"])):
        channel = each["channels"][0]
        times = counted.setdefault((each["profile_id"], channel), [])
        caps = CAPS[channel]
        if second and channel == "email" and each["answers_a_cart"]:
            caps = [(2, 24), (4, 168)]
        if each["transactional"] or not each["in_cap"]:
            found[each["key"]] = ("send", None)
            continue
        room = first_room(times, caps)
        if room == NOW:
            times.append(NOW)
            found[each["key"]] = ("send", None)
        elif each["over_budget"] == "drop" and first_room(before.get((each["profile_id"], channel), []), caps) == NOW:
            found[each["key"]] = ("budget", NOW + rules().paused_recheck)
        elif each["over_budget"] == "drop":
            found[each["key"]] = ("over_budget", None)
        else:
            found[each["key"]] = ("budget", room)
    return found


PEOPLE = st.integers(1, 3)
CHANNELS = st.sampled_from(["email", "email", "sms", "print"])
WHEN = st.one_of(
    st.integers(-24 * 60, 31 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    st.sampled_from([NOW, NOW - DAY, NOW - 7 * DAY, NOW - DAY + TICK, NOW - 7 * DAY - TICK, NOW + TICK]),
)
WANTED = st.lists(
    st.fixed_dictionaries(
        {
            "profile_id": PEOPLE,
            "channels": CHANNELS.map(lambda channel: (channel,)),
            "priority": st.integers(1, 3),
            "answers_a_cart": st.booleans(),
            "transactional": st.sampled_from([False, False, False, True]),
            "in_cap": st.sampled_from([True, True, True, False]),
            "over_budget": st.sampled_from(["hold", "hold", "drop"]),
        }
    ),
    max_size=16,
)


@settings(max_examples=examples(250), deadline=None)
@given(
    wanted=WANTED,
    past=st.lists(st.tuples(PEOPLE, CHANNELS, WHEN), max_size=25),
    second=st.booleans(),
    keys=st.randoms(use_true_random=False),
)
def test_side_by_side_equals_one_by_one(wanted, past, second, keys):
    """Equal verdicts and equal instants, for any frame and any past."""
    names = [f"j/s/cart:{n}" for n in range(len(wanted))]
    keys.shuffle(names)
    rows = [row(key=name, **each) for name, each in zip(names, wanted, strict=True)]
    result = judge(frame(*rows), now=NOW, history=history(*past), rules=rules(cart_second_email=second))
    found = {
        name: (verdict["reason"] or verdict["verdict"], verdict["until"])
        for name, verdict in zip(names, map(plain, result.to_dict("records")), strict=True)
    }
    assert found == by_hand(rows, past, second=second)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_many_messages_for_one_person_take_as_many_passes_as_the_cap_allows(count):
    """A thousand campaigns for one person: exactly the allowed ones leave."""
    by = rules(caps={"email": [f"{count + 1}/24h"]}, cart_second_email=False)
    verdicts = judged(*(row() for _ in range(1000)), by=by)
    assert [v["verdict"] for v in verdicts].count("send") == count + 1
