"""What a connector of one's own can carry, as `segue connectors new` is told."""

from __future__ import annotations

from enum import StrEnum


class Carried(StrEnum):
    """What a new connector can carry."""

    EMAIL = "email"
    SMS = "sms"
    PRINT = "print"
    AUDIENCE = "audience"
    OFFERS = "offers"
