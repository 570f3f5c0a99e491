"""Which channel is chosen, and what is said where none is."""

from __future__ import annotations

import pytest

from segue.policy.judge import judge
from tests.policy.frames import NIGHT, NOW, RULES, frame, history, judged, row

CHOSEN = {
    "the first of the order": ({"channels": ("sms", "email")}, "sms"),
    "the order is the step's": ({"channels": ("email", "sms")}, "email"),
    "no phone": ({"channels": ("sms", "email"), "phone": None}, "email"),
    "no consent to texts": ({"channels": ("sms", "email"), "sms_basis": None}, "email"),
    "she said STOP": ({"channels": ("sms", "email"), "sms_suppressed": "stop"}, "email"),
    "she said no to texts": ({"channels": ("sms", "email"), "sms_basis": "denied"}, "email"),
    "soft opt-in covers mail, not texts, in the US": (
        {"channels": ("sms", "email"), "sms_basis": "soft_opt_in", "email_basis": "soft_opt_in"},
        "email",
    ),
    "paper where nothing else is allowed": (
        {"channels": ("sms", "email", "print"), "phone": None, "email_basis": None},
        "print",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), CHOSEN.values(), ids=CHOSEN.keys())
def test_the_first_allowed_channel_wins(changes, expected):
    (verdict,) = judged(row(**changes))
    assert (verdict["verdict"], verdict["channel"]) == ("send", expected)


def test_a_quiet_channel_still_wins():
    """Timing never changes the channel: she waits for the text rather than getting a mail now."""
    (verdict,) = judged(row(channels=("sms", "email"), answers_a_cart=True), now=NIGHT)
    assert (verdict["reason"], verdict["channel"]) == ("quiet_hours", "sms")


REFUSED = {
    "no address anywhere": ({"phone": None, "email": None}, "no_address"),
    "no address anywhere, nothing said": (
        {"phone": None, "email": None, "sms_basis": None, "email_basis": None},
        "no_address",
    ),
    "no phone; mail is telling": ({"phone": None, "email_basis": None}, "no_consent"),
    "no e-mail; the text is telling": ({"sms_basis": None, "email": None}, "no_consent"),
    "the preferred channel's reason": ({"sms_basis": None, "email_suppressed": "unsubscribe"}, "no_consent"),
    "the preferred channel's reason, turned": ({"sms_suppressed": "stop", "email_basis": None}, "suppressed"),
    "suppressed outranks denied": ({"sms_suppressed": "stop", "sms_basis": "denied", "email": None}, "suppressed"),
    "denied outranks no address": ({"phone": None, "sms_basis": "denied", "email_basis": None}, "denied"),
}


@pytest.mark.parametrize(("changes", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_why_no_channel_is_allowed(changes, expected):
    (verdict,) = judged(row(channels=("sms", "email"), **changes))
    assert (verdict["reason"], verdict["channel"]) == (expected, None)


def test_rows_with_different_orders_do_not_mix():
    """Each row follows its own step."""
    verdicts = judged(*(row(channels=c, profile_id=n) for n, c in enumerate([("sms",), ("email",), ("print", "sms")])))
    assert [verdict["channel"] for verdict in verdicts] == ["sms", "email", "print"]


def test_a_step_without_channels_reaches_nobody():
    (verdict,) = judged(row(channels=()))
    assert verdict["reason"] == "no_address"


def test_a_channel_nobody_knows_is_named():
    """A typing error in a step is told, not skipped over."""
    with pytest.raises(ValueError, match="pigeon"):
        judge(frame(row(channels=("pigeon",))), now=NOW, history=history(), rules=RULES)


def test_transactional_mail_needs_only_a_live_address():
    """Who ordered is told about the order, whatever she said about marketing."""
    no = {"transactional": True, "email_basis": "denied", "email_suppressed": "unsubscribe", "country": None}
    assert [v["verdict"] for v in judged(row(**no))] == ["send"]
    assert [v["reason"] for v in judged(row(**{**no, "email_suppressed": "hard_bounce"}))] == ["suppressed"]
    assert [v["reason"] for v in judged(row(**{**no, "email": None}))] == ["no_address"]
