"""Each rule alone, their order, and the table of which rule applies to what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from segue.policy import Reason, Verdict
from tests.policy.frames import NIGHT, NOW, fate, history, judged, row, rules

PAST = NOW - timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_what_nothing_forbids_is_sent():
    """No reason, no wait, and the channel it takes."""
    (verdict,) = judged(row())
    nothing = {"reason": None, "until": None, "valid_until": datetime(2026, 11, 19, 2, tzinfo=UTC), "promote": False}
    assert verdict == {"verdict": "send", "channel": "email", **nothing}


ALONE = {
    "too late": ({"deadline_at": PAST}, "too_late"),
    "too late from the deadline on": ({"deadline_at": NOW}, "too_late"),
    "in time until the deadline": ({"deadline_at": NOW + timedelta(microseconds=1)}, "send"),
    "no deadline": ({"deadline_at": None}, "send"),
    "no address": ({"email": None}, "no_address"),
    "an empty address is none": ({"email": ""}, "no_address"),
    "said nothing": ({"email_basis": None}, "no_consent"),
    "an unknown basis is none": ({"email_basis": "of_course"}, "no_consent"),
    "a contract is no consent to marketing": ({"email_basis": "contract"}, "no_consent"),
    "legitimate interest is none in the US": ({"email_basis": "legitimate_interest"}, "no_consent"),
    "said no": ({"email_basis": "denied"}, "denied"),
    "unsubscribed": ({"email_suppressed": "unsubscribe"}, "suppressed"),
    "an unknown suppression counts": ({"email_suppressed": "spam_trap"}, "suppressed"),
    "converted": ({"converted": True}, "converted"),
    "occasion gone": ({"gone": True}, "occasion_gone"),
    "journey broken": ({"broken": True}, "journey_broken"),
    "sold out": ({"sold_out": True}, "sold_out"),
    "nowhere to tell the hour": ({"channels": ("sms",), "country": None, "region": None, "zone": None}, "zone_unknown"),
    "too early": ({"ready_at": NOW + MINUTE}, "too_early"),
    "ready from its moment on": ({"ready_at": NOW}, "send"),
    "paused": ({"paused": True}, "paused"),
}


@pytest.mark.parametrize(("changes", "expected"), ALONE.values(), ids=ALONE.keys())
def test_each_rule_alone(changes, expected):
    """One fact is wrong, one reason comes back."""
    if expected == "zone_unknown":
        changes = {**changes, "sms_basis": "double_opt_in"}
    assert fate(changes) == expected


MAIL = {"channels": ("email",)}
TEXT = {"channels": ("sms",)}
PAPER = {"channels": ("print",)}
SERVICE = {"channels": ("email",), "transactional": True}
COLUMNS = (SERVICE, MAIL, TEXT, PAPER)
NOBODY_KNOWS_WHERE = {"country": None, "region": None}


def everywhere(suffix, value):
    return {f"{channel}_{suffix}": value for channel in ("email", "sms", "print")}


FULL = history(*((1, channel, NOW - timedelta(hours=1)) for channel in ("email", "email", "sms", "print")))
ALL_HELD_OUT = rules(holdout_journey=1.0)
ALL_HELD_OUT_GLOBALLY = rules(holdout_global=1.0)

# What, changes, how it is judged, and the fate of: transactional, marketing e-mail, marketing SMS, print.
MATRIX = [
    ("she agreed", {}, {}, "send", "send", "send", "send"),
    ("she said nothing", everywhere("basis", None), {}, "send", "no_consent", "no_consent", "send"),
    ("a purchase, soft", everywhere("basis", "soft_opt_in"), {}, "send", "send", "no_consent", "send"),
    ("single opt-in", everywhere("basis", "opt_in"), {}, "send", "send", "send", "send"),
    (
        "single opt-in, country unknown",
        {**everywhere("basis", "opt_in"), **NOBODY_KNOWS_WHERE},
        {},
        "send",
        "unconfirmed",
        "unconfirmed",
        "send",
    ),
    ("she said no", everywhere("basis", "denied"), {}, "send", "denied", "denied", "denied"),
    (
        "hard bounce",
        everywhere("suppressed", "hard_bounce"),
        {},
        "suppressed",
        "suppressed",
        "suppressed",
        "send",
    ),
    ("unsubscribed", everywhere("suppressed", "unsubscribe"), {}, "send", "suppressed", "suppressed", "send"),
    ("STOP", everywhere("suppressed", "stop"), {}, "send", "suppressed", "suppressed", "send"),
    ("complaint", everywhere("suppressed", "complaint"), {}, "send", "suppressed", "suppressed", "send"),
    ("objection", everywhere("suppressed", "objection"), {}, "send", "suppressed", "suppressed", "suppressed"),
    ("over the cap", {}, {"past": FULL}, "send", "budget", "budget", "budget"),
    ("over the cap, outside it", {"in_cap": False}, {"past": FULL}, "send", "send", "send", "send"),
    (
        "over the cap, dropped",
        {"over_budget": "drop"},
        {"past": FULL},
        "send",
        "over_budget",
        "over_budget",
        "over_budget",
    ),
    ("at night", {}, {"now": NIGHT}, "send", "quiet_hours", "quiet_hours", "send"),
    ("at night, a cart", {"answers_a_cart": True}, {"now": NIGHT}, "send", "send", "quiet_hours", "send"),
    (
        "held out",
        {},
        {"by": ALL_HELD_OUT},
        "send",
        "holdout_journey",
        "holdout_journey",
        "holdout_journey",
    ),
    (
        "held out of everything",
        {},
        {"by": ALL_HELD_OUT_GLOBALLY},
        "send",
        "holdout_global",
        "holdout_global",
        "holdout_global",
    ),
    ("held out, outside it", {"in_holdout": False}, {"by": ALL_HELD_OUT}, "send", "send", "send", "send"),
    ("too late", {"deadline_at": PAST}, {}, "too_late", "too_late", "too_late", "too_late"),
    ("converted", {"converted": True}, {}, "converted", "converted", "converted", "converted"),
    ("the brake", {"paused": True}, {}, "paused", "paused", "paused", "paused"),
    (
        "she could be anywhere",
        {**NOBODY_KNOWS_WHERE, "zone": None},
        {},
        "send",
        "send",
        "zone_unknown",
        "send",
    ),
]


@pytest.mark.parametrize(
    ("changes", "how", "expected"), [(m[1], m[2], m[3:]) for m in MATRIX], ids=[m[0] for m in MATRIX]
)
def test_which_rule_applies_to_what(changes, how, expected):
    """The matrix of the design, row by row."""
    assert tuple(fate({**column, **changes}, **how) for column in COLUMNS) == expected


# All of these are wrong at once; taking them away from the top shows the one below.
ORDER = [
    ("too_late", {"deadline_at": PAST}),
    ("suppressed", {"email_suppressed": "unsubscribe"}),
    ("denied", {"email_basis": "denied"}),
    ("converted", {"converted": True}),
    ("occasion_gone", {"gone": True}),
    ("sold_out", {"sold_out": True}),
    ("too_early", {"ready_at": NIGHT + MINUTE}),
    ("paused", {"paused": True}),
    ("quiet_hours", {}),
]


def test_the_first_rule_that_matches_wins():
    """What ends a key comes before what delays it, in the documented order."""
    past = history((1, "email", NIGHT - timedelta(hours=1)))
    for position, (expected, _) in enumerate(ORDER):
        wrong = {name: value for _, changes in ORDER[position:] for name, value in changes.items()}
        assert fate(wrong, now=NIGHT, past=past) == expected
    assert fate({"in_cap": True}, now=NOW, past=history((1, "email", NOW - timedelta(hours=1)))) == "budget"


@pytest.mark.parametrize(
    ("share", "reason"), [("holdout_global", "holdout_global"), ("holdout_journey", "holdout_journey")]
)
def test_control_stands_between_final_and_held(share, reason):
    """A converted person is no control; a control is not held first."""
    by = rules(**{share: 1.0})
    assert fate({"sold_out": True}, by=by) == "sold_out"
    assert fate({"paused": True, "ready_at": NOW + MINUTE}, by=by) == reason
    assert fate({}, now=NIGHT, by=by) == reason


def test_the_global_holdout_comes_before_the_journeys():
    """Who is in both counts as held out of everything."""
    assert fate({}, by=rules(holdout_global=1.0, holdout_journey=1.0)) == "holdout_global"


def test_an_unknown_zone_comes_before_the_holdout():
    """A person who can never be texted is no control of texting."""
    nowhere = {"channels": ("sms",), "country": None, "zone": None}
    assert fate(nowhere, by=rules(holdout_global=1.0)) == "zone_unknown"


def test_holds_say_until_when():
    """Each hold carries the instant at which it is worth looking again."""
    ready = NOW + timedelta(hours=5)
    early, braked = judged(row(ready_at=ready, paused=True), row(paused=True, profile_id=2))
    assert early["until"] == ready
    assert braked["until"] == NOW + timedelta(minutes=5)
    (quiet,) = judged(row(), now=NIGHT)
    assert quiet["until"] == datetime(2026, 11, 19, 12, 0, tzinfo=UTC)  # 07:00 in New York
    (capped,) = judged(row(), past=history((1, "email", NOW - timedelta(hours=1))))
    assert capped["until"] == NOW + timedelta(hours=23)


def test_no_hold_outlives_its_deadline():
    """It waits until its deadline, where it is found too late."""
    deadline = NIGHT + timedelta(minutes=2)
    hold_cases = [
        {"ready_at": NIGHT + timedelta(hours=1)},
        {"paused": True},
        {},
        {"answers_a_cart": True},
    ]
    past = history((1, "email", NIGHT - timedelta(hours=1)), (1, "email", NIGHT - timedelta(hours=2)))
    for changes in hold_cases:
        (verdict,) = judged(row(deadline_at=deadline, **changes), now=NIGHT, past=past)
        assert (verdict["verdict"], verdict["until"]) == ("hold", deadline), changes
        assert fate({"deadline_at": deadline, **changes}, now=deadline, past=past) == "too_late"


def test_a_verdict_holds_until_her_window_ends():
    """An SMS that lingers at the provider must not arrive at night: 18:00 in New York; a mail leaves by 21:00."""
    sms, mail, cart = judged(row(channels=("sms",)), row(profile_id=2), row(profile_id=3, answers_a_cart=True))
    assert sms["valid_until"] == datetime(2026, 11, 18, 23, 0, tzinfo=UTC)
    assert mail["valid_until"] == datetime(2026, 11, 19, 2, 0, tzinfo=UTC)
    assert cart["valid_until"] is None
    (held,) = judged(row(channels=("sms",)), now=NIGHT)
    assert held["valid_until"] is None
    (capped,) = judged(row(channels=("sms",)), past=history((1, "sms", NOW)))
    assert capped["valid_until"] is None


def test_every_reason_has_one_verdict_and_one_sentence():
    """The vocabulary is complete, and no reason means send."""
    assert {reason.verdict for reason in Reason} == {Verdict.SKIP, Verdict.HOLD, Verdict.CONTROL}
    assert all(reason.meaning.endswith(".") for reason in Reason)
    holds = {reason.value for reason in Reason if reason.verdict is Verdict.HOLD}
    assert holds == {
        "too_early",
        "quiet_hours",
        "paused",
        "budget",
        "code_unpublished",
        "pace",
        "no_connector",
        "journey_broken",
    }
