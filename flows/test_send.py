"""Test send: a template's sample to the seed list, clearly marked, outside all statistics, as often as wanted."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_table_artifact
from pydantic import Field, field_validator

from flows.choices import chosen, growing
from flows.errors import FlowError, without_personal_data
from flows.forms import AS_IT_IS, language_called
from flows.trials import accepted, by_hand, row
from flows.typed import Form
from segue.service import open_segue, sample_choices, template_languages, trial_choices, words


def _label(name: str) -> str:
    journey, _, folder = name.partition("/")
    return f"{words.title(journey)}: {words.step(folder)}"


def templates() -> dict[str, str]:
    """What the drop-down shows -> `journey/folder`."""
    return {_label(name): name for name in trial_choices()}


class TestForm(Form, title="Test send"):
    """Sample data only. Who gets it is named on the machine, by `segue seeds add`: no address is typed here."""

    __test__ = False  # for pytest, which takes every Test for one

    template: str = Field(
        ...,
        title="Which message",
        description="Journey and step.",
        json_schema_extra=growing(templates),
    )
    sample: str = Field(
        "sample",
        title="Which sample",
        description="A sample beside the template. All have sample; which others one has is said where yours is none.",
        json_schema_extra=growing(sample_choices),
    )
    language: str = Field(
        AS_IT_IS,
        title="Language",
        description="As somebody who reads it would get it.",
        json_schema_extra=growing(template_languages, first=AS_IT_IS),
    )

    @field_validator("template")
    @classmethod
    def _is_known(cls, value: str) -> str:
        return chosen(value, templates())

    @field_validator("sample")
    @classmethod
    def _is_a_sample(cls, value: str) -> str:
        return chosen(value, sample_choices())


@flow(name="test-send")
def test_send(brief: TestForm) -> int:
    """Send a test to every seed. Returns how many the providers took."""
    by_hand("Open this deployment and remove its schedule.")
    journey, _, folder = templates()[brief.template].partition("/")
    with without_personal_data("A test send"), open_segue() as segue:
        try:
            lines = segue.test_send(journey, folder, sample=brief.sample, language=language_called(brief.language))
        except (KeyError, ValueError) as error:
            raise FlowError(str(error.args[0])) from None
    taken = accepted(lines)
    create_table_artifact(
        [row(line) for line in lines], key="test-send", description=f"{brief.template}: {taken} of {len(lines)} sent"
    )
    return taken


test_send.__test__ = False  # type: ignore[attr-defined]  # for pytest
