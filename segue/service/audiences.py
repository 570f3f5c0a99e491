"""The verbs of ad audiences: mirror them, show what a sync would do, lay out the feed, say who is in and why."""

from __future__ import annotations

import logging

from rich.console import Group, RenderableType

from segue.audiences import AudienceReport, AudienceSync, FeedReport, feed_items, standings
from segue.audiences.asking import audience_brakes
from segue.audiences.rule import Judge
from segue.contract import AudienceConnector, CatalogueConnector, ConfigurationError, ConnectorError
from segue.gallery.audiences import audiences_text
from segue.journeys.retargeting import JOURNEY, RetargetingBrief
from segue.outbox.brake import paused_names
from segue.outbox.explain import explain
from segue.render import BrandError, load_brand
from segue.service.asking import AskVerbs
from segue.store.engine import read

_LOG = logging.getLogger(__name__)


class AudienceVerbs(AskVerbs):
    """Audiences at ad platforms."""

    def sync_audiences(self, brief: RetargetingBrief) -> AudienceReport:
        """Bring every audience at every platform in line with who belongs in it.

        Safe to repeat, in several processes at once (one of them works, the others say `busy`) and after any crash.
        A platform's trouble is told in its line, and left for the next sync. Raises ConfigurationError where
        no ad platform is named.
        """
        return self._audience_sync().sync(self._moment(JOURNEY), brief)

    def preview_audiences(self, brief: RetargetingBrief) -> AudienceReport:
        """Who would be in which audience and why others would not; writes nothing and asks no platform."""
        return self._audience_sync().preview(self._moment(JOURNEY), brief)

    def write_feed(self, sales_channel: str) -> FeedReport:
        """Give what `sales_channel` lists to each platform that takes a product feed.

        A platform's trouble is told, and neither stops the others nor raises. What pauses removals pauses the feed.
        """
        written: dict[str, int] = {}
        problems: dict[str, str] = {}
        for name, connector in self._platforms().items():
            if not isinstance(connector, CatalogueConnector):
                continue
            try:
                with read(self.engine) as connection:
                    if standing := audience_brakes(name) & paused_names(connection):
                        problems[name] = f"paused: {', '.join(sorted(standing))}"
                        continue
                    brand = load_brand(self.settings.brand)
                    items = feed_items(
                        connection,
                        self.clock.now(),
                        sales_channel=sales_channel,
                        page=brand.page,
                        picture=brand.picture,
                        brand=brand.name,
                    )
                    written[name] = connector.publish_feed(items)
            except (ConnectorError, BrandError) as error:
                problems[name] = str(error)
            except Exception as error:  # noqa: BLE001 - whatever a connector raises, the other feeds go on
                problems[name] = f"failed with {type(error).__name__}"
                _LOG.error("the product feed at %s %s", name, problems[name])
        return FeedReport(rows=written, trouble=problems)

    def explain(self, who: str) -> RenderableType:
        """What the person behind an address, phone or profile id got, what not, and why, to print in a terminal.

        Holds personal data: never call it from a flow.
        """
        told = super().explain(who)
        with read(self.engine) as connection:
            found = [person.profile_id for person in explain(connection, who)]
            if not found:
                return told
            moment = self._moment(JOURNEY)
            stand = standings(connection, found, moment, RetargetingBrief(), Judge.of(self.rules, self.secret))
        return Group(told, audiences_text(stand))

    def _audience_sync(self) -> AudienceSync:
        self.check_secret()
        return AudienceSync(
            self.engine,
            connectors=self._platforms(),
            judge=Judge.of(self.rules, self.secret),
            clock=self.clock,
            probe=self._probe,
        )

    def _platforms(self) -> dict[str, AudienceConnector]:
        platforms = dict(self.connectors.audiences)
        if not platforms:
            raise ConfigurationError(
                "no connector keeps audiences here; name one or more for `audience` in SEGUE_CONNECTORS, e.g."
                " audiences_csv"
            )
        return platforms
