"""The brake: let everything, a journey, a channel or a connector stand still, or go on; stop one run for good.

It is in force before the next batch leaves, in every worker.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import Field, field_validator

from flows.choices import chosen, drop_down
from flows.errors import FlowError, without_personal_data
from flows.typed import WORDS, Form, shown
from segue.service import Standing, brake_choices, open_segue, words

EVERYTHING: Final = "Everything"


def _label(name: str) -> str:
    kind, _, one = name.partition(":")
    if not one:
        return EVERYTHING
    told = words.channel(one) if kind == "channel" else one if kind == "connector" else words.title(one)
    return f"{kind.capitalize()}: {told}"


#: What the drop-down shows -> what the brake calls it.
NAMES: Final = {_label(name): name for name in brake_choices()}


class Action(StrEnum):
    """What to do. The values are what the form's drop-down shows."""

    PAUSE = "Pause: nothing leaves from the next batch on"
    RESUME = "Resume: what waits leaves again"


class BrakeForm(Form, title="Pause or resume"):
    """Nothing is lost by a pause: what waits leaves later, or is left out once its moment has passed."""

    action: Action = Field(
        Action.PAUSE, title="What should happen", description="In force before the next batch leaves."
    )
    what: str = Field(
        EVERYTHING,
        title="To what",
        description="Everything, one journey, one channel, or one provider.",
        json_schema_extra=drop_down(NAMES),
    )
    why: str = Field(
        "",
        title="Why",
        max_length=200,
        pattern=WORDS,
        description="Shown to everybody who asks why nothing leaves. No names of customers, please.",
    )

    @field_validator("what")
    @classmethod
    def _is_known(cls, value: str) -> str:
        return chosen(value, NAMES)


class StopForm(Form, title="Stop a run"):
    """For good: a stopped run is never resumed. Whoever was left out by it may be reached by a new one."""

    run: int = Field(
        ..., ge=1, title="Number of the run", description="It stands at the top of the run's page: run 7 is 7."
    )
    why: str = Field(
        "", title="Why", max_length=200, pattern=WORDS, description="Shown beside the run. No names, please."
    )


@flow(name="pause-or-resume")
def pause_or_resume(brief: BrakeForm = BrakeForm()) -> int:  # noqa: B008 - frozen
    """Pull the brake or let go of it. Returns how many things stand still afterwards."""
    name = NAMES[brief.what]
    with without_personal_data("The brake"), open_segue() as segue:
        if brief.action is Action.PAUSE:
            segue.pause(name, reason=brief.why or "somebody paused it in Prefect")
            said = f"{brief.what} stands still."
        else:
            said = f"{brief.what} goes on." if segue.resume(name) else f"{brief.what} was not paused."
        standing = segue.standing_still()
    create_table_artifact(
        [_row(one) for one in standing] or [{"What stands still": "Nothing"}], key="brake", description=said
    )
    return len(standing)


@flow(name="stop-a-run")
def stop_a_run(brief: StopForm) -> int:
    """Stop a run for good. Returns how many of its messages were kept from leaving."""
    with without_personal_data("Stopping a run"), open_segue() as segue:
        try:
            stopped = segue.stop_run(brief.run, reason=brief.why or "somebody stopped it in Prefect")
        except LookupError as error:
            raise FlowError(str(error.args[0])) from None
    said = (
        f"# {words.title(stopped.journey)}: run {brief.run} is stopped\n\n"
        f"**{stopped.taken:,} messages were kept from leaving.** {stopped.gone:,} had left before"
        f"{f', {stopped.leaving:,} were leaving at this moment' if stopped.leaving else ''}.\n\n"
        f"{_paper(stopped.unprinted, stopped.printing)}"
        f"{_unknown(stopped.unknown - stopped.printing)}"
        "A stopped run is never resumed. Whoever was left out is due again only for a new occasion."
    )
    create_markdown_artifact(said, key="stopped-run", description=f"Run {brief.run} is stopped")
    return stopped.taken


def _paper(unprinted: int, printing: int) -> str:
    said = ""
    if unprinted:
        said += f"{unprinted:,} of those kept back were spooled cards: no print run will print them.\n\n"
    if printing:
        said += (
            f"**Of {printing:,} cards nobody knows whether they were printed:** their print run was begun and has not"
            " said that it is through. They count as uncertain; it will not print them again.\n\n"
        )
    return said


def _unknown(messages: int) -> str:
    if not messages:
        return ""
    return (
        f"**Of {messages:,} more nobody knows whether they arrived:** they left once without an answer and were to be"
        " tried again. They count as uncertain; news from the provider settles them.\n\n"
    )


def _row(one: Standing) -> dict[str, str]:
    label = next((label for label, name in NAMES.items() if name == one.name), one.name.replace(":", " "))
    return {"What stands still": label, "Why": shown(one.reason), "Since": f"{one.since:%Y-%m-%d %H:%M} UTC"}
