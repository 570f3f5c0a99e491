"""A journey's part of the gallery: everything its pages tell, read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from segue.gallery import words
from segue.gallery.chart import sum_chart
from segue.gallery.considered import Considered, considered, days_of
from segue.gallery.days import Day, day_chart
from segue.gallery.site import day_page, people_page
from segue.gallery.slices import Slice, groups_of, steps_of
from segue.journeys.definition import Journey
from segue.outbox.report import summary_of
from segue.outbox.summary import Summary
from segue.store.tables import journey_state

#: Widths of a chart on a desk and on a phone, in CSS pixels; the page shows the one that fits.
_CHART_WIDTHS: Final = (920, 340)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """One sum with its chart: of a step, or of the whole journey where `step` is None."""

    step: str | None
    channels: tuple[str, ...]
    whole: Slice
    groups: tuple[Slice, ...]
    #: The same chart as SVG, wide and narrow.
    charts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A journey that considered anybody."""

    journey: Journey
    summary: Summary
    #: Those that considered anybody, in the journey's order.
    steps: tuple[str, ...]
    rows: tuple[Considered, ...]
    days: tuple[Day, ...]
    since: datetime
    until: datetime

    @property
    def kind(self) -> str:
        """What its occasions are: the journey's own word for them, else `cart`."""
        return self.journey.name if self.journey.name in words.OCCASIONS else self.rows[0].occasion.partition(":")[0]

    @property
    def sent_on(self) -> tuple[str, ...]:
        """The channels on which anything left, in the steps' order of preference."""
        named = [channel.value for step in self.journey.steps for channel in step.channels]
        return tuple(dict.fromkeys(one for one in named if any(one in day.sent for day in self.days)))

    def slice(self, step: str | None = None, group: str | None = None) -> Slice:
        """A slice of this journey."""
        return Slice(journey=self.journey.name, step=step, group=group)

    def channels(self, step: str | None) -> tuple[str, ...]:
        """The channels of a step; none for a step that is no longer in the journey."""
        found = (s.channels for s in self.journey.steps if s.name == step)
        return tuple(channel.value for channel in next(found, ()))

    def title_of(self, chosen: Slice) -> str:
        """A slice in words: `Reminder, left out: never agreed to marketing e-mail`."""
        what = words.step(chosen.step) if chosen.step else self.journey.title
        title = f"{what}, {words.group(chosen.group).lower() if chosen.group else 'everybody considered'}"
        if chosen.reason is None:
            return title
        return f"{title}: {words.reason(chosen.reason, self.channels(chosen.step)) or 'no reason given'}"

    def sum(self, step: str | None) -> Sum:
        """The sum of a step, or of all where `step` is None, with its chart."""
        channels = self.channels(step)
        return Sum(
            step=step,
            channels=channels,
            whole=self.slice(step),
            groups=tuple(groups_of(self.summary, step)),
            charts=tuple(
                sum_chart(self.summary, step=step, channels=channels, link=people_page, width=width)
                for width in _CHART_WIDTHS
            ),
        )

    def sums(self) -> Iterator[Sum]:
        """The sum of each step."""
        return (self.sum(step) for step in self.steps)

    def day_charts(self) -> list[str]:
        """The chart of days, wide and narrow."""
        name = self.journey.name
        return [
            day_chart(self.days, link=lambda day, what: day_page(name, day, what), width=width)
            for width in _CHART_WIDTHS
        ]


def read_chapters(connection: Connection, journeys: Sequence[Journey], *, zone: str, until: datetime) -> list[Chapter]:
    """A chapter for each journey that considered anybody; days are those of `zone`."""
    chapters = []
    for journey in journeys:
        summary = summary_of(connection, journey=journey.name, run_id=None)
        if not summary.considered:
            continue
        rows = tuple(considered(connection, journey.name))
        steps = tuple(steps_of(summary, [step.name for step in journey.steps]))
        since = connection.scalar(select(journey_state.c.live_from).where(journey_state.c.journey == journey.name))
        chapters.append(
            Chapter(
                journey=journey,
                summary=summary,
                steps=steps,
                rows=rows,
                days=tuple(days_of(rows, first_step=steps[0], zone=zone, until=until)),
                since=since or rows[0].promised_at,
                until=until,
            )
        )
    return chapters
