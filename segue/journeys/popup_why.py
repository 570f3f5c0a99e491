"""Why somebody is not invited to a pop-up now: too far, nobody knows where she lives, full, or others were drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, exists, select

from segue.journeys.definition import Moment
from segue.journeys.nearby import distance_km
from segue.journeys.popup_places import JOURNEY_NAME, is_open, popups_with_room
from segue.journeys.segments import people_among
from segue.journeys.why_not import day
from segue.store.tables import location, message, profile


def about_popups(connection: Connection, profile_id: int, moment: Moment, brief: Any) -> list[str]:
    """A sentence for each pop-up that one can still be invited to; never how far away she lives."""
    question = select(location).where(
        is_open(moment.now, brief.places), location.c.latitude.is_not(None), location.c.longitude.is_not(None)
    )
    if brief.popup is not None:
        question = question.where(location.c.external_id == brief.popup)
    places = connection.execute(question.order_by(location.c.opens_at, location.c.id)).all()
    if not places:
        return ["no pop-up is open or planned that invites people"]
    home = connection.execute(
        select(profile.c.home_latitude, profile.c.home_longitude).where(profile.c.id == profile_id)
    ).one()
    if None in home:
        return ["nobody knows where she lives"]
    if brief.people is not None and not people_among(connection, brief.people, [profile_id], moment.now):
        return [f"the segment {brief.segment}, whose people alone are invited, does not mean her"]
    ahead = timedelta(days=brief.days_before)
    room = popups_with_room(
        moment.now, moment.house.popup, opens_within=ahead, external_id=brief.popup, places=brief.places
    )
    wanting = set(connection.scalars(select(room.c.id)))
    told = []
    for place in places:
        asked = message.c.subject_id == place.id, message.c.journey == JOURNEY_NAME, message.c.profile_id == profile_id
        if connection.scalar(select(exists().where(*asked))):
            told.append(f"{place.name} considered her already, see above")
        elif distance_km(place.latitude, place.longitude, *home) > brief.radius_km:
            told.append(f"she lives further than {brief.radius_km:g} km from {place.name}")
        elif place.opens_at > moment.now + ahead:
            told.append(f"{place.name} invites people from {day(place.opens_at - ahead)} on")
        elif place.id not in wanting:
            told.append(f"as many are invited to {place.name} as are likely to fill it")
        else:
            told.append(f"others were drawn before her for {place.name}; a later wave may reach her")
    return told
