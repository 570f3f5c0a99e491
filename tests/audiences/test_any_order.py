"""Whatever happens in whatever order: after a sync with a well platform its set is the rule's.

And at no time does the platform hold somebody whose last word at the time of that sync was no, once the sync answered.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.store.engine import open_engine, write
from segue.store.tables import identifier, profile
from tests.audiences.people import SIZES, Town, held, line, spelled
from tests.audiences.test_sync import merge
from tests.search import examples

WHO, WHAT = st.integers(0, 4), st.integers(1, 3)
TROUBLE = st.sampled_from(["ok", "ok", "throttled", "silence", "lost", "unauthorised", "gone"])
STEP = st.one_of(
    st.tuples(st.just("cart"), WHO, WHAT),
    st.tuples(st.just("buy"), WHO, WHAT),
    st.tuples(st.just("say"), WHO, st.sampled_from(["granted", "denied"])),
    st.tuples(st.just("suppress"), WHO, st.just(0)),
    st.tuples(st.just("stock"), WHAT, st.tuples(st.sampled_from(SIZES), st.sampled_from([0, 2]))),
    st.tuples(st.just("merge"), WHO, WHO),
    st.tuples(st.just("address"), WHO, st.integers(0, 99)),
    st.tuples(st.just("swap"), WHO, WHO),
    st.tuples(st.just("sync"), st.lists(TROUBLE, min_size=1, max_size=5), st.just(0)),
)


class Model:
    """The same shop in plain dictionaries, and the rule of the cart audience told once more."""

    def __init__(self, people: list[int], countries: list[str], sizes: list[str]) -> None:
        self.root = {who: who for who in people}
        self.country = dict(zip(people, countries, strict=True))
        #: Every country that she, or who turned out to be her, is known of; of two it is unknown whose law holds.
        self.lived = {who: {country} for who, country in self.country.items()}
        self.size = dict(zip(people, sizes, strict=True))
        self.carts = {who: set() for who in people}
        self.owns = {who: set() for who in people}
        self.said = dict.fromkeys(people)
        self.emails = {who: [f"p{who}@example.com"] for who in people}
        self.suppressed: set[str] = set()
        self.stock: dict[tuple[int, str], int] = {}

    def wanted(self) -> set[int]:
        return {who for who in self.root if self.root[who] == who and self._belongs(who)}

    def _belongs(self, who: int) -> bool:
        if self.said[who] == "denied" or self.suppressed & set(self.emails[who]):
            return False
        if self.lived[who] != {"US"} and self.said[who] != "granted":
            return False
        return any(
            product not in self.owns[who] and self.stock.get((product, self.size[who]), 1)
            for product in self.carts[who]
        )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=4, max_size=16))
def test_after_a_sync_the_platform_holds_the_rule(new_database, kind: str, steps: list) -> None:
    engine = open_engine(new_database(kind))
    try:
        play(Town(engine), steps)
    finally:
        engine.dispose()


def play(town: Town, steps: list) -> None:
    countries = ["US", "DE", "US", "DE", "US"]
    sizes = ["8", "8", "6", "10", "8"]
    people = [town.person(country=c, size=s) for c, s in zip(countries, sizes, strict=True)]
    model = Model(people, countries, sizes)
    platform = FakePlatform()
    connector = FakeAudiences(platform=platform, max_batch=2)
    for name, one, other in steps:
        town.clock.advance(timedelta(seconds=2))
        if name == "sync":
            platform.answer(*one)
            report = line(town.sync(connector), "cart")
            check(town, model, platform, connector, report)
        elif name == "stock":
            size, quantity = other
            town.stock(town.variant(one, size), quantity)
            model.stock[one, size] = quantity
        else:
            happen(town, model, name, model.root[people[one]], other, people)
    town.clock.advance(timedelta(seconds=2))
    platform.answer("ok")
    report = line(town.sync(connector), "cart")
    assert (report.problem, report.waiting) == (None, 0)
    check(town, model, platform, connector, report)
    assert held(platform, connector, "cart") == {spelling(model, connector, who) for who in model.wanted()}
    states = {row.key: row.profile_id for row in town.rows("cart") if row.state == "in"}
    assert sorted(states.values()) == sorted(model.wanted())


def happen(town: Town, model: Model, name: str, who: int, what, people: list[int]) -> None:
    """One fact, in the shop and in the model."""
    now = town.clock.now()
    if name == "cart":
        town.add_to_cart(who, town.variant(what, model.size[who]), at=now)
        model.carts[who].add(what)
    elif name == "buy":
        town.buy(who, town.variant(what), at=now)
        model.owns[who].add(what)
    elif name == "say":
        town.consent(who, what)
        model.said[who] = what
    elif name == "suppress":
        town.suppress(model.emails[who][0]) if model.emails[who][0] not in model.suppressed else None
        model.suppressed.add(model.emails[who][0])
    elif name == "address":
        rename(town, model, {who: f"n{what}.{who}@example.com"})
    elif name == "swap":
        other = model.root[people[what]]
        if other != who:
            rename(town, model, {who: model.emails[other][0], other: model.emails[who][0]})
    elif name == "merge":
        kept, gone = sorted((who, model.root[people[what]]))
        if kept != gone and model.size[kept] == model.size[gone] and {model.said[kept], model.said[gone]} != {
            "granted", "denied"
        }:  # fmt: skip
            merge_both(town, model, kept, gone)


def rename(town: Town, model: Model, names: dict[int, str]) -> None:
    if len(names) == 1 and any(new in theirs for new in names.values() for theirs in model.emails.values()):
        return  # after a swap it is somebody's
    with write(town.engine) as connection:
        for number, (who, new) in enumerate([(w, f"x{w}") for w in names] + list(names.items())):
            first = model.emails[who][0] if number < len(names) else f"x{who}"
            connection.execute(
                update(identifier).where(identifier.c.profile_id == who, identifier.c.value == first).values(value=new)
            )
    for who, new in names.items():
        model.emails[who][0] = new


def merge_both(town: Town, model: Model, kept: int, gone: int) -> None:
    merge(town, kept, gone)
    for who, root in model.root.items():
        model.root[who] = kept if root == gone else root
    model.carts[kept] |= model.carts[gone]
    model.owns[kept] |= model.owns[gone]
    model.lived[kept] |= model.lived[gone]
    model.said[kept] = model.said[kept] or model.said[gone]
    with write(town.engine) as connection:
        rows = connection.execute(
            identifier.select().where(identifier.c.profile_id == kept).order_by(identifier.c.id)
        ).all()
        connection.execute(update(profile).where(profile.c.id == kept).values(country=model.country[kept]))
    model.emails[kept] = [row.value for row in rows]


def spelling(model: Model, connector: FakeAudiences, who: int) -> str:
    return spelled(connector, {"email": model.emails[who][0], "country": model.country[who]})


def check(town: Town, model: Model, platform: FakePlatform, connector: FakeAudiences, report) -> None:
    """The sum adds up; a member that the books call in is in, and one that they call out is not."""
    assert report.considered == report.wanted + report.control + sum(report.out.values())
    there = held(platform, connector, "cart")
    for row in town.rows("cart"):
        if row.state == "in" and report.problem is None:
            assert spelled(connector, row.identifiers) in there
    if report.problem is None:
        # The sync answered: nobody who must not be there is there.
        waiting = {spelled(connector, r.identifiers) for r in town.rows("cart") if r.state in ("adding", "removing")}
        allowed = {spelling(model, connector, who) for who in model.wanted()}
        assert not there - allowed - waiting
        assert not waiting
