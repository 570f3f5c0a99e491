"""A rehearsal day by day as Markdown: who would get what when, with profile ids, so that the page alone tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from flows.markdown import escaped
from segue.service import words
from segue.service.rehearsal import OUTCOME_WORDS, OUTCOMES, Calendar, Day, Entry, changes_said, move_said, moves_on

#: People named for a day and outcome, and all days together; a longer period names fewer of each day.
LISTED: Final = 20
_ALL_DAYS: Final = 1200
_FEWEST: Final = 3


def days_page(calendar: Calendar) -> str:
    """Write it; a day on which nothing happened is left out, and what is not named is counted."""
    last = calendar.until - timedelta(days=1)
    listed = max(_FEWEST, min(LISTED, _ALL_DAYS // max(1, len(calendar.days))))
    parts = [
        f"# Day by day, {calendar.since} to {last}: nothing was sent",
        f"Profile ids, and when by each person's own clock; up to {listed} a day and outcome.",
    ]
    for day in calendar.days:
        moves = moves_on(calendar.audiences, day.day)
        if day.total or moves:
            parts += [f"## {day.day:%A}, {day.day.day} {day.day:%B %Y}", *(f"⇄ {said}" for said in changes_said(day))]
            ads = (f"- **Ads, {escaped(one.title)}:** {escaped(move_said(one))}" for one in moves)
            parts.append("\n".join([*_lines(calendar, day, listed), *ads]))
    return "\n\n".join(parts) + "\n"


def _lines(calendar: Calendar, day: Day, listed: int) -> Iterator[str]:
    for what in OUTCOMES:
        if not (count := day.count(what)):
            continue
        yield f"- **{OUTCOME_WORDS[what]}: {count:,}**"
        named = [one for one in day.entries if one.outcome == what][:listed]
        groups: dict[str, list[str]] = {}
        for one in named:
            groups.setdefault(_message(calendar, one), []).append(_who(one))
        yield from (f"    - {message}: {', '.join(people)}" for message, people in groups.items())
        if count > len(named):
            yield f"    - and {count - len(named):,} more"


def _message(calendar: Calendar, one: Entry) -> str:
    """`Abandoned cart, reminder by e-mail`, `Style follow-up, looks (no consent)`."""
    why = f" by {words.channel(one.channel)}" if one.outcome == "sent" else f" ({words.reason(one.reason)})"
    return escaped(f"{calendar.titles[one.journey]}, {words.plain(one.step)}{why if one.channel or one.reason else ''}")


def _who(one: Entry) -> str:
    """`1204 at 09:29 EDT`, `1204 at 22:14 EDT until Tue 12 May, 07:00`."""
    until = f" until {one.until}" if one.until else ""
    waited = f" after waiting since {one.waited_since}" if one.waited_since and one.outcome == "sent" else ""
    return f"**{one.profile_id}** at {one.hour} {one.zone}{until}{waited}"
