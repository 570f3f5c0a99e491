"""Times as people at the shop read them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from segue.settings import load_settings


def local(at: datetime) -> str:
    """Say an instant by the shop's own clock: `Wed 13 May 2026, 12:00 (America/New_York)`."""
    zone = ZoneInfo(load_settings().home_zone)
    return f"{at.astimezone(zone):%a %d %b %Y, %H:%M} ({zone.key})"
