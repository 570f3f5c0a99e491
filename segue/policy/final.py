"""Rules that end a key for good."""

from __future__ import annotations

from segue.policy.columns import NAT, Facts
from segue.policy.opening import NEVER, Opening
from segue.policy.reasons import Reason
from segue.policy.ruling import Ruling


def too_late(facts: Facts, at: int) -> Ruling:
    """From the deadline on, the message would come too late."""
    return Ruling((facts.deadline_at <= at) & (facts.deadline_at != NAT), Reason.TOO_LATE)


def converted(facts: Facts) -> Ruling:
    """She has already done what the message asks for."""
    return Ruling(facts.converted, Reason.CONVERTED)


def occasion_gone(facts: Facts) -> Ruling:
    """What the message is about is no more: she took everything out of the cart."""
    return Ruling(facts.gone, Reason.OCCASION_GONE)


def sold_out(facts: Facts) -> Ruling:
    """Nothing is left to show her."""
    return Ruling(facts.sold_out, Reason.SOLD_OUT)


def zone_unknown(opening: Opening) -> Ruling:
    """No hour can be named at which a text message to her is legal."""
    return Ruling(opening.opens_at == NEVER, Reason.ZONE_UNKNOWN)
