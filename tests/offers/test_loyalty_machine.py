"""Any year of orders, returns, follows, spendings, points told as used, and a merge: the sum is a plain reference's.

The reference knows no sums: it holds every lot of points by itself, uses them up oldest first, lets them run out on
their day, and for two who became one begins anew with both their lives, as if they had been one person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select, update

from segue.offers.loyalty import spend
from segue.store.engine import read, write
from segue.store.tables import event, loyalty_entry, order, profile, touchpoint
from tests.offers.points import book, change, day, entries, held, merged, ordered, people, redeemed, touched
from tests.search import examples

WINDOW, LIFE, FOLLOW = 30, 100, 25
WHO = st.sampled_from((1, 2))
STEPS = st.one_of(
    st.tuples(st.just("order"), WHO, st.integers(1, 200)),
    st.tuples(st.just("return"), st.integers(0, 9), st.integers(1, 200)),
    st.tuples(st.just("cancel"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("follow"), WHO, st.sampled_from(("pinterest", "instagram"))),
    st.tuples(st.just("spend"), WHO, st.integers(1, 250)),
    st.tuples(st.just("redeem"), WHO, st.tuples(st.integers(1, 30), st.sampled_from(("x", "x", "y")))),
    st.tuples(st.just("merge"), st.just(0), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 60), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 60), st.just(0)),
)


@dataclass
class Lot:
    """Points that were earned at once."""

    owner: int
    at: float
    counts: float
    ends: float
    points: int
    network: str = ""
    #: Of an order: dollars that were paid, and that came back.
    paid: int = 0
    back: int = 0
    taken: int = 0


@dataclass
class Reference:
    """The rules, in the words of the house."""

    lots: list[Lot] = field(default_factory=list)
    #: When, what, whose: ("spend", person, points) or ("take", lot, points).
    log: list[tuple[float, str, Any, int]] = field(default_factory=list)
    #: When the shop told that an order was paid for with points, whose, which order, how many.
    told: list[tuple[float, int, str, int]] = field(default_factory=list)

    def paid(self) -> list[tuple[float, str, Any, int]]:
        """What was told, in the words of the log: each telling is what it adds to the most that was told before."""
        most: dict[tuple[int, str], int] = {}
        found: list[tuple[float, str, Any, int]] = []
        for at, who, ref, points in self.told:
            before = most.get((who, ref), 0)
            most[who, ref] = max(before, points)
            found.append((at, "spend", who, most[who, ref] - before))
        return found

    def left(self, who: int, now: float) -> list[tuple[Lot, int]]:
        """What is left of each of her lots, by living her life once more."""
        mine = [lot for lot in self.lots if lot.owner == who]
        left = {id(lot): lot.points for lot in mine}

        def use(points: int, at: float, first: Lot | None = None) -> None:
            counted = sorted((lot for lot in mine if lot.counts <= at), key=lambda lot: lot.ends)
            for lot in ([first] if first else []) + counted:
                if lot.ends > at:
                    part = min(points, left[id(lot)])
                    left[id(lot)] -= part
                    points -= part
            assert points == 0, "more was used than there was"

        for at, what, whose, points in sorted(self.log + self.paid(), key=lambda one: one[0]):
            if what == "spend" and whose == who:
                use(points, at)
            elif what == "take" and whose.owner == who:
                use(points, at, first=whose)
        return [(lot, left[id(lot)] if lot.ends > now else 0) for lot in mine]

    def balance(self, who: int, now: float) -> tuple[int, int]:
        left = self.left(who, now)
        return sum(n for lot, n in left if lot.counts <= now), sum(n for lot, n in left if lot.counts > now)

    def settle(self, now: float) -> None:
        """Take back what is owed, the doubled follows first, as far as the points reach."""
        seen: set[tuple[int, str]] = set()
        owed: list[tuple[Lot, int]] = []
        for lot in sorted(self.lots, key=lambda lot: lot.at):
            if lot.network:
                if (lot.owner, lot.network) in seen:
                    owed.append((lot, lot.points - lot.taken))
                seen.add((lot.owner, lot.network))
        owed += [(lot, lot.points - lot.taken - max(0, lot.paid - lot.back)) for lot in self.lots if not lot.network]
        for lot, points in owed:
            if lot.ends > now and points > 0:
                part = points if lot.counts > now else min(points, self.balance(lot.owner, now)[0])
                lot.taken += part
                self.log.append((now, "take", lot, part))


FRIENDS = [("follow", 1, "pinterest"), ("follow", 2, "instagram"), ("order", 1, 90), ("wait", 40, 0)]
PAID_TWICE = [("redeem", 1, (20, "x")), ("redeem", 2, (25, "x"))]


@example([*FRIENDS, *PAID_TWICE, ("merge", 0, 0), ("spend", 1, 40), ("wait", 60, 0)])
@example([*FRIENDS, *PAID_TWICE[::-1], ("wait", 60, 0), ("merge", 0, 0), ("wait", 30, 0)])
@example([*FRIENDS, ("redeem", 1, (20, "x")), ("merge", 0, 0), ("redeem", 2, (25, "x"))])
@settings(max_examples=examples(14), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=3, max_size=22))
def test_the_sum_is_what_a_plain_count_says(  # noqa: C901, PLR0912 - a step after the other
    engine: Engine, steps: list[tuple[str, Any, Any]]
) -> None:
    empty(engine)
    people(engine, 1, 2)
    reference, now, is_one, number = Reference(), 0.0, False, 0
    for step, first, second in steps:
        now += 0.01  # no two things happen at once
        owner = 1 if is_one else first
        if step == "wait":
            now += first
        elif step == "order":
            number += 1
            ordered(engine, number, owner, second + 0.5, now)
            lot = Lot(owner, now, now + WINDOW, now + WINDOW + LIFE, second, paid=second)
            reference.lots.append(lot)
        elif step in {"return", "cancel"}:
            give_up(engine, reference, step, first, second, now)
        elif step == "follow":
            touched(engine, owner, "follow", second, now)
            if not any(lot.owner == owner and lot.network == second for lot in reference.lots):
                reference.lots.append(Lot(owner, now, now, now + LIFE, FOLLOW, network=second))
        elif step == "spend":
            covers = reference.balance(owner, now)[0] >= second
            with write(engine) as connection:
                assert spend(connection, first, second, f"till-{now}", day(now)) == covers
            if covers:
                reference.log.append((now, "spend", owner, second))
        elif step == "redeem":
            points, ref = second
            most = max((one[3] for one in reference.told if one[1:3] == (owner, ref)), default=0)
            if reference.balance(owner, now)[0] >= points - most:
                redeemed(engine, owner, points, now, ref)
                reference.told.append((now, owner, ref, points))
        elif step == "merge" and not is_one:
            is_one = True
            become_one(engine, reference)
        book(engine, now)
        reference.settle(now)
        for who in (1, 2):
            assert held(engine, now, who) == reference.balance(who, now), (step, first, second)
            assert held(engine, now, who)[0] >= 0
        before = entries(engine)
        book(engine, now)
        assert entries(engine) == before
    for ahead in (20, 35, 80, 140):
        now += ahead
        book(engine, now)
        reference.settle(now)
        for who in (1, 2):
            assert held(engine, now, who) == reference.balance(who, now)
    nothing_is_taken_beyond_what_was_earned(engine)


def give_up(engine: Engine, reference: Reference, step: str, which: int, dollars: int, now: float) -> None:
    """One of the orders comes back, in part or as a whole."""
    lots = [lot for lot in reference.lots if not lot.network]
    if lots:
        place = which % len(lots)
        lot = lots[place]
        if step == "cancel":
            lot.back = lot.paid
            change(engine, place + 1, cancelled_at=day(now))
        elif lot.back < lot.paid:
            lot.back = min(lot.paid, lot.back + dollars)
            change(engine, place + 1, refunded_minor=lot.back * 100)


def become_one(engine: Engine, reference: Reference) -> None:
    """The second goes into the first."""
    merged(engine)
    for lot in reference.lots:
        lot.owner = 1
    reference.told = [(at, 1, ref, points) for at, _, ref, points in reference.told]
    reference.log = [(at, what, 1 if what == "spend" else whose, points) for at, what, whose, points in reference.log]


def nothing_is_taken_beyond_what_was_earned(engine: Engine) -> None:
    with read(engine) as connection:
        found: dict[int, int] = {}
        for row in connection.execute(select(loyalty_entry).where(loyalty_entry.c.order_id.is_not(None))):
            found[row.order_id] = found.get(row.order_id, 0) + row.points
    assert all(points >= 0 for points in found.values())


def empty(engine: Engine) -> None:
    with write(engine) as connection:
        for table in (loyalty_entry, touchpoint, order, event):
            connection.execute(delete(table))
        connection.execute(update(profile).values(merged_into=None))
        connection.execute(delete(profile))
