"""The verbs of test sends: who gets them, and sending one. What they return holds labels and counts, no address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from segue.contract import Channel
from segue.journeys.definition import Brief, Journey, Step
from segue.outbox.trial import CHANNELS, TrialLine, send_trial
from segue.render.samples import MAIN, abroad
from segue.service.desk import Desk
from segue.service.offered import templates_of
from segue.settings import load_settings
from segue.store.bulk import insert_new
from segue.store.engine import read, write
from segue.store.tables import seed, test_send

if TYPE_CHECKING:
    from segue.render import StepTemplate

#: A label is shown in Prefect; this is what an address in it would look like.
_ADDRESS = re.compile(r"@|\d(?:[\s().-]?\d){5,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedLine:
    """A colleague who gets test messages, without her address."""

    id: int
    label: str
    channel: str


def trial_choices() -> tuple[str, ...]:
    """Every template that can be sent as a test, as `journey/folder`: the journeys' own, and what a shop added."""
    found: list[str] = []
    for point in sorted(entry_points(group="segue.journeys"), key=lambda one: one.name):
        found += [name for name, step in _folders(point.load()).items() if set(CHANNELS) & set(step.channels)]
    return tuple(found)


def _folders(journey: Journey) -> dict[str, Step]:
    """A journey's template folders; where a brief may choose one, those that lie beside them count, too."""
    folders = journey.folders()
    choosing = next((step for step in journey.steps if step.templates), None)
    if choosing is None:
        return folders
    return folders | {
        f"{journey.name}/{one}": choosing
        for one in templates_of(journey.name)
        if f"{journey.name}/{one}" not in folders
    }


def sample_choices() -> tuple[str, ...]:
    """The name of every sample that some template has; the one that all have comes first."""
    found = {file.stem for file in load_settings().templates.glob("*/*/sample*.json")}
    return ("sample", *sorted(found - {"sample"}))


class TrialVerbs(Desk):
    """Seeds, and messages to them."""

    def add_seed(self, label: str, channel: str, address: str) -> SeedLine:
        """Let a colleague get test messages; an address that is there already gets the new label.

        Raises ValueError, without the address, for one that is none, and for a label that shows one.
        """
        from segue.intake.errors import BadValueError
        from segue.intake.values import parse_email, parse_phone

        label = " ".join(label.split())
        if not label or len(label) > 60 or _ADDRESS.search(label):
            raise ValueError("a label is shown where addresses are not: give a short name, e.g. Anna's phone")
        if channel not in CHANNELS:
            raise ValueError(f"test messages go by {' or '.join(CHANNELS)}; choose one of them")
        try:
            known = parse_email(address) if channel == Channel.EMAIL else parse_phone(address)
        except BadValueError:
            wanted = "an e-mail address" if channel == Channel.EMAIL else "a phone number with its +"
            raise ValueError(f"that is not {wanted}; correct it") from None
        with write(self.engine) as connection:
            row = {"label": label, "channel": channel, "address": known, "created_at": self.clock.now()}
            insert_new(connection, seed, [row], ["channel", "address"])
            mine = (seed.c.channel == channel) & (seed.c.address == known)
            connection.execute(seed.update().where(mine).values(label=label))
            number = connection.execute(select(seed.c.id).where(mine)).scalar_one()
        return SeedLine(id=number, label=label, channel=channel)

    def remove_seed(self, seed_id: int) -> None:
        """Forget a seed and what was sent to it; raises KeyError where there is none of this number."""
        with write(self.engine) as connection:
            connection.execute(delete(test_send).where(test_send.c.seed_id == seed_id))
            if not connection.execute(delete(seed).where(seed.c.id == seed_id)).rowcount:
                raise KeyError(f"there is no seed {seed_id}; `segue seeds` lists them")

    def seeds(self) -> list[SeedLine]:
        """Everybody who gets test messages, in order of entry."""
        with read(self.engine) as connection:
            rows = connection.execute(select(seed.c.id, seed.c.label, seed.c.channel).order_by(seed.c.id))
            return [SeedLine(id=row.id, label=row.label, channel=row.channel) for row in rows]

    def test_send(
        self, journey: str, step: str, *, sample: str = "sample", language: str | None = None
    ) -> list[TrialLine]:
        """Send a step's sample to every seed of its channels, marked as a test; return what became of each.

        `step` is a step or, where it has several, one of its template's folders. `language` is a code such as `de`:
        as somebody who reads it would get it; None: as the sample says. Outside all statistics, repeatable.
        Raises KeyError with the choice for what there is not, ValueError where there is no seed to send to.
        """
        folders = _folders(self._journey(journey))
        found = folders.get(f"{journey}/{step}")
        if found is None:
            named = next((one for one in self._journey(journey).steps if one.name == step), None)
            if named is None:
                raise KeyError(f"{journey} has no step {step}; it has {', '.join(sorted(folders))}")
            found, step = named, named.template
        template = self.library.step(f"{journey}/{step}", transactional=found.transactional)
        return _somebody(self._tried(template, sample=sample, language=language, channels=CHANNELS))

    def test_words(self, journey: Journey, brief: Brief, *, language: str | None = None) -> list[TrialLine]:
        """Send what `brief` says, filled with each step's main sample, to every seed of the channels it asks for.

        Nothing is chosen, promised or frozen, so it needs no yes and leaves no run. Raises as `test_send` does.
        """
        steps = [step for step in journey.under(brief).steps if set(CHANNELS) & set(step.channels)]
        if not steps:
            raise ValueError(
                f"{journey.title} has no mail and no text to test: cards are not mailed; a preview shows them"
            )
        lines: list[TrialLine] = []
        for step in steps:
            template = self.library.step(f"{journey.name}/{step.template}", transactional=step.transactional)
            lines += self._tried(template, language=language, channels=step.channels, shows=step.shows)
        return _somebody(lines)

    def _tried(
        self,
        template: StepTemplate,
        *,
        sample: str = MAIN,
        language: str | None,
        channels: Collection[Channel],
        shows: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> list[TrialLine]:
        samples = template.samples()
        if sample not in samples:
            raise KeyError(f"{template.name} has no sample {sample}; it has {', '.join(samples)}")
        if language is not None and language not in template.languages:
            raise KeyError(
                f"{template.name} does not speak {language}; it speaks {', '.join(sorted(template.languages))}"
            )
        words: Mapping[str, Any] = samples[sample]
        if language is not None:
            words = abroad(words, language)
        return send_trial(
            self.engine,
            template,
            words if shows is None else shows(words),
            channels=channels,
            connectors=self.connectors.by_channel,
            journals=self.settings.home / "journals",
            now=self.clock.now(),
        )

    def tests_sent(self) -> dict[str, int]:
        """How many test messages were ever sent, by what became of them."""
        with read(self.engine) as connection:
            return dict(Counter(connection.scalars(select(test_send.c.state))))


def _somebody(lines: list[TrialLine]) -> list[TrialLine]:
    if not lines:
        raise ValueError("nobody gets test messages on these channels yet; `segue seeds add` on the machine names some")
    return lines
