"""Why a late campaign did not consider somebody: whether its segment meant her, and whether anybody agreed to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, exists, select

from segue.journeys.campaign_brief import Ways
from segue.journeys.definition import Moment
from segue.journeys.segments import Definition, segment_select
from segue.journeys.why_not import day
from segue.store.tables import message, run

_NAME = "campaign"
#: So many campaigns are spoken of, the newest first, out of so many runs.
_CAMPAIGNS, _RUNS = 3, 30


def about_campaigns(connection: Connection, profile_id: int, _moment: Moment, _brief: Any) -> list[str]:
    """A sentence for each of the last campaigns that never considered her."""
    runs = connection.execute(select(run).where(run.c.journey == _NAME).order_by(run.c.id.desc()).limit(_RUNS)).all()
    newest: dict[str, Row[Any]] = {}
    for one in runs:
        newest.setdefault(str(one.brief.get("campaign", "")), one)
    if not newest:
        return ["no campaign was sent yet"]
    told = []
    for name, one in list(newest.items())[:_CAMPAIGNS]:
        key = message.c.key == f"{_NAME}/message/campaign:{name}:profile:{profile_id}"
        if connection.scalar(select(exists().where(key))):
            continue
        head = f"{name} of {day(one.started_at)}"
        people, segment = one.brief.get("people"), one.brief.get("segment")
        meant = None if people is None else segment_select(Definition.model_validate(people), one.started_at).subquery()
        if meant is None or not connection.scalar(select(exists().where(meant.c.id == profile_id))):
            told.append(f"{head} went to the segment {segment}, which did not mean her by what is known now")
        elif one.digest is not None and one.approved_at is None:
            told.append(f"{head} needs somebody's yes, which nobody gave yet")
        elif one.brief.get("ways") == Ways.PRINT:
            told.append(f"{head} puts a card into parcels, and no parcel of hers waited when it ran")
        else:
            told.append(f"{head} went to the segment {segment}, which means her by what is known now")
    return told
