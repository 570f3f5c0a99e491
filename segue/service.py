"""The front door: the few verbs that flows, the CLI and later the web edge may call.

Everything a verb returns to a flow is ids and counts. Names and addresses appear only in `explain` and the
gallery, which never cross into Prefect.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from segue.clock import Clock, SystemClock, VirtualClock
from segue.contract import Channel, ConfigurationError, PrintConnector
from segue.gallery import explain_text, words
from segue.installation import Installation
from segue.intake import (
    FORMATS,
    Hints,
    ImportReport,
    IntakeError,
    MappingError,
    OptionError,
    files_of,
    import_anything,
    is_leaflet,
)
from segue.journeys.definition import Brief, Journey, Moment
from segue.journeys.waves import PickWave
from segue.offers import CodeCount, RedemptionCount, Settled, count_codes, read_redemptions, revoke, settle, withdraw
from segue.outbox import brake
from segue.outbox.brake import Standing
from segue.outbox.connectors import Connectors, installed_connectors
from segue.outbox.count import DrainCount
from segue.outbox.frame import hash_address
from segue.outbox.handover import Probe
from segue.outbox.judging import Scope
from segue.outbox.lease import Leases
from segue.outbox.merge import merge_found
from segue.outbox.preview import preview
from segue.outbox.printing import PrintReport, print_all, reprint
from segue.outbox.promise import promise
from segue.outbox.report import next_due_at, summary_of, unsettled
from segue.outbox.states import ALL_BUCKETS, MARKETING_BUCKETS, TRANSACTIONAL_BUCKETS
from segue.outbox.summary import Summary
from segue.outbox.takeback import take_back_cancelled
from segue.render.samples import SampleRender, sample_renders
from segue.settings import Settings, load_settings
from segue.store.engine import read, write
from segue.store.fingerprint import keep_fingerprint
from segue.store.migrate import migrate, revision_of
from segue.store.tables import journey_state, run

#: A run is drained in this many shards at most; each leases its own buckets.
_SHARDS = 8
#: How often a resident process settles codes with the shop. Nobody waits for it: messages tell the shop themselves.
SETTLE_EVERY = timedelta(minutes=5)
_BUSY_WAIT = 0.2  # seconds between two looks at buckets that somebody else leases


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A part of a run: its messages in these buckets."""

    run_id: int
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A started run: how many messages it promised, and the shards to drain."""

    run_id: int
    promised: int
    shards: tuple[Shard, ...]


class Segue(Installation):
    """The verbs of an open installation. Make one with `open_segue`."""

    #: When this process last settled codes while dispatching.
    _settled_at: datetime | None = None

    def install(self) -> None:
        """Create or migrate the database; safe to call at every start.

        The first call ties the database to this installation's secret; with another one ConfigurationError is raised.
        """
        migrate(self.engine, buckets=ALL_BUCKETS)
        keep_fingerprint(self.engine, self.secret)
        self.check_secret()

    def import_file(
        self,
        path: Path,
        mapping: Path | None = None,
        progress: Callable[[int, int | None], None] | None = None,
        *,
        format_name: str | None = None,
        hints: Hints = Hints(),  # noqa: B008 - frozen
    ) -> ImportReport:
        """Take a table by its mapping file, an export by its format, or JSON lines of events; it tells which it is.

        `hints` say what an export does not. Profiles that the file shows to be one person are merged. Of a ZIP, import
        each of `files_of(path)`.
        """
        report = import_anything(
            self.engine,
            path,
            mapping,
            format_name,
            hints,
            clock=self.clock,
            hash_address=self.hash_address,
            progress=progress,
        )
        self.merge_found()
        return report

    def merge_found(self) -> int:
        """Merge profiles that imports found to be one; return how many went. Who is busy waits for the next call."""
        leases = Leases(self.engine, f"merge-{uuid.uuid4().hex}", self.settings.lease_ttl)
        return merge_found(self.engine, leases=leases, now=self.clock.now(), probe=self._probe)

    def hash_address(self, address: str) -> str:
        """The keyed hash under which an address is suppressed."""
        return hash_address(address, self.secret)

    def switch_on(self, journey: str, live_from: datetime | None = None) -> datetime:
        """Let `journey` react to facts from now on (or from `live_from`); the first call decides, for good."""
        self._journey(journey)
        with write(self.engine) as connection:
            known = connection.scalar(select(journey_state.c.live_from).where(journey_state.c.journey == journey))
            if known is not None:
                return cast("datetime", known)
            start = live_from or self.clock.now()
            connection.execute(insert(journey_state).values(journey=journey, live_from=start))
            return start

    def start_run(self, journey: Journey, brief: Brief, flow_run_id: str | None = None) -> RunPlan:
        """Select who is due, promise each a message once, and return the shards to drain.

        Started again with the same `flow_run_id` it continues the same run.
        """
        moment = self._moment(journey)
        take_back_cancelled(self.engine, (journey,), now=moment.now)
        with write(self.engine) as connection:
            run_id = _run_of(connection, journey, brief, flow_run_id, moment.now)
            promised = sum(promise(connection, journey, step, brief, moment, run_id=run_id) for step in journey.steps)
        self._probe("promised")
        width = len(MARKETING_BUCKETS) // _SHARDS
        return RunPlan(
            run_id=run_id,
            promised=promised,
            shards=tuple(
                Shard(
                    run_id=run_id,
                    buckets=(
                        *MARKETING_BUCKETS[place * width : (place + 1) * width],
                        *TRANSACTIONAL_BUCKETS[place * width : (place + 1) * width],
                    ),
                )
                for place in range(_SHARDS)
            ),
        )

    def drain_shard(self, shard: Shard) -> DrainCount:
        """Judge, compose and hand over this run's messages in the shard's buckets."""
        return self._drain(
            Scope(buckets=shard.buckets, run_id=shard.run_id), patience=self.settings.lease_ttl.total_seconds()
        )

    def drain_run(self, plan: RunPlan) -> DrainCount:
        """Drain all shards of a run in this process, as one."""
        buckets = tuple(sorted({bucket for shard in plan.shards for bucket in shard.buckets}))
        return self._drain(Scope(buckets=buckets, run_id=plan.run_id), patience=self.settings.lease_ttl.total_seconds())

    def drain_ready(self, *, transactional_only: bool = False) -> DrainCount:
        """Hand over once whatever is ready now: held, deferred and left-over messages of any run."""
        buckets = TRANSACTIONAL_BUCKETS if transactional_only else ALL_BUCKETS
        return self._drain(Scope(buckets=tuple(buckets)), patience=0)

    def dispatch(self, *, seconds: float, poll: float = 2.0, transactional_only: bool = False) -> DrainCount:
        """Stay and drain what becomes ready, looking every `poll` seconds, until `seconds` have passed.

        Every few minutes codes are settled with the shop, unless only transactional messages are wanted: these wait
        for no shop.
        """
        done = DrainCount()
        end = time.monotonic() + seconds
        while True:
            self.merge_found()
            done += self.drain_ready(transactional_only=transactional_only)
            if not transactional_only:
                self._settle_now_and_then()
            left = end - time.monotonic()
            if left <= 0:
                return done
            time.sleep(min(poll, left))

    def tick(self, briefs: Mapping[str, Brief] | None = None) -> DrainCount:
        """Everything that is to happen at this instant: what each switched-on journey finds due, and what waits."""
        self.merge_found()  # first, so that nobody is chosen twice
        with read(self.engine) as connection:
            switched_on = set(connection.scalars(select(journey_state.c.journey)))
        for journey in self.journeys.values():
            if journey.name in switched_on:
                brief = (briefs or {}).get(journey.name) or journey.brief()
                self.start_run(journey, brief)
        return self.drain_ready()

    def play(
        self,
        until: datetime,
        *,
        briefs: Mapping[str, Brief] | None = None,
        progress: Callable[[datetime], None] | None = None,
    ) -> DrainCount:
        """Rehearse on a virtual clock: jump from each due time to the next until `until`, and tick at each.

        Raises TypeError on any other clock, since real time cannot be jumped.
        """
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("only a virtual clock can be played; open Segue with clock=VirtualClock(start)")
        done = self.tick(briefs)
        while (ahead := self.next_due_at(briefs)) is not None and ahead <= until:
            self.clock.set(ahead)
            done += self.tick(briefs)
            if progress is not None:
                progress(ahead)
        self.clock.set(until)
        return done

    def print_run(self, location: str | None = None) -> list[PrintReport]:
        """Print what is spooled, one PDF and pick list a location (or only `location`), in packing order.

        Orders cancelled or packed meanwhile are taken out. Call it at the pick wave; a run that died is finished first.
        """
        return print_all(
            self.engine,
            self._print_connector(),
            journeys=self.journeys,
            now=self.clock.now(),
            secret=self.secret,
            location=location,
        )

    def reprint(self, orders: Sequence[str]) -> Path:
        """Print the cards of these order numbers again, with the same codes; raises KeyError if none has a card."""
        return reprint(self.engine, self._print_connector(), orders, now=self.clock.now())

    def revoke(self, codes: Collection[str]) -> int:
        """Take personal codes back; return how many were not yet. From now on no message names them.

        The shop is asked at once to withdraw them; where it cannot, `settle_offers` asks again.
        """
        with write(self.engine) as connection:
            taken = revoke(connection, codes, self.clock.now())
        withdraw(self.engine, self.connectors.offers, self.clock.now())
        return taken

    def read_redemptions(self) -> RedemptionCount:
        """Keep every use of a code that the shop tells of; one use of a code counts, however often it is told."""
        return read_redemptions(self.engine, self.connectors.offers, self.clock.now())

    def codes(self) -> CodeCount:
        """How many personal codes there are, how they stand, and what is at stake; nobody's code or name."""
        with read(self.engine) as connection:
            return count_codes(connection, self.clock.now())

    def settle_offers(self) -> Settled:
        """Tell the shop of codes it does not know yet, have it withdraw what was revoked, and read what was used.

        Safe at any time, in several processes at once and after any crash; what the shop refuses is tried again.
        """
        return settle(self.engine, self.connectors.offers, self.clock.now())

    def summary(self, run_id: int) -> Summary:
        """What became of a run's people."""
        with read(self.engine) as connection:
            return summary_of(connection, journey=None, run_id=run_id)

    def journey_summary(self, journey: str) -> Summary:
        """What became of everybody a journey ever considered."""
        self._journey(journey)
        with read(self.engine) as connection:
            return summary_of(connection, journey=journey, run_id=None)

    def preview(self, journey: Journey, brief: Brief) -> Summary:
        """Who would get it now and why others would not; stores nothing and sends nothing."""
        with read(self.engine) as connection:
            return preview(
                connection,
                journey,
                brief,
                self._moment(journey),
                rules=self.rules,
                secret=self.secret,
                journeys=self.journeys,
                shard_size=self.settings.shard_size,
            )

    def next_due_at(self, briefs: Mapping[str, Brief] | None = None) -> datetime | None:
        """The next instant at which a journey or a held message may want something; None when nothing will."""
        with read(self.engine) as connection:
            asked = [
                (journey, (briefs or {}).get(journey.name) or journey.brief(), self._moment(journey))
                for journey in self.journeys.values()
            ]
            return next_due_at(connection, asked, now=self.clock.now())

    def sample_renders(self, journey: Journey) -> list[SampleRender]:
        """Each step of `journey` rendered with its sample data; no real person in it."""
        steps = {f"{journey.name}/{step.name}": step.transactional for step in journey.steps}
        return sample_renders(self.library, steps, transactional=frozenset(name for name, yes in steps.items() if yes))

    def explain(self, who: str) -> RenderableType:
        """What the person behind an address, phone or profile id got, what not, and why, to print in a terminal.

        Holds personal data: never call it from a flow.
        """
        return explain_text(
            self.engine,
            who,
            until=self.clock.now(),
            journeys=self.journeys,
            home_zone=self.settings.home_zone,
            hash_address=self.hash_address,
        )

    def waiting(self) -> list[tuple[str, str, str, str | None, int]]:
        """Journey, step, state, reason and number of everything that is not settled yet."""
        with read(self.engine) as connection:
            return unsettled(connection)

    def revision(self) -> str | None:
        """The newest migration the database has."""
        return revision_of(self.engine)

    def pause(self, name: str, *, reason: str) -> None:
        """Put the brake on `all`, `journey:x`, `run:7`, `channel:sms` or `connector:smtp`.

        Raises ValueError with the choice for any other name.
        """
        brake.check_name(name, journeys=self.journeys, connectors=self._connector_names())
        with write(self.engine) as connection:
            brake.set_paused(connection, name, paused=True, reason=reason, now=self.clock.now())

    def resume(self, name: str) -> bool:
        """Let go of the brake on `name`; False where it was not on. Raises ValueError as `pause` does."""
        with write(self.engine) as connection:
            if name in brake.paused_names(connection):
                brake.set_paused(connection, name, paused=False, reason=None, now=self.clock.now())
                return True
        brake.check_name(name, journeys=self.journeys, connectors=self._connector_names())
        return False

    def standing_still(self) -> list[Standing]:
        """Everything the brake is on for, with the reason and since when."""
        with read(self.engine) as connection:
            return brake.standing_still(connection)

    # ------------------------------------------------------------ inside

    def _drain(self, scope: Scope, *, patience: float) -> DrainCount:
        """Drain, waiting up to `patience` seconds for buckets with work that somebody else leases."""
        done = DrainCount()
        end = time.monotonic() + patience
        while True:
            done += self.worker.drain(scope)
            if not self.worker.missed or time.monotonic() >= end:
                return done
            time.sleep(_BUSY_WAIT)

    def _settle_now_and_then(self) -> None:
        now = self.clock.now()
        # A clock that went back must not put it off until it has caught up.
        if self._settled_at is None or abs(now - self._settled_at) >= SETTLE_EVERY:
            self._settled_at = now
            self.settle_offers()

    def _print_connector(self) -> PrintConnector:
        connector = self.connectors.by_channel.get(Channel.PRINT)
        if not isinstance(connector, PrintConnector):
            raise ConfigurationError("no connector prints here; name one for `print` in SEGUE_CONNECTORS: print_insert")
        return connector

    def _connector_names(self) -> set[str]:
        """Installed or given; none is made for it, so that the brake works where a connector's settings are wrong."""
        given = self._given_connectors.by_channel.values() if self._given_connectors is not None else ()
        return {*installed_connectors(), *(one.name for one in given)}

    def _moment(self, journey: Journey) -> Moment:
        now = self.clock.now()
        with read(self.engine) as connection:
            live_from = connection.scalar(
                select(journey_state.c.live_from).where(journey_state.c.journey == journey.name)
            )
        wave = self.settings.pick_wave
        zone = ZoneInfo(self.settings.home_zone)
        return Moment(
            now=now,
            live_from=live_from if live_from is not None else now,
            pick_wave=PickWave(clock_time.fromisoformat(wave), zone) if wave else None,
        )

    def _journey(self, name: str) -> Journey:
        if name not in self.journeys:
            raise KeyError(f"there is no journey {name}; installed are {', '.join(sorted(self.journeys))}")
        return self.journeys[name]


@contextmanager
def open_segue(
    settings: Settings | None = None,
    clock: Clock | None = None,
    *,
    connectors: Connectors | None = None,
    probe: Probe = lambda _name: None,
) -> Iterator[Segue]:
    """Open the installation that `settings` describe (the environment's, if None).

    The clock is the machine's, or a standing one where the settings name an instant. `connectors` replaces
    the configured ones and `probe` is called at named points of a message's life: both are for tests and benches.
    """
    chosen = settings or load_settings()
    if clock is None:
        clock = VirtualClock(chosen.virtual_now) if chosen.virtual_now is not None else SystemClock()
    with Segue(chosen, clock, connectors=connectors, probe=probe) as segue:
        yield segue


def _run_of(connection: Connection, journey: Journey, brief: Brief, flow_run_id: str | None, now: datetime) -> int:
    """The run of `flow_run_id`, made if it is new; without one, always a new run."""
    row = {
        "journey": journey.name,
        "flow_run_id": flow_run_id,
        "brief": brief.model_dump(mode="json"),
        "started_at": now,
    }
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    made = connection.scalar(dialect.insert(run).values(row).on_conflict_do_nothing().returning(run.c.id))
    if made is None:
        made = connection.execute(select(run.c.id).where(run.c.flow_run_id == flow_run_id)).scalar_one()
    return int(made)


__all__ = [
    "FORMATS",
    "CodeCount",
    "DrainCount",
    "Hints",
    "ImportReport",
    "IntakeError",
    "MappingError",
    "OptionError",
    "PrintReport",
    "RunPlan",
    "SampleRender",
    "Segue",
    "Settled",
    "Shard",
    "Standing",
    "Summary",
    "files_of",
    "is_leaflet",
    "open_segue",
    "words",
]
