"""What people did beyond buying and what it earned: points, friends, follows, clicks, and ads that followed them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, or_, select

from segue.gallery import words
from segue.gallery.facts import Entry, Told
from segue.journeys.retargeting import AUDIENCES
from segue.store.sql import among
from segue.store.tables import audience, audience_member, loyalty_entry, referral, touchpoint

_TOUCHED: Final = {
    "landing": "Opened the landing page of a code",
    "click": "Followed a link of ours",
    "ad_click": "Clicked an ad",
    "share": "Shared the friends' code",
    "follow": "Followed us",
    "mention": "Posted about us",
}
#: Names that a capital alone does not spell.
_NETWORKS: Final = {"whatsapp": "WhatsApp", "tiktok": "TikTok"}
_EARNED: Final = {
    "order": "for an order",
    "follow": "for following us",
    "mention": "for a post",
    "reward": "for a reward",
    "return": "for goods that came back",
    "expiry": "that ran out",
    "correction": "as a correction",
}
_TITLES: Final = {rule.name: rule.title for rule in AUDIENCES}


def programme(connection: Connection, people: Collection[int], *, until: datetime) -> Told:
    """Touchpoints, points, referrals and ad audiences of these people up to `until`, in no order."""
    yield from _touchpoints(connection, people, until)
    yield from _points(connection, people, until)
    yield from _friends(connection, people, until)
    yield from _audiences(connection, people, until)


def _touchpoints(connection: Connection, people: Collection[int], until: datetime) -> Told:
    for row in connection.execute(
        select(touchpoint).where(
            touchpoint.c.profile_id.is_not(None),
            among(connection, touchpoint.c.profile_id, people),
            touchpoint.c.occurred_at <= until,
        )
    ):
        where = f"on {_NETWORKS.get(row.network, words.title(row.network))}" if row.network else ""
        seen = "" if row.verified else "; told by others, nobody could check"
        yield (
            row.profile_id,
            Entry(at=row.occurred_at, kind="look", title=_TOUCHED[row.kind], detail=f"{where}{seen}".strip("; ")),
        )


def _points(connection: Connection, people: Collection[int], until: datetime) -> Told:
    """When they were booked; what can still come back is pending for a while."""
    for row in connection.execute(
        select(loyalty_entry).where(
            among(connection, loyalty_entry.c.profile_id, people), loyalty_entry.c.occurred_at <= until
        )
    ):
        what = words.counted(abs(row.points), "point")
        why = _EARNED.get(row.reason, words.plain(row.reason))
        title = f"Earned {what} {why}" if row.points > 0 else f"Lost {what} {why}"
        if row.kind == "spent":
            title = f"Spent {what} {why}"
        waits = row.points > 0 and row.counts_from > row.occurred_at
        detail = f"pending until {row.counts_from.day} {row.counts_from:%b %Y}" if waits else ""
        yield row.profile_id, Entry(at=row.occurred_at, kind="code", title=title, detail=detail)


def _friends(connection: Connection, people: Collection[int], until: datetime) -> Told:
    asked = set(people)
    mine = or_(among(connection, referral.c.profile_id, people), among(connection, referral.c.friend_id, people))
    for row in connection.execute(select(referral).where(mine, referral.c.occurred_at <= until)):
        if row.profile_id == row.friend_id:
            title = "Bought with her own code for friends"
            yield row.profile_id, Entry(at=row.occurred_at, kind="code", title=title, detail="earns nothing")
            continue
        if row.profile_id in asked:
            title = "A friend bought with the code for friends"
            yield row.profile_id, Entry(at=row.occurred_at, kind="code", title=title, detail=_standing(row))
        if row.friend_id in asked:
            title = "Bought with a friend's code"
            yield row.friend_id, Entry(at=row.occurred_at, kind="code", title=title, detail=_standing(row))


def _standing(row: Any) -> str:
    """Both get their voucher later; where something speaks for abuse, somebody looks first."""
    if not row.signals:
        return "both get a voucher once the order can no longer come back"
    said = ", ".join(words.plain(signal) for signal in row.signals)
    return f"signs of abuse: {said} (score {row.score})"


def audience_moves(connection: Connection, *, since: datetime) -> Told:
    """Who joined or left which ad audience from `since` on, of each audience her latest move: the next one hides it."""
    yield from _moves(connection, audience_member.c.changed_at >= since)


def _audiences(connection: Connection, people: Collection[int], until: datetime) -> Told:
    """Where she stands with each audience since its last change; who was in it before is in the platform's own log."""
    yield from _moves(
        connection, among(connection, audience_member.c.profile_id, people), audience_member.c.changed_at <= until
    )


def _moves(connection: Connection, *conditions: ColumnElement[bool]) -> Told:
    for row in connection.execute(
        select(
            audience_member.c.profile_id,
            audience_member.c.state,
            audience_member.c.reason,
            audience_member.c.changed_at,
            audience.c.name,
        )
        .join(audience, audience.c.id == audience_member.c.audience_id)
        .where(*conditions, audience_member.c.state.in_(("in", "out")))
        .order_by(audience_member.c.id)
    ):
        what = _TITLES.get(row.name, words.title(row.name))
        title = f"Joined the ad audience “{what}”" if row.state == "in" else f"Left the ad audience “{what}”"
        why = words.reason(row.reason.partition(":")[2] or row.reason, ("ads",)) if row.reason else ""
        yield row.profile_id, Entry(at=row.changed_at, kind="look", title=title, detail=why, channel="audience")
