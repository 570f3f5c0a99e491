"""Two people may share a mailbox: their messages never leave side by side, from one worker or from two."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, update

from segue.contract import Message
from segue.contract.fake import Answer, FakeConnector, FakeWire
from segue.outbox import worker
from segue.outbox.compose import Ready
from segue.outbox.scope import Scope
from segue.outbox.worker import once_an_address
from segue.store.engine import open_engine, write
from segue.store.tables import identifier, lease
from tests.outbox.child import drain_all
from tests.outbox.desk import Desk
from tests.outbox.processes import CONTEXT, finish
from tests.outbox.shop import add_people, journey


def named(*addresses: str) -> list[Any]:
    return [SimpleNamespace(message=SimpleNamespace(address=address)) for address in addresses]


def test_nobody_stands_twice_in_a_share_and_nobody_is_lost() -> None:
    shares = once_an_address(named("a", "b", "a", "c", "a", "b"))
    assert [[one.message.address for one in share] for share in shares] == [["a", "b", "c"], ["a", "b"], ["a"]]


def test_paper_has_no_address_and_stays_together() -> None:
    assert [len(share) for share in once_an_address(named("", "", ""))] == [3]
    assert once_an_address([]) == []


class Slow(FakeWire):
    """Before the first message is answered, another worker drains."""

    meanwhile: Any = None

    def take(self, message: Message) -> Answer:
        answer = super().take(message)
        other, self.meanwhile = self.meanwhile, None
        if other is not None:
            other()
        return answer


def share_a_mailbox(engine: Engine, people: int) -> None:
    """All of them read what goes to one address."""
    with write(engine) as connection:
        hers = update(identifier).where(identifier.c.kind == "email", identifier.c.profile_id <= people)
        connection.execute(hers.values(value="home@example.com", identifies=False))


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1), (2, 3)], ids=["keeper", "other", "both others"])
def test_a_second_worker_waits_for_the_answer_of_a_shared_mailbox(
    engine: Engine, tmp_path: Path, first: int, second: int
) -> None:
    add_people(engine, 4)
    share_a_mailbox(engine, 3)
    wire = Slow()
    with Desk(engine, tmp_path, [journey()], connector=FakeConnector(wire=wire)) as desk, desk.sibling() as other:
        desk.promise()
        wire.answer("rejected", "ok")
        wire.meanwhile = lambda: other.drain(Scope(buckets=(second, 4)))
        desk.drain(Scope(buckets=(first,)))
        states = {row.profile_id: (row.state, row.reason) for row in desk.rows()}
        assert states[second] == ("queued", None)
        assert states[4][0] == "accepted", "whoever shares nothing waits for nobody"
        assert other.worker.missed == {1}
        other.drain(Scope(buckets=(second,)))
        assert {row.profile_id: row.reason for row in desk.rows()}[second] == "suppressed"
        assert [one.address for one in wire.received] == ["home@example.com", "p4@example.com"]


def test_a_worker_that_sleeps_past_the_keepers_lease_writes_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between choosing and marking another one took it: her own lease is not enough."""
    add_people(engine, 2)
    share_a_mailbox(engine, 2)
    real = worker.kept

    def slept(*given: Any) -> Sequence[Ready]:
        chosen = real(*given)
        with write(engine) as connection:
            connection.execute(update(lease).where(lease.c.bucket == 1).values(owner="other", epoch=lease.c.epoch + 1))
        return chosen

    wire = FakeWire()
    with Desk(engine, tmp_path, [journey()], connector=FakeConnector(wire=wire)) as desk:
        desk.promise()
        monkeypatch.setattr(worker, "kept", slept)
        desk.drain(Scope(buckets=(2,)))
        assert wire.received == []
        assert {row.profile_id: row.state for row in desk.rows()}[2] == "queued"


class Recording(FakeWire):
    """Nobody lives at any of the addresses; it takes a while to say so."""

    def __init__(self, record: Path) -> None:
        super().__init__()
        self._record = record
        self.answer("rejected")

    def take(self, message: Message) -> Answer:
        with self._record.open("a") as file:
            file.write(f"{message.address}\n")
        time.sleep(0.05)
        return super().take(message)


def write_to(url: str, home: Path, record: Path, people: tuple[int, ...], barrier: Barrier, *, alone: bool) -> None:
    """A process that writes to these people; `alone`: it knows of no other."""
    if alone:
        worker.keepers = lambda *_: {}  # type: ignore[attr-defined]
    engine = open_engine(url)
    with Desk(engine, home, [journey()], connector=FakeConnector(wire=Recording(record), max_batch=10)) as desk:
        barrier.wait(30)
        drain_all(desk, Scope(buckets=people))
    engine.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("alone", [False, True], ids=["", "without the keepers"])
def test_two_processes_at_one_instant_write_to_a_dead_mailbox_once(
    database_url: str, engine: Engine, tmp_path: Path, *, alone: bool
) -> None:
    """Each has one of every two who share; each of the two is now the keeper, now the other."""
    homes = 8
    add_people(engine, 2 * homes)
    with write(engine) as connection:
        for home in range(homes):
            hers = identifier.c.kind == "email", identifier.c.profile_id.in_((2 * home + 1, 2 * home + 2))
            connection.execute(update(identifier).where(*hers).values(value=f"h{home}@example.com", identifies=False))
    with Desk(engine, tmp_path, [journey()]) as desk:
        desk.promise()
        record, barrier = tmp_path / "record", CONTEXT.Barrier(2)
        halves = [tuple(2 * home + 1 + (home + side) % 2 for home in range(homes)) for side in (0, 1)]
        pair = [
            CONTEXT.Process(
                target=write_to, args=(database_url, tmp_path, record, half, barrier), kwargs={"alone": alone}
            )
            for half in halves
        ]
        for one in pair:
            one.start()
        assert [finish(one) for one in pair] == [0, 0]
        written = Counter(record.read_text().split())
        assert len(written) == homes
        if alone:
            assert max(written.values()) == 2, "else the test above tests nothing"
        else:
            assert set(written.values()) == {1}
            assert Counter((row.state, row.reason) for row in desk.rows())["skipped", "suppressed"] == homes
