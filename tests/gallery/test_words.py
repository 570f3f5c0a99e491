"""No machine word reaches a reader."""

from __future__ import annotations

import pytest

from segue.gallery import words
from segue.gallery.times import local
from segue.outbox.summary import ORDER
from segue.policy.reasons import Reason
from tests.gallery.shop import CART_AT


@pytest.mark.parametrize("reason", [reason.value for reason in Reason])
def test_every_reason_of_policy_is_said_in_plain_words(reason: str) -> None:
    """A new reason needs a phrase here, or marketers read an identifier."""
    assert reason in words.REASONS
    said = words.reason(reason, ("sms", "email"))
    assert said
    assert "_" not in said
    assert "{" not in said


def test_every_group_is_named_and_explained() -> None:
    """Also in a preview, where nothing happened."""
    for group in ORDER:
        assert group in words.GROUPS
        assert group in words.GROUPS_PREVIEWED
        assert words.MEANINGS[group].endswith(".")


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        (("email",), "never agreed to marketing e-mail"),
        (("sms", "email"), "never agreed to marketing texts or e-mail"),
        ((), "never agreed to marketing messages"),
    ],
)
def test_a_missing_consent_names_the_channels(channels: tuple[str, ...], said: str) -> None:
    """What she never agreed to depends on where the step would have gone."""
    assert words.reason("no_consent", channels) == said


def test_an_unknown_word_is_shown_plainly() -> None:
    """Providers make their own; they are shown, not swallowed, and braces in them are text."""
    assert words.reason("mailbox_{full}") == "mailbox {full}"
    assert words.reason(None) == ""


@pytest.mark.parametrize(
    ("minor", "currency", "said"), [(7400, "USD", "$74.00"), (990, "CHF", "9.90 CHF"), (1200, "JPY", "1,200 JPY")]
)
def test_money_is_written_as_people_write_it(minor: int, currency: str, said: str) -> None:
    """Minor units become an amount; some currencies have none."""
    assert words.money(minor, currency) == said


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/New_York", "Tue 12 May 2026, 18:50 EDT"),
        ("Europe/Berlin", "Wed 13 May 2026, 00:50 CEST"),
        (None, "Tue 12 May 2026, 22:50 UTC"),
        ("Not/A_Zone", "Tue 12 May 2026, 22:50 UTC"),
        ("../../etc/passwd", "Tue 12 May 2026, 22:50 UTC"),
    ],
)
def test_times_are_local_where_the_zone_is_known(zone: str | None, said: str) -> None:
    """Zones come from exports; what is no zone falls back to the shop's."""
    assert str(local(CART_AT, zone)) == said
