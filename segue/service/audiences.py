"""The verbs of ad audiences: mirror them, show what a sync would do, lay out the feed, say who is in and why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from segue.audiences.feed import feed_items
from segue.audiences.report import AudienceReport, FeedReport
from segue.audiences.usual import UnusualAudience, unusual_audiences
from segue.contract import Channel, ConnectorError
from segue.journeys.retargeting import JOURNEY, RetargetingBrief
from segue.outbox.brake import paused_names
from segue.outbox.connectors import FEED_FILE
from segue.render import Brand, BrandError, Tags, load_brand, tagged
from segue.service.asking import AskVerbs
from segue.store.engine import read

if TYPE_CHECKING:
    from segue.audiences.sync import AudienceSync

_LOG = logging.getLogger(__name__)


class AudienceVerbs(AskVerbs):
    """Audiences at ad platforms."""

    def sync_audiences(self, brief: RetargetingBrief) -> AudienceReport:
        """Bring every audience at every platform in line with who belongs in it.

        Safe to repeat, in several processes at once (one of them works, the others say `busy`) and after any crash.
        A platform's trouble is told in its line, and left for the next sync. Where no ad platform is named, there is
        nothing to do.
        """
        return self._audience_sync().sync(self._moment(JOURNEY), brief)

    def preview_audiences(self, brief: RetargetingBrief) -> AudienceReport:
        """Who would be in which audience and why others would not; writes nothing and asks no platform."""
        return self._audience_sync().preview(self._moment(JOURNEY), brief)

    def unusual_audiences(self) -> list[UnusualAudience]:
        """The audiences that grew to three times their people within 24 hours, or lost two thirds of them."""
        with read(self.engine) as connection:
            return unusual_audiences(connection, self.clock.now())

    def write_feed(self, sales_channel: str) -> FeedReport:
        """Lay out what `sales_channel` lists, as a file and for each platform that takes a product feed.

        Its links are tagged: a visit through an ad is booked under retargeting, and under the platform where only one
        reads the feed. A platform's trouble is told, and neither stops the others nor raises. What pauses removals
        pauses the feed.
        """
        from segue.audiences.asking import audience_brakes

        written: dict[str, int] = {}
        problems: dict[str, str] = {}
        for name, connector in self.connectors.feeds.items():
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
                        page=_tagged_pages(brand, self._feed_tags(name)),
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

    def _audience_sync(self) -> AudienceSync:
        from segue.audiences.rule import Judge
        from segue.audiences.sync import AudienceSync

        self.check_secret()
        return AudienceSync(
            self.engine,
            connectors=self.connectors.audiences,
            judge=Judge.of(self.rules, self.secret),
            clock=self.clock,
            probe=self._probe,
        )

    def _feed_tags(self, feed: str) -> Tags:
        """What visits through the feed of this name are booked under."""
        platforms = set(self.connectors.audiences) - {FEED_FILE}
        readers = platforms if feed == FEED_FILE else {feed}
        tags = Tags(Channel.AUDIENCE, campaign=JOURNEY.name, content="feed")
        return replace(tags, source=readers.pop()) if len(readers) == 1 else tags


def _tagged_pages(brand: Brand, tags: Tags) -> Callable[[str], str]:
    return lambda path: tagged(brand.page(path), tags.query)
