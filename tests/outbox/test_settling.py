"""A resident process settles codes with the shop now and then: what nobody else asked for is told, taken out, read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from segue.clock import VirtualClock
from segue.contract import Channel, TransientError
from segue.contract.fake import FakeConnector, FakeOffers
from segue.offers import revoke
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.service.running import SETTLE_EVERY
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.tables import profile, voucher
from tests.outbox.merges import code
from tests.outbox.shop import NOW


class Counted(FakeOffers):
    """A shop that counts how often it is asked what was used."""

    asked = 0

    def redemptions(self):  # type: ignore[no-untyped-def]
        """Count, and tell."""
        self.asked += 1
        return super().redemptions()


@pytest.fixture
def till() -> Counted:
    return Counted()


@pytest.fixture
def segue(database_url: str, tmp_path: Path, till: Counted) -> Iterator[Segue]:
    settings = Settings(home=tmp_path / "home", database_url=database_url, secret_key="a secret for tests only")
    connectors = Connectors(by_channel={Channel.EMAIL: FakeConnector()}, offers=till)
    with open_segue(settings, VirtualClock(NOW), connectors=connectors) as one:
        one.install()
        with write(one.engine) as connection:
            connection.execute(insert(profile).values(id=1, created_at=NOW))
            for name in ("NEW", "OLD"):
                connection.execute(insert(voucher).values(code(1, name, code=name, published_at=None)))
            revoke(connection, ["OLD"], NOW)
        yield one


def dispatch(segue: Segue, **options: bool) -> None:
    """Look twice."""
    segue.dispatch(seconds=0.02, poll=0.01, **options)


def test_a_dispatcher_settles_at_once_and_then_every_few_minutes(segue: Segue, till: Counted) -> None:
    dispatch(segue)
    assert till.asked == 1
    assert (till.known(), till.withdrawn) == ({"NEW"}, {"OLD"})
    till.redeem("NEW", "o1", NOW)
    segue.clock.advance(SETTLE_EVERY - timedelta(seconds=1))  # type: ignore[attr-defined]
    dispatch(segue)
    assert till.asked == 1
    assert segue.codes().redeemed == 0
    segue.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
    dispatch(segue)
    assert till.asked == 2
    assert segue.codes().redeemed == 1
    segue.clock.set(NOW)  # type: ignore[attr-defined]
    dispatch(segue)
    assert till.asked == 3, "a clock that went back puts nothing off"


def test_what_the_shop_refused_is_settled_later_and_stops_nobody(segue: Segue, till: Counted) -> None:
    till.error = TransientError("the shop is down")
    dispatch(segue)
    with read(segue.engine) as connection:
        assert connection.scalars(select(voucher.c.code).where(voucher.c.published_at.is_not(None))).all() == []
    till.error = None
    segue.clock.advance(SETTLE_EVERY)  # type: ignore[attr-defined]
    dispatch(segue)
    assert till.known() == {"NEW"}


def test_transactional_messages_wait_for_no_shop(segue: Segue, till: Counted) -> None:
    dispatch(segue, transactional_only=True)
    assert till.asked == 0
    assert till.known() == frozenset()
