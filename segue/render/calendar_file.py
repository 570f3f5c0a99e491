"""Calendar files (RFC 5545): one event that a mail brings along, for whatever calendar its reader has.

An event within one local day has its times, in UTC, which every calendar shows in its reader's own zone. A longer one
is a banner over its local days that blocks nobody's time; its hours stand in the description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from segue.contract import Attachment
from segue.render.brand import Brand
from segue.render.links import Tags, tagged
from segue.render.voice import Voice

MEDIA_TYPE = "text/calendar; charset=utf-8"
#: Octets of a line, without its end; a longer one goes on after a line end and a blank.
_LINE = 75
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def calendar_file(event: Mapping[str, Any], brand: Brand, voice: Voice, tags: Tags) -> Attachment:
    """Return the event as a file to attach, its hours told as `voice` tells them.

    Its link to the shop is booked under `tags`. It names no message, since such files are passed on.
    `event` has `uid` (the same for the same event, always), `title`, `place` (one line), `starts_at`, `ends_at` and
    `stamp` (ISO 8601 with offset), `zone` (of the place; None is the brand's), and `latitude` and `longitude` or None.
    Raises ValueError for a time without an offset or an end before the start.
    """
    names = ("uid", "title", "place", "starts_at", "ends_at", "stamp", "zone", "latitude", "longitude")
    return _made(brand, voice, tags, *(event[name] for name in names))


@lru_cache(maxsize=256)
def _made(
    brand: Brand,
    voice: Voice,
    tags: Tags,
    uid: str,
    title: str,
    place: str,
    starts_at: str,
    ends_at: str,
    stamp: str,
    zone: str | None,
    latitude: float | None,
    longitude: float | None,
) -> Attachment:
    starts, ends = _instant(starts_at), _instant(ends_at)
    if ends < starts:
        raise ValueError("the event ends before it starts")
    local = _zone(zone, brand.zone)
    hours = f"{voice.local_time(starts, zone)} - {voice.local_time(ends, zone)}"
    domain = brand.senders.marketing.address.rpartition("@")[2]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{_text(brand.name)}//Segue//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}@{domain}",
        f"DTSTAMP:{_utc(_instant(stamp))}",
        *_span(starts, ends, local),
        f"SUMMARY:{_text(title)}",
        f"LOCATION:{_text(place)}",
        f"DESCRIPTION:{_text(hours)}",
        f"URL:{tagged(brand.page('/'), tags.query)}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    if latitude is not None and longitude is not None:
        lines.insert(-3, f"GEO:{latitude:.6f};{longitude:.6f}")
    data = b"".join(_folded(line) for line in lines)
    return Attachment(name=f"{_file_name(title)}.ics", media_type=MEDIA_TYPE, data=data)


def _span(starts: datetime, ends: datetime, zone: ZoneInfo) -> list[str]:
    first = starts.astimezone(zone).date()
    # What ends at midnight has no part in the day that begins then.
    last = max(first, (ends - timedelta(microseconds=1)).astimezone(zone).date())
    if first == last:
        return [f"DTSTART:{_utc(starts)}", f"DTEND:{_utc(ends)}"] if ends > starts else [f"DTSTART:{_utc(starts)}"]
    until = last + timedelta(days=1)  # the first day that is no part of it
    return [f"DTSTART;VALUE=DATE:{_day(first)}", f"DTEND;VALUE=DATE:{_day(until)}", "TRANSP:TRANSPARENT"]


def _zone(name: str | None, spare: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or spare)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(spare)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time without an offset; give ISO 8601 with one")
    return instant


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")


def _text(value: str) -> str:
    """One TEXT value (RFC 5545, 3.3.11)."""
    for mark in ("\\", ";", ","):
        value = value.replace(mark, f"\\{mark}")
    return _CONTROL.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n")).replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """A line with its end, never cut through a character."""
    raw = line.encode("utf-8", "replace")
    pieces, start, room = [], 0, _LINE
    while start < len(raw):
        end = min(start + room, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(raw[start:end])
        start, room = end, _LINE - 1
    return b"\r\n ".join(pieces) + b"\r\n"


def _file_name(title: str) -> str:
    return _NOT_IN_NAMES.sub("-", title.lower()).strip("-")[:40].strip("-") or "event"
