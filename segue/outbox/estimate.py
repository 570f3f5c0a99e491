"""What a preview's messages would cost, about: the sample's text as each would-be reader reads it, at her price.

Nothing is written for real people in a preview, so names and products are the sample's. What decides the parts of a
text is hers: her language, how dates read there, whether we know her name and whether its letters are those of GSM-7.
One text a group of people alike in all of that; a text of theirs may still take a segment more or less.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from segue.contract import Channel, Content, Key, Message, MessageConnector, PricedConnector, SmsContent
from segue.journeys.definition import Journey, Step
from segue.outbox.bills import cost_of
from segue.outbox.pace import size_of
from segue.outbox.summary import Spending
from segue.render import Library, StepTemplate, TemplateError, segments
from segue.render.voice import known_locale, language_of

#: Of a step's samples, the one that stands for all.
_MAIN = "sample"
#: A name with a letter outside GSM-7, in the place of any such name.
_FOREIGN_NAME = "Chloë"
_Place = tuple[str, str, str | None]


class Reader(NamedTuple):
    """What is known of a would-be reader and changes how long her message is."""

    locale: str | None
    zone: str | None
    first_name: str | None


class _Kind(NamedTuple):
    """Readers whose texts differ in their names and things alone."""

    #: As the template tells locales apart; None where it does not speak her language, so that the brand's is used.
    locale: str | None
    zone: str | None
    is_named: bool
    #: Her name costs: one letter outside GSM-7 halves the room of a part.
    has_foreign_letters: bool


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
        self._templates: dict[str, tuple[StepTemplate, Mapping[str, Any]] | None] = {}
        self._locales: dict[tuple[str, str | None], str | None] = {}
        self._samples: dict[tuple[str, Channel, _Kind], Content | None] = {}
        #: By step, channel and currency: messages, segments, millionths.
        self._sums: dict[_Place, tuple[int, int, int]] = {}

    def add(self, step: str, channel: Channel, address: str, reader: Reader) -> None:
        """Count one would-be message; what has no price and no segments is left out."""
        connector = self._connectors.get(channel)
        priced = connector if isinstance(connector, PricedConnector) else None
        if priced is None and channel is not Channel.SMS:
            return
        content = self._sample(step, channel, reader)
        if content is None:
            return
        one = Message(key=Key("preview"), channel=channel, address=address, content=content, at=self._now)
        cost = cost_of(priced, one)
        parts = content.segments if isinstance(content, SmsContent) else 0
        if cost is None and not parts:
            return
        place = (step, channel.value, None if cost is None else cost.currency)
        messages, all_parts, micros = self._sums.get(place, (0, 0, 0))
        self._sums[place] = (messages + 1, all_parts + parts, micros + (0 if cost is None else cost.micros))

    def size(self, step: str, channel: Channel, reader: Reader) -> int:
        """What one would-be message takes of its connector's pace."""
        return size_of(self._sample(step, channel, reader)) if channel is Channel.SMS else 1

    def spendings(self) -> tuple[Spending, ...]:
        """The sums, by step, channel and currency."""
        return tuple(
            Spending(
                step=step,
                channel=channel,
                messages=messages,
                segments=parts or None,
                micros=None if currency is None else micros,
                currency=currency,
            )
            for (step, channel, currency), (messages, parts, micros) in sorted(
                self._sums.items(), key=lambda one: (one[0][0], one[0][1], one[0][2] or "")
            )
        )

    def _sample(self, step: str, channel: Channel, reader: Reader) -> Content | None:
        """The sample's message to such a reader; None where the template has none, as the samples on the page tell."""
        if step not in self._templates:
            self._templates[step] = self._template(self._steps[step])
        found = self._templates[step]
        if found is None:
            return None
        template, words = found
        name = reader.first_name or ""
        kind = _Kind(self._locale(step, template, reader.locale), reader.zone, bool(name), segments(name)[0] != "GSM-7")
        place = (step, channel, kind)
        if place not in self._samples:
            try:
                self._samples[place] = template.content(channel, _said_to(kind, words), message_id=0)
            except TemplateError:
                self._samples[place] = None
        return self._samples[place]

    def _template(self, step: Step) -> tuple[StepTemplate, Mapping[str, Any]] | None:
        """A step's template and the words of its sample."""
        try:
            template = self._library.step(f"{self._journey}/{step.template}", transactional=step.transactional)
        except TemplateError:
            return None
        words = template.samples().get(_MAIN)
        if words is None:
            return None
        return template, words if step.shows is None else step.shows(words)

    def _locale(self, step: str, template: StepTemplate, locale: str | None) -> str | None:
        """`de-DE` of `de_de`; None where the template says it in the brand's language, whichever hers is."""
        if (step, locale) not in self._locales:
            is_spoken = locale is not None and language_of(locale) in template.languages
            self._locales[step, locale] = known_locale(locale) if locale is not None and is_spoken else None
        return self._locales[step, locale]


def _said_to(kind: _Kind, words: Mapping[str, Any]) -> dict[str, Any]:
    """A sample's words for such readers."""
    sample = words.get("profile", {})
    name = sample.get("first_name") or "Sarah"
    name = None if not kind.is_named else _FOREIGN_NAME if kind.has_foreign_letters else name
    return {**words, "profile": {**sample, "first_name": name, "locale": kind.locale, "zone": kind.zone}}
