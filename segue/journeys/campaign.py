"""Campaign: one message to the people of a segment, on any channel, with any campaign template.

The occasion is the campaign's name and the person, so nobody gets a campaign twice, whatever its words and template are
by then. What the segment means is kept with the run. Whoever is no longer meant when her message is written (she
bought meanwhile, say) is left out.

A card goes into a parcel that waits while the campaign runs; who has none then is found by a later run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, String, cast, false, literal, select

from segue.contract import Channel
from segue.journeys.campaign_brief import BUTTON, CampaignBrief, CampaignChoices, OverBudget, Ways, paragraphs
from segue.journeys.campaign_why import about_campaigns
from segue.journeys.definition import Journey, Moment, Step
from segue.journeys.fitting import Item, fitting
from segue.journeys.parcels import SHOWN_IF_LEFT, lost, packed_as, slip, waiting, with_another_card
from segue.journeys.segments import Speaks, people_among, segment_select
from segue.offers import Offer
from segue.store.tables import profile
from segue.store.types import UtcTime

ITEMS = 4
#: The template that shows nothing of the shop's.
PLAIN = "note"


def campaign_due(moment: Moment, brief: CampaignBrief) -> Select[Any]:
    """Everybody the segment means now."""
    meant = select(profile.c.id).where(false()) if brief.people is None else segment_select(brief.people, moment.now)
    who = meant.subquery("meant")
    if brief.ways is Ways.PRINT:
        return _parcels_due(moment, brief, meant)
    return select(
        literal(f"campaign:{brief.campaign}:profile:").concat(cast(who.c.id, String)).label("occasion"),
        who.c.id.label("profile_id"),
        who.c.id.label("subject_id"),
        literal(moment.now + timedelta(days=brief.days), UtcTime).label("deadline_at"),
    )


def _parcels_due(moment: Moment, brief: CampaignBrief, meant: Select[Any]) -> Select[Any]:
    """Of those the segment means, who has a parcel that a card can be put into now; it is about that order."""
    parcel = waiting(moment).subquery("parcel")
    return select(
        literal(f"campaign:{brief.campaign}:profile:").concat(cast(parcel.c.profile_id, String)).label("occasion"),
        parcel.c.profile_id,
        parcel.c.subject_id,
        parcel.c.deadline_at,
    ).where(parcel.c.profile_id.in_(meant))


def facts(connection: Connection, rows: pd.DataFrame, moment: Moment, brief: CampaignBrief) -> pd.DataFrame:
    """Gone: the segment means her no more, or no card can go into her parcel. Sold out: there is nothing to show."""
    people = rows["profile_id"].tolist()
    meant = set() if brief.people is None else people_among(connection, brief.people, people, moment.now)
    things = _things(connection, people, moment.now, brief)
    no_parcel = [False] * len(people)
    if brief.ways is Ways.PRINT:
        orders = rows["subject_id"].astype("int64").tolist()
        taken = with_another_card(connection, rows["key"].tolist(), people, orders)
        no_parcel = [any(one) for one in zip(lost(connection, people, orders, moment.now), taken, strict=True)]
    return pd.DataFrame(
        {
            "gone": [one not in meant or none for one, none in zip(people, no_parcel, strict=True)],
            "sold_out": [brief.template != PLAIN and not things[one] for one in people],
        },
        index=rows.index,
    )


def words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, brief: CampaignBrief
) -> Sequence[Mapping[str, Any]]:
    """The marketer's words, as data, and what fits each."""
    people = rows["profile_id"].tolist()
    things = _things(connection, people, moment.now, brief)
    note, language = _note(brief), _written_in(brief)
    said = {"campaign": brief.campaign, "note": note, "written_in": language}
    written = [{**said, "items": [_shown(item) for item in things[one]]} for one in people]
    if brief.ways is not Ways.PRINT:
        return written
    orders = rows["subject_id"].astype("int64").tolist()
    packed = packed_as(connection, orders)
    return [{**one, **slip(packed[order_id])} for one, order_id in zip(written, orders, strict=True)]


def _note(brief: CampaignBrief) -> dict[str, Any]:
    return {
        "subject": brief.subject.strip(),
        "headline": brief.headline.strip(),
        "paragraphs": paragraphs(brief.text),
        "sms": brief.sms.strip(),
        "picture": brief.picture,
        "picture_shows": brief.picture_shows.strip(),
        "button": "" if brief.button == BUTTON else brief.button,
        "page": brief.page,
    }


def _written_in(brief: CampaignBrief) -> str | None:
    """The language of the marketer's own words: what the segment reads, else the shop's (empty); None without words.

    What stands around them is said in it, too, so that nobody gets a message in two languages.
    """
    note = _note(brief)
    if not any(said for name, said in note.items() if name not in ("picture", "page")):
        return None
    conditions = () if brief.people is None else brief.people.conditions
    read = {re.split("[-_]", one.locale)[0].lower() for one in conditions if isinstance(one, Speaks)}
    return read.pop() if len(read) == 1 else ""


def _things(
    connection: Connection, people: Sequence[int], now: datetime, brief: CampaignBrief
) -> Mapping[int, list[Item]]:
    if brief.template == PLAIN:
        return {one: [] for one in people}
    since = now - timedelta(days=brief.new_days) if brief.template == "new_arrivals" else None
    return fitting(connection, [(one, None) for one in people], now, limit=ITEMS, listed_since=since)


def _shown(item: Item) -> dict[str, Any]:
    return {
        "sku": item.sku,
        "title": item.title,
        "size": item.size,
        "colour": item.colour,
        "quantity": 1,
        "price_minor": item.price_minor,
        "currency": item.currency,
        "url": item.url or "/",
        "image_url": item.image_url,
    }


def next_due(_moment: Moment, _brief: CampaignBrief) -> Select[Any]:
    """Never by itself: a campaign is somebody's decision."""
    return select(literal(None, UtcTime))


def campaign_offer(brief: CampaignBrief) -> Offer | None:
    """A code each, where the campaign gives one; who holds a live one sees that one."""
    if brief.percent == 0:
        return None
    offer = Offer(name="campaign", percent=brief.percent, valid_for=timedelta(days=brief.code_days), if_live="show")
    return replace(offer, shown_if_left=SHOWN_IF_LEFT) if brief.ways is Ways.PRINT else offer


def turned(step: Step, brief: CampaignBrief) -> Step:
    """The step with the channels, the template and the patience that the brief asks for, and its words in samples."""

    def shows(sample: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**sample, "campaign": brief.campaign, "note": _note(brief), "written_in": _written_in(brief)}

    return replace(
        step,
        channels=brief.ways.channels,
        templates=(brief.template,),
        shows=shows if brief.campaign else None,
        over_budget=brief.over_budget.rule,
        # A spool takes a key once, however often it is given.
        on_uncertain="repeat" if brief.ways is Ways.PRINT else step.on_uncertain,
    )


JOURNEY = Journey(
    name="campaign",
    title="Campaign",
    brief=CampaignBrief,
    asks="somebody to start it with a segment that means her",
    why_not=about_campaigns,
    steps=(
        Step(
            name="message",
            due=campaign_due,
            channels=(Channel.EMAIL, Channel.SMS),
            facts=facts,
            words=words,
            next_due=next_due,
            offer=campaign_offer,
            priority=20,
            templates=(PLAIN, "new_arrivals"),
            turned=turned,
            pages=lambda brief, _subject: {"page": brief.page},
            campaign=lambda brief: brief.campaign,
            in_parcels=True,
        ),
    ),
)

__all__ = ["JOURNEY", "CampaignBrief", "CampaignChoices", "OverBudget", "Ways"]
