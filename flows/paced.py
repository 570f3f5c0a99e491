"""What a preview's page says of a provider's pace: how many get through before hours end, and what of the rest."""

from __future__ import annotations

from flows.local import local
from segue.service import Pace, Summary, words

#: What is through within so many seconds needs no word.
_SOON = 60


def paced(summary: Summary) -> list[str]:
    """A line a channel whose pace makes anybody wait for long, or too long; times are the shop's own."""
    return [_line(one) for one in summary.paces if one.messages > one.fits or one.messages > _SOON * one.per_second]


def _line(one: Pace) -> str:
    unit = "segment" if one.channel == "sms" else "message"
    pace = f"At {one.per_second:,g} {unit}{'' if one.per_second == 1 else 's'} a second ({one.connector})"
    kind = words.several(one.channel)
    if one.fits == one.messages and one.through_at is not None:
        last = local(one.through_at)
        return f"{pace} all {one.messages:,} {kind} get through before their hours end, the last about {last}."
    waits = one.messages - one.fits - one.late
    rest = [f"{waits:,} wait for the next hours"] * (waits > 0)
    rest += [f"{one.late:,} would be too late by then"] * (one.late > 0)
    since = "" if one.ends_at is None else f", the soonest {local(one.ends_at)}"
    return (
        f"**{pace} {one.fits:,} of {one.messages:,} {kind} get through before their hours end**{since}:"
        f" {' and '.join(rest)}."
    )
