"""The policy rules as an installation's settings have them."""

from __future__ import annotations

from segue.policy import Rules
from segue.settings import Settings


def rules_of(settings: Settings) -> Rules:
    """Build the rules; raises ValueError naming the setting that cannot be read."""
    return Rules.of(
        caps=settings.caps,
        cart_second_email=settings.cart_second_email,
        email_quiet=settings.email_quiet,
        home_zone=settings.home_zone,
        holdout_journey=settings.holdout_journey,
        holdout_global=settings.holdout_global,
        holdout_salt=settings.holdout_salt,
    )
