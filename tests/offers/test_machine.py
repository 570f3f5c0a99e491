"""Whatever happens to codes, in whatever order: the promises of money hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, delete, select

from segue.contract import Key
from segue.contract.fake import FakeOffers
from segue.offers import Offer, live_vouchers, mint, read_redemptions, revoke, settle
from segue.store.engine import read, write
from segue.store.tables import order, redemption, voucher
from tests.offers.till import CART, DAY, NOW, SECRET, WELCOME, add_people, import_orders, sell, tell
from tests.search import examples

PEOPLE = 3
FIFTEEN = Offer(name="referral", amount_minor=1500, currency="USD", valid_for=30 * DAY, if_live="show")
OFFERS = {"cart": CART, "insert": WELCOME, "referral": FIFTEEN}


class Codes(RuleBasedStateMachine):
    """Mint, retry, redeem, revoke, settle, and let time pass."""

    engine: Engine

    @initialize()
    def open(self) -> None:
        """Start with nobody holding anything."""
        with write(self.engine) as connection:
            for table in (redemption, voucher, order):
                connection.execute(delete(table))
        self.now = NOW
        self.shop = FakeOffers()
        self.promised: dict[Key, tuple[Any, ...]] = {}
        self.counting: dict[str, str] = {}
        self.orders = 0

    @rule(
        offer=st.sampled_from(sorted(OFFERS)),
        asked=st.lists(st.tuples(st.integers(1, 8), st.integers(1, PEOPLE)), min_size=1, max_size=4),
    )
    def ask(self, offer: str, asked: list[tuple[int, int]]) -> None:
        """Messages ask for codes: new ones, or the same ones again."""
        wanted = [(Key(f"{offer}/only/cart:{who}.{number}"), who) for number, who in asked]
        rule = OFFERS[offer]
        with write(self.engine) as connection:
            before = live_vouchers(connection, range(1, PEOPLE + 1), self.now)
            named = mint(connection, wanted, rule, now=self.now, secret=SECRET)
        owners = dict(wanted)
        for key, one in named.items():
            assert one.profile_id == owners[key], "a code of somebody else"
            if one.voucher.key == key:
                continue
            assert rule.if_live == "show", "another message's code was named, and the offer shows none"
            assert one.voucher.valid_until - self.now >= rule.shown_if_left
            assert not one.is_spent
        for key, who in wanted:
            if key in self.promised:
                assert key in named, "a code that was promised is gone"
            elif who in before:
                assert named.get(key) is None or named[key].voucher.key != key, "a second code beside a live one"
            elif rule.cooldown is None:
                assert key in named, "no code though nothing speaks against it"

    @rule(place=st.integers(0, 30), twice=st.booleans(), by=st.sampled_from(["import", "till", "both"]))
    def redeem(self, place: int, by: str, *, twice: bool) -> None:
        """An order uses a code, now; told by the import, by a till under its number, or by both."""
        code = self._code(place)
        if code is None:
            return
        self.orders += 1
        name = f"o{self.orders}"
        for _ in range(2 if twice else 1):
            if by != "till":
                if name not in self._order_names():
                    sell(self.engine, name, code.lower(), at=self.now, number=f"#{name}-n")
                import_orders(self.engine, self.now)
            if by != "import":
                tell(self.engine, code, f"{name}-n", at=self.now, now=self.now)
        self.counting.setdefault(code, name if by != "till" else f"{name}-n")

    @rule(place=st.integers(0, 30))
    def redeem_at_the_shop(self, place: int) -> None:
        """The shop takes a code it knows, and tells it when it is asked."""
        code = self._code(place)
        if code is None:
            return
        self.orders += 1
        try:
            self.shop.redeem(code, f"o{self.orders}", self.now)
        except ValueError:
            return  # the shop does not take it
        read_redemptions(self.engine, self.shop, self.now)
        self.counting.setdefault(code, f"o{self.orders}")

    @rule(place=st.integers(0, 30))
    def take_back(self, place: int) -> None:
        """We take a code back."""
        code = self._code(place)
        if code is not None:
            with write(self.engine) as connection:
                revoke(connection, [code], self.now)

    @rule()
    def settle(self) -> None:
        """The shop is told and asked."""
        settle(self.engine, self.shop, self.now)

    @rule(hours=st.integers(1, 24 * 100))
    def pass_time(self, hours: int) -> None:
        """Time passes."""
        self.now += timedelta(hours=hours)

    @invariant()
    def a_promise_never_changes(self) -> None:
        """Owner, code, worth and expiry of a key stay what they were."""
        for row in self._rows():
            terms = (row.code, row.profile_id, row.percent, row.amount_minor, row.valid_from, row.valid_until)
            assert self.promised.setdefault(Key(row.key), terms) == terms
        assert len({terms[0] for terms in self.promised.values()}) == len(self.promised) == len(self._rows())

    @invariant()
    def nobody_holds_two_live_codes(self) -> None:
        """At any time; what is spent is not live."""
        with read(self.engine) as connection:
            held = live_vouchers(connection, range(1, PEOPLE + 1), self.now)
        assert all(len(codes) == 1 for codes in held.values())
        dead = {row.code for row in self._rows() if row.revoked_at or row.valid_until <= self.now} | set(self.counting)
        assert not dead & {one.voucher.code for codes in held.values() for one in codes}

    @invariant()
    def a_code_is_redeemed_once(self) -> None:
        """By whoever was told first."""
        with read(self.engine) as connection:
            counting = connection.execute(
                select(voucher.c.code, redemption.c.order_ref)
                .join(redemption, redemption.c.voucher_id == voucher.c.id)
                .where(redemption.c.counts)
            ).all()
        assert len(counting) == len({code for code, _ in counting})
        assert dict(tuple(row) for row in counting) == self.counting  # type: ignore[arg-type]

    def _rows(self) -> list[Any]:
        with read(self.engine) as connection:
            return list(connection.execute(select(voucher).order_by(voucher.c.id)).all())

    def _code(self, place: int) -> str | None:
        rows = self._rows()
        return rows[place % len(rows)].code if rows else None

    def _order_names(self) -> set[str]:
        with read(self.engine) as connection:
            return set(connection.scalars(select(order.c.external_id)))


def test_the_promises_hold_whatever_happens(engine: Engine) -> None:
    add_people(engine, PEOPLE)

    machine = type("CodesHere", (Codes,), {"engine": engine})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine, settings=settings(max_examples=examples(25), stateful_step_count=25, deadline=None)
    )
