"""What size somebody wears: random histories against plain arithmetic, and each rule by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from segue.journeys.size_rules import KNOWN, LOOKED_MOST, PRIOR
from segue.journeys.sizes import refresh_sizes
from segue.store.engine import write
from segue.store.tables import product, profile, profile_size, variant
from tests.search import examples

from .size_histories import (
    CATALOGUE,
    NOW,
    PEOPLE,
    SEARCHES,
    VARIANTS,
    Bought,
    Carted,
    Fact,
    Line,
    Looked,
    Reference,
    Stray,
    Worn,
    faded,
    store,
    view,
)


@pytest.fixture
def shop(engine: Engine) -> Engine:
    with write(engine) as connection:
        for person in PEOPLE:
            connection.execute(insert(profile).values(id=person, created_at=NOW))
        for number, (title, category, system, _) in CATALOGUE.items():
            row = {"id": number, "external_id": f"p{number}", "title": title, "category": category}
            connection.execute(insert(product).values(**row, size_system=system, recorded_at=NOW))
        for number, (of, size) in VARIANTS.items():
            row = {"id": number, "product_id": of, "sku": f"v{number}", "size": size}
            connection.execute(insert(variant).values(**row, price_minor=1, currency="USD"))
    return engine


people = st.sampled_from(PEOPLE)
variants = st.sampled_from([number for number, (of, _) in VARIANTS.items() if of != 7])
agos = st.integers(-20, 2_500)
reasons = st.sampled_from([None, "other", "too_small", "too_large"])
lines = st.builds(
    Line, variant=variants, quantity=st.integers(0, 3), back=st.none() | agos, reason=reasons, by_document=st.booleans()
).map(lambda line: line if line.back is not None else Line(line.variant, line.quantity))
bought = st.builds(
    Bought,
    person=people,
    ago=agos,
    lines=st.lists(lines, max_size=4).map(tuple),
    gift=st.sampled_from([False, False, True]),
    cancelled=st.sampled_from([False, False, True]),
)
touches = st.tuples(st.sampled_from(["added", "added", "removed"]), variants, st.integers(0, 2), agos)
carted = st.builds(Carted, person=st.sampled_from([1, 2, None]), happened=st.lists(touches, max_size=6).map(tuple))
looked = st.builds(view, people, agos, variants) | st.builds(
    Looked,
    people,
    agos,
    st.sampled_from(["Products Searched", "product list filtered"]),
    st.sampled_from(SEARCHES).map(lambda s: s[0]),
)
strays = st.builds(Stray, person=people, variant=variants, reason=reasons, ago=agos)
histories = st.lists(bought | carted | looked | strays, max_size=14)


@contextmanager
def scratch(engine: Engine) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with engine.connect().execution_options(segue_mode="write") as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def known(connection: Connection) -> dict[Worn, tuple[float, float]]:
    rows = connection.execute(select(*list(profile_size.c)[1:])).tuples()
    return {tuple(row[:4]): pytest.approx(tuple(row[4:]), abs=1e-9) for row in rows}  # type: ignore[misc]


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=histories)
def test_any_history_gives_what_plain_arithmetic_gives(shop: Engine, facts: list[Fact]) -> None:
    with scratch(shop) as connection:
        store(connection, facts)
        refresh_sizes(connection, PEOPLE, NOW)
        assert known(connection) == Reference(facts).sizes()
        refresh_sizes(connection, [1], NOW)  # one of them again, as after a merge: nothing doubles
        assert known(connection) == Reference(facts).sizes()


def sizes_of(engine: Engine, *facts: Fact, now: datetime = NOW) -> dict[tuple[str, str], tuple[float, float]]:
    """What is known of the first person, by category and size."""
    with scratch(engine) as connection:
        store(connection, list(facts))
        refresh_sizes(connection, PEOPLE, now)
        rows = connection.execute(select(profile_size).where(profile_size.c.profile_id == 1)).all()
    return {(row.category, row.size): pytest.approx((row.evidence, row.confidence), abs=1e-9) for row in rows}


SWEATER_8, SWEATER_8_OTHER_COLOUR, SWEATER_10 = 2, 3, 4
KEPT = Bought(1, 0, (Line(SWEATER_8),))


def test_one_kept_line_is_enough_to_filter_and_a_year_later_no_more(shop: Engine) -> None:
    assert sizes_of(shop, KEPT) == {("tops", "8"): (1.0, 0.5)}
    assert KNOWN <= 0.5
    later = sizes_of(shop, KEPT, now=NOW + timedelta(days=548))
    assert later == {("tops", "8"): (0.5, 0.5 / 1.5)}
    assert KNOWN > 0.5 / 1.5
    assert sizes_of(shop, KEPT, now=NOW + timedelta(days=3 * 548)) == {("tops", "8"): (0.125, 0.125 / 1.125)}


def test_gifts_and_cancelled_orders_say_nothing_and_five_pieces_say_no_more_than_one(shop: Engine) -> None:
    lines = (Line(SWEATER_10),)
    assert sizes_of(shop, Bought(1, 1, lines, gift=True), Bought(1, 2, lines, cancelled=True)) == {}
    assert sizes_of(shop, Bought(1, 0, (Line(SWEATER_8, quantity=5),))) == {("tops", "8"): (1.0, 0.5)}
    assert sizes_of(shop, Bought(1, 0, (Line(SWEATER_8, quantity=0),))) == {}


@pytest.mark.parametrize("by_document", [False, True])
@pytest.mark.parametrize(
    ("reason", "sizes"),
    [
        ("too_small", {("tops", "10"): (0.5, 0.5 / 2.5), ("tops", "6"): (1.0, 1 / 2.5)}),
        ("too_large", {("tops", "6"): (1.5, 1.5 / 2.5)}),
        ("other", {("tops", "8"): (0.5, 0.5 / 2.5), ("tops", "6"): (1.0, 1 / 2.5)}),
        (None, {("tops", "6"): (1.0, 0.5)}),
    ],
)
def test_a_return_speaks_by_its_reason(shop: Engine, reason: str | None, sizes: object, *, by_document: bool) -> None:
    """Whether the line knows of it or a document of its own does."""
    back = Bought(1, 0, (Line(SWEATER_8, back=0, reason=reason, by_document=by_document), Line(1)))
    assert sizes_of(shop, back) == sizes


def test_what_did_not_fit_outweighs_what_she_kept_of_it(shop: Engine) -> None:
    too_small = Bought(1, 0, (Line(SWEATER_8_OTHER_COLOUR, back=0, reason="too_small"),))
    assert sizes_of(shop, KEPT, too_small) == {("tops", "10"): (0.5, pytest.approx(1 / 3))}


def test_a_cart_says_less_than_an_order_and_nothing_once_ordered_or_removed(shop: Engine) -> None:
    added = ("added", SWEATER_8, 1, 5)
    assert sizes_of(shop, Carted(1, (added,)), Carted(1, (added,))) == {
        ("tops", "8"): (0.3 * faded(5), pytest.approx(0.3 * faded(5) / (1 + 0.3 * faded(5))))
    }
    assert sizes_of(shop, Carted(1, (added, ("removed", SWEATER_8, 1, 4)))) == {}
    assert sizes_of(shop, Carted(1, (added,)), Bought(1, 0, (Line(SWEATER_8),), gift=True)) == {}
    assert sizes_of(shop, Carted(1, (added,)), KEPT) == {("tops", "8"): (1.0, 0.5)}
    assert sizes_of(shop, Carted(2, (added,)), Carted(None, (added,))) == {}


def test_looking_alone_never_makes_a_size_known(shop: Engine) -> None:
    """A page opens on some size by itself; a hundred looks, views and searches together stay below the threshold."""
    looks = [view(1, 0, of) for of in (SWEATER_8, SWEATER_8_OTHER_COLOUR)] * 50
    searches = [Looked(1, 0, "Products Searched", properties) for properties, _ in SEARCHES] * 5
    found = sizes_of(shop, *looks, *searches)
    assert found[("tops", "8")] == (0.4, pytest.approx(0.4 / 1.8))  # two views and a search, beside sizes 6 and 10
    assert LOOKED_MOST / (LOOKED_MOST + PRIOR) < KNOWN


def test_no_size_is_turned_into_another_system(shop: Engine) -> None:
    """8 in numbers and M in letters stand beside each other, each with its own share."""
    assert sizes_of(shop, Bought(1, 0, (Line(SWEATER_8), Line(7)))) == {
        ("tops", "8"): (1.0, 0.5),
        ("tops", "M"): (1.0, 0.5),
    }


def test_an_order_from_before_the_cart_leaves_the_cart_its_word(shop: Engine) -> None:
    found = sizes_of(shop, Bought(1, 10, (Line(SWEATER_8),)), Carted(1, (("added", SWEATER_8, 1, 5),)))
    evidence = faded(10) + 0.3 * faded(5)
    assert found == {("tops", "8"): (evidence, evidence / (evidence + 1))}


def test_letters_and_numbers_are_never_neighbours(shop: Engine) -> None:
    """The boots come in 38.5, 39 and M."""
    assert sizes_of(shop, Stray(1, 16, "too_large", 0)) == {}
    assert sizes_of(shop, Stray(1, 19, "too_small", 0)) == {}
    assert sizes_of(shop, Stray(1, 16, "too_small", 0)) == {("shoes", "39"): (0.5, 0.5 / 1.5)}


def test_a_misfit_is_as_old_as_its_return_and_a_line_as_its_order(shop: Engine) -> None:
    late = Bought(1, 548, (Line(SWEATER_8_OTHER_COLOUR, back=0, reason="too_small"),))
    assert sizes_of(shop, KEPT, late) == {("tops", "10"): (0.5, 0.5 / 1.5)}
    other = Bought(1, 548, (Line(SWEATER_8, back=0, reason="other"),))
    assert sizes_of(shop, other) == {("tops", "8"): (0.25, 0.25 / 1.25)}


def test_looks_at_one_size_are_worth_a_limit_together(shop: Engine) -> None:
    looks = [view(1, 0, of) for of, (product_id, _) in VARIANTS.items() if product_id == 7]
    assert len(looks) == 8
    assert sizes_of(shop, *looks) == {("tops", "12"): (LOOKED_MOST, LOOKED_MOST / (LOOKED_MOST + 1))}


@pytest.mark.parametrize("number", range(len(SEARCHES)))
def test_a_search_means_one_size_or_none(shop: Engine, number: int) -> None:
    """The last time she searched for it is what counts."""
    properties, worn = SEARCHES[number]
    found = sizes_of(shop, *(Looked(1, ago, "Products Searched", properties) for ago in (100, 0, 50)))
    assert found == ({} if worn is None else {(worn[0], worn[2]): (0.2, 0.2 / 1.2)})
