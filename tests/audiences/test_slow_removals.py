"""Removals that take long are handed over in small pieces: the lease outlives them, and answers are kept between."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import Engine

from connectors.meta import MetaConnector
from segue.audiences.asking import BUCKET
from segue.audiences.sync import LEASE
from segue.contract.fake_audience import AudienceAnswer, FakeAudiences, FakePlatform
from segue.outbox.lease import Leases
from tests.audiences.people import Town, line
from tests.audiences.test_sync import in_carts

TTL = timedelta(seconds=1.5)
PEOPLE = 30
#: Seconds a removal takes: all of them together take longer than the lease.
SLOW = 0.08


class Slow(FakePlatform):
    """Takes its time over a removal; meanwhile a rival tries to take the audiences over."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self.town = town
        self.rival = Leases(town.engine, "rival", TTL)
        self.taken_over = False
        #: How many our books know to be out, as each removal arrives.
        self.known_out: list[int] = []

    def take(self, external_id: str, members: set[str], *, remove: bool) -> AudienceAnswer:
        if remove:
            self.known_out.append(sum(row.state == "out" for row in self.town.rows("cart")))
            time.sleep(SLOW)
            self.taken_over |= bool(self.rival.claim({BUCKET}))
        return super().take(external_id, members, remove=remove)


def test_nobody_takes_over_while_many_are_removed(engine: Engine) -> None:
    town = Town(engine)
    platform = Slow(town)
    connector = FakeAudiences(platform=platform, request_size=1, max_removals=3)
    people = in_carts(town, PEOPLE)
    town.sync(connector)
    for who in people:
        town.suppress(f"p{who}@example.com")
    began = time.monotonic()
    report = line(town.sync(connector, lease_ttl=TTL), "cart")
    assert time.monotonic() - began > TTL.total_seconds(), "else this test says nothing"
    assert not platform.taken_over
    assert (report.problem, report.removed, report.waiting) == (None, PEOPLE, 0)
    assert platform.known_out == [number // 3 * 3 for number in range(PEOPLE)]


def test_metas_removals_fit_into_a_lease_with_room_to_spare() -> None:
    """Each of its requests holds a dozen people; five seconds a request are slow for Meta."""
    pieces = MetaConnector.capabilities.max_removals
    assert pieces is not None
    assert pieces / 12 * 5 < LEASE.total_seconds() / 2
