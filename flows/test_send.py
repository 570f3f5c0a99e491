"""Test send: a template's sample to the seed list, clearly marked, outside all statistics, as often as wanted."""

from __future__ import annotations

from typing import Final

from prefect import flow
from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict, Field, field_validator

from flows.choices import chosen, drop_down
from flows.errors import FlowError, without_personal_data
from segue.service import TrialLine, open_segue, trial_choices, words

_REASONS: Final = {
    "paused": "the brake is on",
    "pace": "the provider takes no more in this second: try again",
    "no_connector": "no connector serves this channel",
}


def _label(name: str) -> str:
    journey, _, folder = name.partition("/")
    return f"{words.title(journey)}: {words.step(folder)}"


#: What the drop-down shows -> `journey/folder`.
TEMPLATES: Final = {_label(name): name for name in trial_choices()}


class TestForm(BaseModel):
    """Sample data only. Who gets it is named on the machine, by `segue seeds add`: no address is typed here."""

    __test__ = False  # for pytest, which takes every Test for one

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, title="Test send")

    template: str = Field(
        ...,
        title="Which message",
        description="Journey and step.",
        json_schema_extra=drop_down(TEMPLATES),
    )
    sample: str = Field(
        "sample",
        pattern=r"^sample[a-z0-9_]*$",
        max_length=60,
        title="Which sample",
        description="The name of a sample beside the template, e.g. sample_no_code.",
    )

    @field_validator("template")
    @classmethod
    def _is_known(cls, value: str) -> str:
        return chosen(value, TEMPLATES)


@flow(name="test-send")
def test_send(brief: TestForm) -> int:
    """Send a test to every seed. Returns how many the providers took."""
    journey, _, folder = TEMPLATES[brief.template].partition("/")
    with without_personal_data("A test send"), open_segue() as segue:
        try:
            lines = segue.test_send(journey, folder, sample=brief.sample)
        except (KeyError, ValueError) as error:
            raise FlowError(str(error.args[0])) from None
    taken = sum(line.state == "accepted" for line in lines)
    create_table_artifact(
        [_row(line) for line in lines], key="test-send", description=f"{brief.template}: {taken} of {len(lines)} sent"
    )
    return taken


test_send.__test__ = False  # type: ignore[attr-defined]  # for pytest


def _row(line: TrialLine) -> dict[str, str]:
    state = "Held" if line.state == "held" else words.group(line.state) if line.state != "deferred" else "Not now"
    why = _REASONS.get(line.reason or "", (line.reason or "").replace("_", " "))
    return {"Seed": line.label, "By": words.channel(line.channel), "What became of it": state, "Why": why}
