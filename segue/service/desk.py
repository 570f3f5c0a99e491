"""What every verb stands on: an installation, and the moment at which a journey is asked."""

from __future__ import annotations

from datetime import time as clock_time
from zoneinfo import ZoneInfo

from sqlalchemy import select

from segue.contract import Channel, ConfigurationError, PrintConnector
from segue.installation import Installation
from segue.journeys.definition import Journey, Moment
from segue.journeys.waves import PickWave
from segue.outbox.connectors import installed_connectors
from segue.outbox.frame import hash_address
from segue.store.engine import read
from segue.store.tables import journey_state


class Desk(Installation):
    """An installation that can be asked about its journeys and connectors."""

    def hash_address(self, address: str) -> str:
        """The keyed hash under which an address is suppressed."""
        return hash_address(address, self.secret)

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

    def _connector_names(self) -> set[str]:
        """Installed or given; none is made for it, so that the brake works where a connector's settings are wrong."""
        given = self._given_connectors.by_channel.values() if self._given_connectors is not None else ()
        return {*installed_connectors(), *(one.name for one in given)}

    def _print_connector(self) -> PrintConnector:
        connector = self.connectors.by_channel.get(Channel.PRINT)
        if not isinstance(connector, PrintConnector):
            raise ConfigurationError("no connector prints here; name one for `print` in SEGUE_CONNECTORS: print_insert")
        return connector
