"""A desk: one worker in this process with everything it needs, and short ways to look at what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Engine, Row, insert, select, update

from segue.clock import VirtualClock
from segue.contract import Channel, MessageConnector, OfferConnector
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.journeys.definition import Journey, Moment
from segue.outbox.connectors import Connectors
from segue.outbox.count import DrainCount
from segue.outbox.promise import promise
from segue.outbox.rules import rules_of
from segue.outbox.scope import Scope
from segue.outbox.states import ALL_BUCKETS
from segue.outbox.worker import Worker
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.tables import decision, message, run
from tests.outbox.shop import LONG_AGO, NOW, SECRET, PlainLibrary

EVERYTHING = Scope(buckets=tuple(ALL_BUCKETS))


@dataclass
class Probe:
    """Calls what a test hangs on a named point; each hook once, unless it hangs itself on again."""

    tell: Callable[[str], None]
    hooks: dict[str, Callable[[], None]] = field(default_factory=dict)

    def __call__(self, name: str) -> None:
        self.tell(name)
        hook = self.hooks.pop(name, None)
        if hook is not None:
            hook()


class Desk:
    """One worker and its surroundings; `sibling` makes another one on the same store."""

    def __init__(
        self,
        engine: Engine,
        home: Path,
        journeys: Sequence[Journey],
        *,
        connector: MessageConnector | None = None,
        offers: OfferConnector | None = None,
        clock: VirtualClock | None = None,
        tell: Callable[[str], None] = lambda _name: None,
        **changes: Any,
    ) -> None:
        self.engine = engine
        self.home = home
        self.journeys = {one.name: one for one in journeys}
        self.settings = Settings(home=home, holdout_journey=0, holdout_global=0, **changes)
        self.changes = changes
        self.clock = clock or VirtualClock(NOW)
        self.connector = connector or FakeConnector(max_batch=10, window=10)
        self.wire = self.connector.wire if isinstance(self.connector, FakeConnector) else FakeWire()
        self.offers = offers or FakeOffers()
        self.library = PlainLibrary()
        self.probe = Probe(tell)
        self.worker = Worker(
            engine,
            settings=self.settings,
            secret=SECRET,
            journeys=self.journeys,
            library=self.library,  # type: ignore[arg-type]
            connectors=Connectors(
                by_channel=dict.fromkeys((Channel.EMAIL, Channel.SMS), self.connector), offers=self.offers
            ),
            rules=rules_of(self.settings),
            clock=self.clock,
            probe=self.probe,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.worker.close()

    def sibling(self, journeys: Sequence[Journey] | None = None, **changes: Any) -> Desk:
        """Another worker on the same store, with the same connector and clock; `journeys` if it knows others."""
        values = self.changes | changes
        values.setdefault("connector", self.connector)
        return Desk(self.engine, self.home, journeys or list(self.journeys.values()), clock=self.clock, **values)

    def promise(self, *, run_id: int = 0) -> int:
        """Promise every step of every journey to whoever is due."""
        promised = 0
        with write(self.engine) as connection:
            for journey in self.journeys.values():
                moment = Moment(now=self.clock.now(), live_from=LONG_AGO)
                for step in journey.steps:
                    promised += promise(connection, journey, step, journey.brief(), moment, run_id=run_id)
        return promised

    def start_run(self, journey: str) -> int:
        """Write down a run of `journey`; return its id."""
        with write(self.engine) as connection:
            row = insert(run).values(journey=journey, brief={}, started_at=self.clock.now()).returning(run.c.id)
            return int(connection.execute(row).scalar_one())

    def drain(self, scope: Scope = EVERYTHING) -> DrainCount:
        """Drain what is ready."""
        return self.worker.drain(scope)

    def rows(self) -> list[Row[Any]]:
        """All messages, oldest first."""
        with read(self.engine) as connection:
            return list(connection.execute(select(message).order_by(message.c.id)).all())

    def states(self) -> Counter[tuple[str, str | None]]:
        """How many messages of each state and reason."""
        return Counter((row.state, row.reason) for row in self.rows())

    def decisions(self) -> list[tuple[int, str, str | None]]:
        """Message, verdict and reason of every decision, oldest first."""
        with read(self.engine) as connection:
            columns = (decision.c.message_id, decision.c.verdict, decision.c.reason)
            return [tuple(row) for row in connection.execute(select(*columns).order_by(decision.c.id))]  # type: ignore[misc]

    def sent(self) -> Counter[str]:
        """How often each key's bytes reached the provider."""
        return Counter(str(one.key) for one in self.wire.received)

    def change(self, ids: Iterable[int], **values: Any) -> None:
        """Put messages in a state by hand."""
        with write(self.engine) as connection:
            connection.execute(update(message).where(message.c.id.in_(list(ids))).values(**values))
