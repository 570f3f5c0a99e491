"""Mirrors audiences at ad platforms: judge, write down the difference, ask for it, write down the answers.

A row stands in our books before anything leaves, and stays open until the platform answered; whoever comes after a
crash asks again, which platforms take as once. Removals come first, and while one is open nobody is added who shares
an address with her. One sync at a time, under a lease; the brake is asked before every request.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Container, Mapping
from datetime import timedelta

from sqlalchemy import Engine

from segue.audiences.asking import BUCKET, Tools
from segue.audiences.mirror import Mirror
from segue.audiences.report import AudienceReport
from segue.audiences.rule import Judge
from segue.clock import Clock
from segue.contract import AudienceConnector
from segue.journeys.definition import Moment
from segue.journeys.retargeting import AUDIENCES, RetargetingBrief
from segue.outbox.lease import Leases
from segue.store.bulk import insert_new
from segue.store.engine import write
from segue.store.tables import lease

#: A platform may take minutes over a request; a sync that was killed is followed by another one after this long.
LEASE = timedelta(minutes=5)

#: An audience at a platform: the connector's name, and the audience's.
Place = tuple[str, str]
Entering = Mapping[Place, Container[int]]
"""Who may be added to each audience that is not in it yet."""


class AudienceSync:
    """One process's syncs."""

    def __init__(
        self,
        engine: Engine,
        *,
        connectors: Mapping[str, AudienceConnector],
        judge: Judge,
        clock: Clock,
        probe: Callable[[str], None] = lambda _name: None,
        lease_ttl: timedelta = LEASE,
    ) -> None:
        self._engine = engine
        self._connectors = connectors
        self._leases = Leases(engine, f"audiences-{uuid.uuid4().hex}", lease_ttl)
        self._tools = Tools(
            engine=engine,
            judge=judge,
            clock=clock,
            leases=self._leases,
            probe=probe,
            patience=lease_ttl.total_seconds() / 2,
        )

    def sync(
        self,
        moment: Moment,
        brief: RetargetingBrief,
        may_enter: Entering | None = None,
        *,
        stopped: Mapping[Place, Collection[int]] | None = None,
        brake: str | None = None,
    ) -> AudienceReport:
        """Bring every audience at every platform in line; what cannot be done now is left for the next sync.

        `may_enter` are the only people who may be added to an audience that they are not in; None: whoever belongs in.
        Removals go on whatever it says. `stopped` are those whom a run was to add that was stopped since: what is open
        of it is taken back. `brake` keeps people from being added as soon as it is on.
        """
        with write(self._engine) as connection:
            insert_new(connection, lease, [{"bucket": BUCKET}], ["bucket"])
        if not self._leases.claim({BUCKET}):
            return AudienceReport(preview=False, lines=(), busy=True)
        try:
            lines = [mirror.run(moment, brief) for mirror in self._mirrors(may_enter, stopped, brake)]
        finally:
            self._leases.release()
        return AudienceReport(preview=False, lines=tuple(lines))

    def preview(
        self, moment: Moment, brief: RetargetingBrief, keep: Callable[[Place, list[int]], None] = lambda *_: None
    ) -> AudienceReport:
        """Judge everybody, and count what a sync would ask for; writes nothing and asks no platform.

        `keep` is told of each audience who would be added that is not in it.
        """
        lines = []
        for mirror in self._mirrors():
            lines.append(mirror.preview(moment, brief))
            keep((lines[-1].connector, lines[-1].audience), mirror.fresh)
        return AudienceReport(preview=True, lines=tuple(lines))

    def _mirrors(
        self,
        may_enter: Entering | None = None,
        stopped: Mapping[Place, Collection[int]] | None = None,
        brake: str | None = None,
    ) -> list[Mirror]:
        return [
            Mirror(
                self._tools,
                rule,
                connector,
                may_enter=None if may_enter is None else may_enter.get((connector.name, rule.name), frozenset()),
                stopped=(stopped or {}).get((connector.name, rule.name), ()),
                brake=brake,
            )
            for connector in self._connectors.values()
            for rule in AUDIENCES
        ]
