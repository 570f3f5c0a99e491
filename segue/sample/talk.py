"""What people do with the label outside its shop: follow it, show it, tell a friend, click an ad."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from segue.sample.brand import BRAND
from segue.sample.catalogue import VARIANTS
from segue.sample.clicks import Clickstream, Visitor, browser
from segue.sample.consents import NEWS_DE
from segue.sample.dice import chance, weighted
from segue.sample.people import JUNE, SARAH, Person
from segue.sample.stages import Stage
from segue.sample.story import BACK_AT, LEGGINGS
from segue.sample.year import SEASON_START, YEAR_END, YEAR_START, human_time

#: Where a yes has to be confirmed: when the story's people follow the link in that mail.
CONFIRMED_AT: Final = datetime(2026, 3, 15, 9, 40, tzinfo=UTC)
#: An ad leads her back to her cart.
AD_CLICK_AT: Final = BACK_AT - timedelta(seconds=20)
FOLLOWED_AT: Final = datetime(2026, 5, 29, 23, 15, tzinfo=UTC)
MENTIONED_AT: Final = datetime(2026, 5, 30, 20, 40, tzinfo=UTC)
_FOLLOW, _MENTION, _SHARE = 0.075, 0.015, 0.022
_NETWORKS: Final = {"instagram": 6, "pinterest": 4}


def plan_talk(rng: Random, people: Sequence[Person], stage: Stage) -> Clickstream:
    """Return the calls of a year, as a collector of such things writes them."""
    stream = Clickstream(rng)
    story = {person.customer_id: person for person in people if person.is_story}
    if stage.has_double_opt_in:
        for customer_id in (SARAH, JUNE):
            yes = {"channel": "email", "source": "confirmation_link", "wording": NEWS_DE}
            stream.track(CONFIRMED_AT, _phone(story[customer_id]), "Consent Confirmed", yes)
    sarah = _phone(story[SARAH])
    page = {"network": "instagram", "url": BRAND.site_url + VARIANTS[LEGGINGS].url}
    campaign = {"name": "segue cart", "source": "instagram", "medium": "paid_social"}
    stream.tell(AD_CLICK_AT - stage.earlier, sarah, "Ad Clicked", page, campaign=campaign)
    stream.track(FOLLOWED_AT - stage.earlier, sarah, "Social Followed", {"network": "pinterest"})
    stream.track(MENTIONED_AT - stage.earlier, sarah, "Social Mentioned", _post("instagram", 1))
    for number, person in enumerate((one for one in people if not one.is_story), start=2):
        if chance(rng, _FOLLOW):
            for network in _some(rng):
                at = _moment(rng, person, YEAR_START)
                stream.track(at, _phone(person), "Social Followed", {"network": network})
        if chance(rng, _MENTION):
            network = weighted(rng, _NETWORKS)
            stream.track(_moment(rng, person, YEAR_START), _phone(person), "Social Mentioned", _post(network, number))
        if chance(rng, _SHARE):
            at = _moment(rng, person, SEASON_START)
            stream.track(at, _phone(person), "Referral Shared", {"network": "whatsapp"})
    return stream


def _phone(person: Person) -> Visitor:
    return browser(person, device=3)


def _post(network: str, number: int) -> dict[str, object]:
    return {"network": network, "post_id": f"{network}-{number:06d}", "hashtag": "#saltmere"}


def _some(rng: Random) -> tuple[str, ...]:
    """One network, now and then both."""
    return tuple(_NETWORKS) if chance(rng, 0.2) else (weighted(rng, _NETWORKS),)


def _moment(rng: Random, person: Person, since: datetime) -> datetime:
    """An hour of hers after the shop met her; within the year's last day where that is too late for all others."""
    first = max(since, person.created_at)
    day = first + (YEAR_END - first) * rng.random()
    return max(first, min(human_time(rng, day.date(), person.zone), YEAR_END - timedelta(minutes=1)))
