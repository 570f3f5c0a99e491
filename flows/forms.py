"""What every journey's form asks first: whether anything may leave."""

from __future__ import annotations

import textwrap
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import ConfigDict, Field

from flows.choices import chosen, drop_down, growing
from flows.markdown import escaped
from flows.typed import Quiet
from segue.journeys.definition import Brief, Journey
from segue.service import Summary, template_languages

#: How the line begins that repeats what was chosen on a form.
ASKED: Final = "Asked for: "
_LONGEST_ANSWER = 90
#: Of a test: whatever language the sample's reader has.
AS_IT_IS: Final = "The sample's own"


class Mode(StrEnum):
    """Whether messages leave. The values are what the form's drop-down shows."""

    BY_START = "Preview if started by hand, send if by schedule"
    PREVIEW = "Preview: send nothing"
    SEND = "Send for real"
    TEST = "Test: to the seed list, marked as a test"

    def settled(self, *, by_schedule: bool) -> Mode:
        """Return PREVIEW, SEND or TEST, now that it is known who started the run."""
        if self is not Mode.BY_START:
            return self
        return Mode.SEND if by_schedule else Mode.PREVIEW


def language_called(choice: str) -> str | None:
    """Return the code of a language that was chosen by name, None for the sample's own; raises ValueError else."""
    known = template_languages()
    return None if choice == AS_IT_IS else known[chosen(choice, known)]


def _tests_last(schema: dict[str, Any]) -> None:
    """What is asked of tests alone stands at the form's end, whatever class it comes from."""
    fields = schema.get("properties", {})
    if "test_language" in fields:
        fields["test_language"] = fields.pop("test_language")


def without_tests(schema: dict[str, Any]) -> None:
    """Offer no test where there is none: of an audience, which is no message, and of a card, which is not mailed.

    Prefect's form joins a field's choices with those of what it refers to, so it must refer to nothing.
    """
    fields = schema["properties"]
    fields["mode"].pop("$ref", None)
    fields["mode"] |= {"type": "string", **drop_down(one.value for one in Mode if one is not Mode.TEST)}
    fields.pop("test_language", None)


class StartForm(Brief, Quiet):
    """What every form asks that may send or only show."""

    mode: Mode = Field(
        Mode.BY_START,
        title="What should happen",
        description="A preview counts who would get a message and why others would not. It stores and sends nothing. "
        "A test sends these very words to the seed list and counts nowhere.",
    )


class JourneyForm(StartForm):
    """The part every journey's form shares; a journey's form adds its own brief.

    Name the brief before this class: `class CartForm(AbandonedCartBrief, JourneyForm)` puts the mode on top.

    One default serves both ways of starting, because Prefect offers no place that keeps two: switching a schedule off
    and on empties its own parameters (seen in 3.8.8), and saving a deployment's form stores every field of it.
    """

    model_config = ConfigDict(json_schema_extra=_tests_last)

    #: What the page says of a run that found nobody.
    nobody_due: ClassVar[str] = (
        "**Nobody was due.** No new occasion for a message came up since the last run. "
        "A journey answers only what happened after its first real run, by hand or by schedule."
    )

    test_language: str = Field(
        AS_IT_IS,
        title="Language of a test",
        description="Only for a test: as somebody who reads it would get it.",
        json_schema_extra=growing(template_languages, first=AS_IT_IS),
    )

    def brief_for(self, journey: Journey) -> Brief:
        """Return the journey's own part, which is all that the journey knows of the form."""
        return journey.brief.model_validate(self.model_dump(include=set(journey.brief.model_fields)))

    def noted(self, _summary: Summary) -> str | None:
        """Say in a sentence what a preview's sums leave open; None: nothing."""
        return None

    def _how(self) -> set[str]:
        """What says how a run starts and not what it says."""
        return {"mode"} if self.mode is Mode.TEST else {"mode", "test_language"}

    def asked(self) -> str | None:
        """Say in a line what was chosen, for the page and for whoever is asked; None where all was left as it is."""
        answers = [
            (field.title or name, textwrap.shorten(str(value), _LONGEST_ANSWER, placeholder=" …"))
            for name, field in type(self).model_fields.items()
            if name not in self._how() and (value := getattr(self, name)) != field.default and value not in (None, "")
        ]
        return ASKED + "; ".join(f"{title}: **{escaped(value)}**" for title, value in answers) if answers else None
