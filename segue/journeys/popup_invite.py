"""Pop-up invite: whoever lives near a pop-up, drawn by lot within rings around it, as many as are likely to fill it.

Due are the people of the next wave: the nearest ring first, by lot within a ring, as many as `popup_places` finds room
for. Each run is a wave; what refusals, skips and holdouts left open goes to the next one. The lots are the same however
often they are drawn. A person whose budget is used up is held and not dropped: an invitation is good to the last day,
and those who hear from us most would otherwise be the ones who are never invited. Where the brief names a segment,
lots are drawn among its people alone, and whoever it means no more when her invitation is written is left out.

A pop-up that is called off gets an end that is past, no end, or a capacity of 0: whoever still waits is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, String, case, cast, exists, func, literal, select

from segue.contract import Channel
from segue.journeys.definition import Journey, Moment, Step
from segue.journeys.lottery import lot
from segue.journeys.nearby import distance_km, haversine_of, homes_around
from segue.journeys.points_shown import book_shown
from segue.journeys.popup_brief import PopupInviteBrief, PopupInviteChoices
from segue.journeys.popup_places import JOURNEY_NAME, TIME_TO_COME, full, is_open, popups_with_room, who_came
from segue.journeys.popup_why import about_popups
from segue.journeys.segments import people_among, segment_select
from segue.offers.loyalty import balances
from segue.store.sql import among, later, listed
from segue.store.tables import location, message, profile

STEP_NAME = "invite"
#: Where one ring ends and the next begins, in km, and what a mail says of who lives in it: never a number.
RINGS = ((3, "corner"), (10, "nearby"), (25, "short_trip"), (50, "trip"), (100, "outing"), (250, "journey"))
BEYOND = "journey"
#: Opens the reader's own maps on any telephone.
MAPS = "https://www.google.com/maps/search/?api=1&query="
#: How soon the next wave may find something.
WAVE_EVERY = timedelta(days=1)


def invite_due(moment: Moment, brief: PopupInviteBrief) -> Select[Any]:
    """The next wave: who lives nearest and was drawn first, as many as there is room for."""
    popup = popups_with_room(
        moment.now,
        moment.house.popup,
        opens_within=timedelta(days=brief.days_before),
        external_id=brief.popup,
        places=brief.places,
    )
    near = homes_around(popup, brief.radius_km)
    if brief.people is not None:  # before the lots are drawn, so that nobody else takes a turn
        near = near.where(profile.c.id.in_(segment_select(brief.people, moment.now)))
    home = near.cte("home")
    occasion = _occasion(home.c.place_id, home.c.profile_id)
    was_asked = exists().where(message.c.key == literal(f"{JOURNEY_NAME}/{STEP_NAME}/").concat(occasion))
    turn = func.row_number().over(
        partition_by=home.c.place_id,
        order_by=(_ring(home.c.haversine), lot(home.c.profile_id, home.c.place_id), home.c.profile_id),
    )
    drawn = select(home.c.place_id, home.c.profile_id, turn.label("turn")).where(~was_asked).cte("drawn")
    return (
        select(
            _occasion(drawn.c.place_id, drawn.c.profile_id).label("occasion"),
            drawn.c.profile_id,
            drawn.c.place_id.label("subject_id"),
            later(popup.c.closes_at, -TIME_TO_COME).label("deadline_at"),
        )
        .select_from(drawn.join(popup, popup.c.id == drawn.c.place_id))
        .where(drawn.c.turn <= popup.c.room)
    )


def prepare(connection: Connection, moment: Moment, brief: PopupInviteBrief, _secret: bytes) -> None:
    """Book points, which the mails name; let whoever else is choosing finish, so that no room is filled twice."""
    book_shown(connection, moment)
    # Nobody waits for this lock who only refers to a location. SQLite has one writer at a time and knows no such lock.
    connection.execute(
        select(location.c.id)
        .where(is_open(moment.now, brief.places))
        .order_by(location.c.id)
        .with_for_update(key_share=True)
    )


def _occasion(place_id: ColumnElement[Any], profile_id: ColumnElement[Any]) -> ColumnElement[str]:
    return literal("popup:").concat(cast(place_id, String)).concat(":profile:").concat(cast(profile_id, String))


def _ring(haversine: ColumnElement[float]) -> ColumnElement[int]:
    return case(*((haversine <= haversine_of(km), number) for number, (km, _) in enumerate(RINGS)), else_=len(RINGS))


_PLACES = select(location).where(listed(location.c.id, "places"))
_HOMES = select(profile.c.id, profile.c.home_latitude, profile.c.home_longitude).where(
    listed(profile.c.id, "people"), profile.c.home_latitude.is_not(None), profile.c.home_longitude.is_not(None)
)


def facts(connection: Connection, rows: pd.DataFrame, moment: Moment, brief: PopupInviteBrief) -> pd.DataFrame:
    """Gone: it is called off, over or full, or the segment means her no more. Converted: she was there already."""
    place_ids = [int(one) for one in pd.unique(rows["subject_id"])]
    still_on = select(location.c.id).where(
        among(connection, location.c.id, place_ids), is_open(moment.now, brief.places)
    )
    still = set(connection.scalars(still_on))
    still -= full(connection, place_ids, moment.now, places=brief.places)
    came = who_came(moment.now).subquery()
    people = rows["profile_id"].tolist()
    there = set(
        connection.execute(
            select(came.c.profile_id, came.c.location_id)
            .where(among(connection, came.c.profile_id, people), among(connection, came.c.location_id, place_ids))
            .distinct()
        ).tuples()
    )
    pairs = zip(people, rows["subject_id"].tolist(), strict=True)
    gone = ~rows["subject_id"].isin(still)
    if brief.people is not None:
        gone |= ~rows["profile_id"].isin(people_among(connection, brief.people, people, moment.now))
    return pd.DataFrame({"gone": gone, "converted": [pair in there for pair in pairs]}, index=rows.index)


def words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: PopupInviteBrief
) -> Sequence[Mapping[str, Any]]:
    """Where and when, how far in words, and what to put into her calendar."""
    people, place_ids = rows["profile_id"].tolist(), rows["subject_id"].tolist()
    places = {row.id: row for row in connection.execute(_PLACES, {"places": sorted(set(place_ids))})}
    homes = {row.id: row for row in connection.execute(_HOMES, {"people": people})}
    points = balances(connection, people, moment.now)
    return [
        {
            "place": _place(places[place_id], homes.get(profile_id), moment.now),
            "calendar": _calendar(places[place_id], moment.now),
            "loyalty": _points(points[profile_id].available, moment),
        }
        for profile_id, place_id in zip(people, place_ids, strict=True)
    ]


def terms(connection: Connection, brief: PopupInviteBrief) -> list[list[Any]]:
    """Where and when each pop-up is that may be invited to: a yes is for that place and those days."""
    shown = ("external_id", "name", "address", "zone", "latitude", "longitude", "opens_at", "closes_at")
    meant = select(*(location.c[name] for name in shown)).where(location.c.kind == "popup").order_by(location.c.id)
    if brief.popup is not None:
        meant = meant.where(location.c.external_id == brief.popup)
    return [list(row) for row in connection.execute(meant)]


def shown_with(place: Any, now: datetime) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return what puts a row of `location` into a sample's words, so that a preview shows the real place and days."""

    def shows(words: Mapping[str, Any]) -> Mapping[str, Any]:
        told = _place(place, None, now) | {"distance": words["place"]["distance"]}
        return {**words, "place": told, "calendar": _calendar(place, now)}

    return shows


def _place(place: Any, home: Any, now: datetime) -> dict[str, Any]:
    return {
        "name": place.name,
        "address": place.address,
        "zone": place.zone,
        "opens_at": place.opens_at.isoformat(),
        "closes_at": place.closes_at.isoformat(),
        "distance": None if home is None else _in_words(place, home),
        "has_opened": place.opens_at <= now,
        "map_url": f"{MAPS}{quote(place.address or f'{place.latitude:.6f},{place.longitude:.6f}', safe='')}",
    }


def _in_words(place: Any, home: Any) -> str:
    km = distance_km(place.latitude, place.longitude, home.home_latitude, home.home_longitude)
    return next((word for end, word in RINGS if km <= end), BEYOND)


def _points(available: int, moment: Moment) -> dict[str, Any] | None:
    """What she can spend there; None for who has nothing, and where there is no programme."""
    loyalty = moment.house.loyalty
    if available <= 0 or not loyalty.is_on(moment.now):
        return None
    rewards, begun = divmod(available, loyalty.reward_points)
    return {
        "points": available,
        "rewards": rewards,
        "worth_minor": rewards * loyalty.reward_minor,
        "missing": loyalty.reward_points - begun,
        "progress": begun * 100 // loyalty.reward_points,
        "reward_points": loyalty.reward_points,
        "reward_minor": loyalty.reward_minor,
        "currency": loyalty.currency,
    }


def _calendar(place: Any, now: datetime) -> dict[str, Any]:
    return {
        "uid": f"popup-{place.id}",
        "title": place.name,
        "place": ", ".join(part for part in (place.name, place.address) if part),
        "zone": place.zone,
        "starts_at": place.opens_at.isoformat(),
        "ends_at": place.closes_at.isoformat(),
        "stamp": now.isoformat(),
        "latitude": place.latitude,
        "longitude": place.longitude,
    }


def invite_next_due(moment: Moment, brief: PopupInviteBrief) -> Select[Any]:
    """Tomorrow's wave while a pop-up invites people, else the day on which the next one begins to."""
    begins = later(location.c.opens_at, -timedelta(days=brief.days_before))
    wave = literal(moment.now + WAVE_EVERY, location.c.opens_at.type)
    soonest = case((begins > moment.now, begins), else_=wave)
    question = select(func.min(soonest)).where(is_open(moment.now, brief.places))
    return question if brief.popup is None else question.where(location.c.external_id == brief.popup)


JOURNEY = Journey(
    name=JOURNEY_NAME,
    title="Pop-up invite",
    brief=PopupInviteBrief,
    asks="a home near enough to a pop-up that invites people, and her lot among those who live there",
    why_not=about_popups,
    steps=(
        Step(
            name=STEP_NAME,
            due=invite_due,
            channels=(Channel.EMAIL,),
            facts=facts,
            words=words,
            next_due=invite_next_due,
            priority=40,
            over_budget="hold",
        ),
    ),
    prepare=prepare,
    terms=terms,
    prepares_every=WAVE_EVERY,
    refresh=book_shown,
)

__all__ = ["JOURNEY", "PopupInviteBrief", "PopupInviteChoices"]
