"""What every verb stands on: an installation, and the moment at which a journey is asked."""

from __future__ import annotations

from functools import cached_property

from segue.contract import Channel, ConfigurationError, PrintConnector
from segue.installation import Installation
from segue.journeys.definition import Journey, Moment
from segue.outbox.connectors import installed_connectors, keeps_a_spool
from segue.outbox.hashes import hash_address
from segue.outbox.moments import Moments
from segue.store.engine import read


class Desk(Installation):
    """An installation that can be asked about its journeys and connectors."""

    def hash_address(self, address: str) -> str:
        """The keyed hash under which an address is suppressed."""
        return hash_address(address, self.secret)

    @cached_property
    def _moments(self) -> Moments:
        return Moments(self.settings)

    def _moment(self, journey: Journey) -> Moment:
        with read(self.engine) as connection:
            return self._moments.of(connection, journey.name, self.clock.now())

    def _journey(self, name: str) -> Journey:
        if name not in self.journeys:
            known = ", ".join(sorted(self.journeys))
            raise KeyError(f"there is no journey {name}; installed are {known}. A new one needs `make install`")
        return self.journeys[name]

    def _connector_names(self) -> set[str]:
        """Installed or given; none is made for it, so that the brake works where a connector's settings are wrong."""
        given = self._given_connectors.by_channel.values() if self._given_connectors is not None else ()
        return {*installed_connectors(), *(one.name for one in given)}

    def _keeps_a_spool(self, name: str) -> bool:
        """True where the connector `name` prints only when a print run asks; none is made for it."""
        given = self._given_connectors.by_channel.values() if self._given_connectors is not None else ()
        return keeps_a_spool(name) or any(one.name == name and isinstance(one, PrintConnector) for one in given)

    def _print_connector(self) -> PrintConnector:
        connector = self.connectors.by_channel.get(Channel.PRINT)
        if not isinstance(connector, PrintConnector):
            raise ConfigurationError("no connector prints here; name one for `print` in SEGUE_CONNECTORS: print_insert")
        return connector
