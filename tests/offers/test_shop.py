"""Telling and asking the shop: again after any refusal, and nothing that was taken back comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from segue.contract import ConfigurationError, Redemption, Result, TransientError, Voucher
from segue.contract.fake import FakeOffers
from segue.offers import (
    RedemptionCount,
    Settled,
    mark_published,
    publish,
    read_redemptions,
    refusals,
    revoke,
    settle,
    withdraw,
)
from segue.store.engine import read, write
from tests.offers.till import DAY, NOW, WELCOME, add_people, ask, key, tell, uses, vouchers

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _people(engine: Engine) -> None:
    add_people(engine, 5)


@pytest.fixture
def codes(engine: Engine) -> list[str]:
    """Codes of persons 1 to 5."""
    return [one.voucher.code for one in ask(engine, *[(n, n) for n in range(1, 6)], offer=WELCOME).values()]


def take_back(engine: Engine, *codes: str, at: datetime = NOW) -> None:
    with write(engine) as connection:
        assert revoke(connection, codes, at) == len(codes)


class HalfWay(FakeOffers):
    """A shop that breaks after two answers, until it is whole again."""

    is_whole = False

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Know two."""
        yield from self._two(super().publish(vouchers))

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Forget two."""
        yield from self._two(super().withdraw(codes))

    def redemptions(self) -> Iterator[Redemption]:
        """Tell two."""
        yield from self._two(super().redemptions())

    def _two(self, answers: Iterator[object]) -> Iterator[object]:
        for place, answer in enumerate(answers):
            if place == 2 and not self.is_whole:
                raise RuntimeError("a bug in the connector")
            yield answer


def test_what_the_shop_answered_before_it_broke_counts_and_the_rest_is_asked_again(
    engine: Engine, codes: list[str]
) -> None:
    shop = HalfWay()
    assert settle(engine, shop, NOW) == Settled(published=2, unfinished=3)
    assert settle(engine, shop, NOW) == Settled(published=2, unfinished=1)
    assert settle(engine, shop, NOW) == Settled(published=1)
    assert settle(engine, shop, NOW) == Settled()
    for place, code in enumerate(codes[:4]):
        shop.redeem(code, f"o{place}", NOW + HOUR)
    take_back(engine, *codes[2:])
    first = settle(engine, shop, NOW)
    assert first == Settled(withdrawn=2, unfinished=1, redemptions=RedemptionCount(seen=2, new=2))
    shop.is_whole = True
    # The third and fourth were used an hour after they were taken back, by the shop's own clock.
    assert settle(engine, shop, NOW) == Settled(withdrawn=1, redemptions=RedemptionCount(seen=4, new=2, late=2))
    assert shop.known() == set(codes[:2])
    assert [row.withdrawn_at for row in vouchers(engine)] == [None, None, NOW, NOW, NOW]
    assert uses(engine) == [(code, f"o{place}", True) for place, code in enumerate(codes[:4])]


def test_a_shop_that_is_down_stops_nothing_and_loses_nothing(engine: Engine, codes: list[str]) -> None:
    shop = FakeOffers()
    shop.error = TransientError("the shop is down")
    assert settle(engine, shop, NOW) == Settled(unfinished=5)
    shop.error = ConfigurationError("wrong key")
    assert settle(engine, shop, NOW) == Settled(unfinished=5)
    shop.error = None
    assert settle(engine, shop, NOW) == Settled(published=5)
    assert shop.known() == set(codes)


def test_what_a_shop_refuses_is_known_until_it_answers_again(engine: Engine, codes: list[str]) -> None:
    """With its words, and since when it says them; trouble that passes by itself is none."""

    def refused() -> list[tuple[str, str, datetime]]:
        with read(engine) as connection:
            return [(one.verb, one.reason, one.since) for one in refusals(connection)]

    take_back(engine, codes[0])
    shop = FakeOffers()
    shop.error = TransientError("the shop is down")
    settle(engine, shop, NOW)
    assert refused() == []
    shop.error = ConfigurationError("wrong key")
    settle(engine, shop, NOW)
    settle(engine, shop, NOW + HOUR)
    verbs = ["publish", "redemptions", "withdraw"]
    assert refused() == [(verb, "wrong key", NOW) for verb in verbs]
    shop.error = TransientError("the shop is down")
    settle(engine, shop, NOW + HOUR)
    assert refused() == [(verb, "wrong key", NOW) for verb in verbs]
    shop.error = ConfigurationError("another scope")
    read_redemptions(engine, shop, NOW + HOUR)
    assert refused()[1] == ("redemptions", "another scope", NOW + HOUR)
    shop.error = None
    settle(engine, shop, NOW + HOUR)
    assert refused() == []


def test_the_shop_is_told_of_no_code_that_is_spent_or_over(engine: Engine, codes: list[str]) -> None:
    tell(engine, codes[0], "o1")
    take_back(engine, codes[1])
    shop = FakeOffers()
    settle(engine, shop, NOW)
    assert shop.known() == set(codes[2:])
    idle = FakeOffers()
    settle(engine, idle, NOW + 60 * DAY)
    assert idle.known() == set()


def test_a_withdrawn_code_that_another_process_was_still_telling_of_is_withdrawn_again(
    engine: Engine, codes: list[str]
) -> None:
    """Both read the code as new; one told the shop, it was taken back and out, and then the other one told the shop."""
    shop = FakeOffers()
    late = [ask(engine, (1, 1), offer=WELCOME)[key(1)].voucher]
    publish(engine, late, shop, NOW)
    take_back(engine, codes[0])
    assert withdraw(engine, shop, NOW) == (1, 0)
    shop.withdrawn.clear()  # as a shop does that deletes a code and takes it again as a new one
    publish(engine, late, shop, NOW + HOUR)
    assert vouchers(engine)[0].withdrawn_at is None
    assert withdraw(engine, shop, NOW + HOUR) == (1, 0)
    assert codes[0] not in shop.known()
    assert vouchers(engine)[0].published_at == NOW


def test_a_code_nobody_told_the_shop_of_is_asked_for_until_nobody_can_be_telling_it(
    engine: Engine, codes: list[str]
) -> None:
    """Whoever read it before it was taken back may die between the shop's yes and our mark."""

    class Agreeable(FakeOffers):
        def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
            yield from codes

    take_back(engine, codes[0])
    assert withdraw(engine, Agreeable(), NOW) == (0, 1)
    assert withdraw(engine, Agreeable(), NOW + HOUR) == (1, 0)
    assert vouchers(engine)[0].withdrawn_at == NOW + HOUR


def test_a_revoked_code_that_ran_out_needs_no_withdrawal(engine: Engine, codes: list[str]) -> None:
    take_back(engine, *codes)
    assert withdraw(engine, FakeOffers(), NOW + 60 * DAY) == (0, 0)


def test_redemptions_come_in_chunks_and_twice_is_once(engine: Engine, codes: list[str]) -> None:
    shop = FakeOffers()
    settle(engine, shop, NOW)
    for place in range(2_500):
        shop.redeem(codes[place % 5], f"o{place}", NOW + timedelta(seconds=1 + place))
    assert read_redemptions(engine, shop, NOW) == RedemptionCount(seen=2_500, new=2_500, again=2_495)
    assert read_redemptions(engine, shop, NOW) == RedemptionCount(seen=2_500)
    assert [name for _, name, counts in uses(engine) if counts] == ["o0", "o1", "o2", "o3", "o4"]


def test_marking_nothing_marks_nothing(engine: Engine, codes: list[str]) -> None:
    assert codes
    with write(engine) as connection:
        mark_published(connection, [], at=NOW)
    assert {row.published_at for row in vouchers(engine)} == {None}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigurationError("a.csv: cannot read line 3"), "a.csv: cannot read line 3"),
        (ValueError("sarah"), "ValueError"),
    ],
    ids=["its own", "another"],
)
def test_a_connectors_own_error_says_where_to_look(
    engine: Engine, codes: list[str], caplog: pytest.LogCaptureFixture, error: Exception, said: str
) -> None:
    """What it told before counts; another's message might hold anything and is not repeated."""

    class Broken(FakeOffers):
        def redemptions(self) -> Iterator[Redemption]:
            yield Redemption(code=codes[0], order_id="o1", redeemed_at=NOW)
            raise error

    assert read_redemptions(engine, Broken(), NOW).new == 1
    assert [one.getMessage() for one in caplog.records] == [f"fake: not all of the redemptions could be read: {said}"]
