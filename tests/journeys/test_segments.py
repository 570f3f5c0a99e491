"""Segments: one select means the same people as loops over everything; words; what is refused."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine

from segue.journeys import segments as s
from segue.store.engine import read, write
from tests.journeys.crowd import NOW, PLACES, Crowd
from tests.search import examples

DAYS = st.sampled_from([1, 7, 30, 90])
PLACE = st.sampled_from([*PLACES, "unknown"])
SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "everyone": st.just(s.Everyone()),
    **{
        name: st.builds(
            kind,
            days=DAYS,
            category=st.sampled_from([None, None, "tops"]),
            channel=st.sampled_from([None, None, "web"]),
            location=st.one_of(st.none(), PLACE),
        )
        for name, kind in (("bought", s.Bought), ("not_bought", s.NotBought))
    },
    "fits": st.builds(
        s.Fits,
        size=st.sampled_from("68"),
        category=st.sampled_from([None, "tops"]),
        system=st.sampled_from([None, "alpha"]),
    ),
    "near_place": st.builds(s.LivesWithin, km=st.sampled_from([1, 50, 20_000]), location=PLACE),
    "near_point": st.builds(
        s.LivesWithin, km=st.sampled_from([1, 9000]), latitude=st.just(40.72), longitude=st.just(-74)
    ),
    "clicked": st.builds(s.ClickedNotBought, days=DAYS),
    "carted": st.builds(s.CartedNotBought, days=DAYS),
    "points": st.builds(s.PointsAtLeast, points=st.sampled_from([1, 50, 150])),
    "lives": st.builds(s.Lives, country=st.sampled_from(["US", "DE"]), region=st.sampled_from([None, "NY"])),
    "locale": st.builds(s.Speaks, locale=st.sampled_from(["de", "de-AT", "DE_ch", "en"])),
    "source": st.builds(s.CameFrom, channel=st.sampled_from(["web", "popup"])),
    "follows": st.builds(s.Follows, network=st.sampled_from(["x", "z"])),
}  # fmt: skip
CONDITION = st.one_of(*SIMPLE.values())
ANY = CONDITION | CONDITION.map(lambda one: s.Not(condition=one))


@pytest.fixture
def crowd(engine: Engine) -> Crowd:
    with write(engine) as connection:
        return Crowd(connection, random.Random(7), 60)


def test_one_select_means_the_people_that_loops_find(crowd: Crowd, engine: Engine) -> None:
    """Whatever is asked, on both databases; and each kind of condition tells some people from others."""
    splits: set[str] = set()

    @settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ANY, min_size=1, max_size=3))
    def same(conditions: list[Any]) -> None:
        definition = s.Definition(conditions=tuple(conditions))
        assert s.Definition.model_validate(definition.model_dump(mode="json")) == definition
        with read(engine) as connection:
            found = list(connection.scalars(s.segment_select(definition, NOW)))
        assert len(found) == len(set(found))
        assert set(found) == crowd.meant(definition)
        if len(conditions) == 1 and 0 < len(found) < len(crowd.ids) - 5:
            splits.add(conditions[0].kind)

    for strategy in SIMPLE.values():

        @settings(max_examples=examples(12))
        @given(strategy)
        def alone(one: Any) -> None:
            for each in (one, s.Not(condition=one)):
                definition = s.Definition(conditions=(each,))
                with read(engine) as connection:
                    found = set(connection.scalars(s.segment_select(definition, NOW)))
                assert found == crowd.meant(definition)
                if 0 < len(found) < len(crowd.ids) - 5:
                    splits.add(one.kind)

        alone()
    same()
    assert splits >= {
        "bought_within", "not_bought_within", "fits", "lives_within", "clicked_not_bought", "carted_not_bought",
        "points_at_least", "lives_in", "locale", "source_channel", "follows",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (
            [s.Bought(days=90), s.Fits(size="8", system="us_women", category="tops")],
            "bought in the last 90 days and fits size 8 (us_women) in tops",
        ),
        ([s.Bought(days=1, category="tops", channel="web", location="soho")],
         "bought tops on web at soho in the last day"),
        ([s.LivesWithin(km=50, location="soho"), s.NotBought(days=7)],
         "lives within 50 km of soho and did not buy in the last 7 days"),
        ([s.LivesWithin(km=2.5, latitude=40.72, longitude=-74)], "lives within 2.5 km of 40.72, -74"),
        ([s.ClickedNotBought(days=30)], "clicked in the last 30 days and has not bought since"),
        ([s.Not(condition=s.Follows(network="pinterest")), s.PointsAtLeast(points=1200)],
         "not: follows us on pinterest and has 1,200 points or more"),
        ([s.Lives(country="US", region="NY"), s.Speaks(locale="de"), s.CameFrom(channel="web")],
         "lives in NY, US and reads de and came from web"),
        ([s.Everyone()], "is anybody we know"),
        ([s.CartedNotBought(days=1)], "put something in a cart in the last day and has not bought since"),
    ],
)  # fmt: skip
def test_a_definition_reads_as_a_sentence(conditions: list[Any], said: str) -> None:
    """What a marketer reads beside the count."""
    assert s.described(s.Definition(conditions=tuple(conditions))) == said


@pytest.mark.parametrize(
    "wrong",
    [
        {"conditions": []},
        {"conditions": [{"kind": "nonsense"}]},
        {"conditions": [{"kind": "bought_within", "days": 0}]},
        {"conditions": [{"kind": "bought_within", "days": 3, "sql": "1=1"}]},
        {"conditions": [{"kind": "lives_within", "km": 5}]},
        {"conditions": [{"kind": "lives_within", "km": 5, "latitude": 40}]},
        {"conditions": [{"kind": "lives_within", "km": 5, "location": "a", "latitude": 40, "longitude": 1}]},
        {"conditions": [{"kind": "lives_within", "km": float("inf"), "location": "a"}]},
        {"conditions": [{"kind": "locale", "locale": "%"}]},
        {"conditions": [{"kind": "not", "condition": {"kind": "not"}}]},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """Nobody is meant by accident."""
    with pytest.raises(ValidationError):
        s.Definition.model_validate(wrong)
