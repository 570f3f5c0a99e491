"""Rules built from plain settings, and what is said about those that cannot be read."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest

from segue.contract import Channel
from segue.policy import Rules
from segue.policy.rules import Cap
from segue.settings import Settings
from tests.policy.frames import RULES, rules

NAMES = (
    "caps", "cart_second_email", "holdout_journey", "holdout_global", "holdout_salt", "email_quiet", "home_zone",
)  # fmt: skip


def test_the_shipped_settings_can_be_read():
    """The names are those of the settings, and the defaults are the promised ones."""
    settings = Settings(_env_file=None)
    made = Rules.of(**{name: getattr(settings, name) for name in NAMES})
    assert made.caps[Channel.EMAIL] == (Cap(1, timedelta(hours=24)), Cap(4, timedelta(days=7)))
    assert made.caps[Channel.SMS][-1] == Cap(6, timedelta(days=30))
    assert made.caps[Channel.PRINT] == (Cap(1, timedelta(days=30)),)
    assert made.holdout_journey == 0.05
    assert made.home_zone.key == "America/New_York"


REFUSED = {
    "no cap": ({"caps": {"email": ["often"]}}, "caps.email: 'often'"),
    "a cap of nothing": ({"caps": {"email": ["0/24h"]}}, "caps.email: '0/24h'"),
    "a cap without a unit": ({"caps": {"sms": ["1/24"]}}, "for instance 1/24h"),
    "one text instead of a list": ({"caps": {"email": "1/24h"}}, "must be a list"),
    "a channel without a budget": ({"caps": {"audience": ["1/24h"]}}, "'audience'"),
    "a share above one": ({"holdout_journey": 5}, "holdout_journey is 5"),
    "a share below none": ({"holdout_global": -0.1}, "holdout_global is -0.1"),
    "no number": ({"holdout_global": float("nan")}, "holdout_global"),
    "quiet hours": ({"email_quiet": "at night"}, "email_quiet: 'at night'"),
    "a time": ({"email_quiet": "25:00-07:00"}, "email_quiet: '25:00'"),
    "past the end of the day": ({"email_quiet": "24:30-07:00"}, "'24:30'"),
    "quiet for ever": ({"email_quiet": "00:00-24:00"}, "leaves no hour"),
    "quiet for no time": ({"email_quiet": "07:00-07:00"}, "starts when it ends"),
    "a zone": ({"home_zone": "New York"}, "home_zone is 'New York'"),
}


@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_a_setting_that_cannot_be_read_is_named_with_the_cure(changes, error):
    with pytest.raises(ValueError, match=error):
        rules(**changes)


def test_rules_are_frozen():
    with pytest.raises(FrozenInstanceError):
        RULES.holdout_journey = 1.0
    with pytest.raises(TypeError):
        RULES.caps[Channel.EMAIL] = ()
