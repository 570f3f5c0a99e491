"""What a preview's messages would cost, about: the sample's text at each would-be reader's price.

Nothing is written for real people in a preview, so names and products are the sample's; a text of theirs may take a
segment more or less.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from segue.contract import Channel, Content, Key, Message, MessageConnector, PricedConnector, SmsContent
from segue.journeys.definition import Journey
from segue.outbox.bills import cost_of
from segue.outbox.summary import Spending
from segue.render import Library, TemplateError

#: Of a step's samples, the one that stands for all.
_MAIN = "sample"
_Place = tuple[str, str, str | None]


class Estimate:
    """Adds up would-be messages, one by one."""

    def __init__(
        self, library: Library, connectors: Mapping[Channel, MessageConnector], journey: Journey, *, now: datetime
    ) -> None:
        self._library = library
        self._connectors = connectors
        self._steps = {step.name: step for step in journey.steps}
        self._journey = journey.name
        self._now = now
        self._samples: dict[tuple[str, Channel], Content | None] = {}
        #: By step, channel and currency: messages, segments, millionths.
        self._sums: dict[_Place, tuple[int, int, int]] = {}

    def add(self, step: str, channel: Channel, address: str) -> None:
        """Count one would-be message; what has no price and no segments is left out."""
        connector = self._connectors.get(channel)
        priced = connector if isinstance(connector, PricedConnector) else None
        if priced is None and channel is not Channel.SMS:
            return
        content = self._sample(step, channel)
        if content is None:
            return
        one = Message(key=Key("preview"), channel=channel, address=address, content=content, at=self._now)
        cost = cost_of(priced, one)
        segments = content.segments if isinstance(content, SmsContent) else 0
        if cost is None and not segments:
            return
        place = (step, channel.value, None if cost is None else cost.currency)
        messages, parts, micros = self._sums.get(place, (0, 0, 0))
        self._sums[place] = (messages + 1, parts + segments, micros + (0 if cost is None else cost.micros))

    def spendings(self) -> tuple[Spending, ...]:
        """The sums, by step, channel and currency."""
        return tuple(
            Spending(
                step=step,
                channel=channel,
                messages=messages,
                segments=segments or None,
                micros=None if currency is None else micros,
                currency=currency,
            )
            for (step, channel, currency), (messages, segments, micros) in sorted(
                self._sums.items(), key=lambda one: (one[0][0], one[0][1], one[0][2] or "")
            )
        )

    def _sample(self, step: str, channel: Channel) -> Content | None:
        """The sample's message; None where the template has none to offer, as the samples on the page then tell."""
        place = (step, channel)
        if place not in self._samples:
            try:
                about = self._steps[step]
                template = self._library.step(f"{self._journey}/{about.template}", transactional=about.transactional)
                words = template.samples().get(_MAIN)
                if words is not None and about.shows is not None:
                    words = dict(about.shows(words))
                self._samples[place] = None if words is None else template.content(channel, words, message_id=0)
            except TemplateError:
                self._samples[place] = None
        return self._samples[place]
