"""Define a segment: a named group of people that a campaign can be sent to. A field is a condition; all must hold."""

from __future__ import annotations

from typing import Any, Final

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flows.errors import FlowError, without_personal_data
from segue.journeys.segments import Definition
from segue.service import SegmentLine, open_segue

_EITHER: Final = "Left empty it does not matter."


class SegmentForm(BaseModel):
    """Whom a campaign can be sent to. Everything that is filled in must hold; what is left empty does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, title="Define a segment")

    name: str = Field(
        ...,
        pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$",
        max_length=60,
        title="Name",
        description="Letters, digits and hyphens, e.g. bought-lately. A name that is there already gets this meaning.",
    )
    title: str = Field("", max_length=100, title="Title", description="As people call it. Empty: the name.")
    bought_days: int | None = Field(
        None, ge=1, le=3650, title="Bought within, days", description=f"Placed an order that stands. {_EITHER}"
    )
    bought_category: str | None = Field(
        None, max_length=100, title="... something of this category", description="E.g. tops."
    )
    bought_on: str | None = Field(
        None, max_length=100, title="... on this sales channel", description="E.g. web, store."
    )
    bought_at: str | None = Field(
        None, max_length=100, title="... at this shop or pop-up", description="The location's id in the shop."
    )
    not_bought_days: int | None = Field(None, ge=1, le=3650, title="Did not buy within, days", description=_EITHER)
    clicked_days: int | None = Field(
        None, ge=1, le=3650, title="Clicked within, days, and has not bought since", description=_EITHER
    )
    carted_days: int | None = Field(
        None, ge=1, le=3650, title="Put something in a cart within, days, and has not bought since", description=_EITHER
    )
    size: str | None = Field(None, max_length=40, title="Fits size", description="E.g. 8 or M.")
    size_category: str | None = Field(None, max_length=100, title="... in this category", description="Empty: any.")
    size_system: str | None = Field(
        None, max_length=100, title="... in this size system", description="E.g. us_women. Empty: any."
    )
    within_km: float | None = Field(None, gt=0, le=20_000, title="Lives within, km", description=_EITHER)
    of_location: str | None = Field(
        None, max_length=100, title="... of this shop or pop-up", description="The location's id in the shop."
    )
    of_latitude: float | None = Field(
        None, ge=-90, le=90, title="... or of this latitude, degrees", description="North is above 0."
    )
    of_longitude: float | None = Field(
        None, ge=-180, le=180, title="... and this longitude, degrees", description="East is above 0."
    )
    country: str | None = Field(
        None, pattern=r"^[A-Z]{2}$", title="Lives in this country", description="Two capital letters, e.g. US."
    )
    region: str | None = Field(None, max_length=100, title="... in this state or province", description="E.g. NY.")
    locale: str | None = Field(
        None, max_length=20, title="Reads this language", description="de is any German, de-AT Austria's alone."
    )
    came_from: str | None = Field(None, max_length=100, title="Came from this sales channel", description="E.g. popup.")
    points: int | None = Field(None, ge=1, title="Has so many points or more", description=_EITHER)
    follows: str | None = Field(None, max_length=100, title="Follows us on", description="E.g. pinterest.")
    everyone: bool = Field(
        default=False, title="Everyone", description="Instead of all this: everybody we know. The rules still decide."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> SegmentForm:
        for whole, parts in _BELONGS.items():
            if getattr(self, whole) is None and any(getattr(self, part) is not None for part in parts):
                title = type(self).model_fields[whole].title
                raise ValueError(f"fill in *{title}* as well: what follows it means nothing alone")
        self.definition()
        return self

    def definition(self) -> Definition:
        """What the filled-in fields mean. Raises ValueError where none is, or where they make no sense together."""
        conditions = [
            _condition(kind, {key: getattr(self, name) for key, name in fields.items()})
            for kind, fields in _CONDITIONS.items()
            if getattr(self, next(iter(fields.values()))) is not None
        ]
        if self.everyone and conditions:
            raise ValueError("everyone is everyone: leave the other fields empty, or everyone off")
        if self.everyone:
            conditions = [{"kind": "everyone"}]
        if not conditions:
            raise ValueError("say at least one thing about whom you mean, or switch on everyone")
        try:
            return Definition.model_validate({"conditions": conditions})
        except ValidationError as error:
            raise ValueError(str(error.errors(include_input=False)[0]["msg"]).removeprefix("Value error, ")) from None


#: Kind of condition -> its fields and the form's; where the first is empty, there is no such condition.
_CONDITIONS: Final[dict[str, dict[str, str]]] = {
    "bought_within": {
        "days": "bought_days",
        "category": "bought_category",
        "channel": "bought_on",
        "location": "bought_at",
    },
    "not_bought_within": {"days": "not_bought_days"},
    "clicked_not_bought": {"days": "clicked_days"},
    "carted_not_bought": {"days": "carted_days"},
    "fits": {"size": "size", "category": "size_category", "system": "size_system"},
    "lives_within": {
        "km": "within_km",
        "location": "of_location",
        "latitude": "of_latitude",
        "longitude": "of_longitude",
    },
    "lives_in": {"country": "country", "region": "region"},
    "locale": {"locale": "locale"},
    "source_channel": {"channel": "came_from"},
    "points_at_least": {"points": "points"},
    "follows": {"network": "follows"},
}
_BELONGS: Final = {first: rest for first, *rest in (tuple(one.values()) for one in _CONDITIONS.values()) if rest}


def _condition(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, **{key: value for key, value in values.items() if value is not None}}


@flow(name="define-a-segment")
def define_a_segment(brief: SegmentForm) -> int:
    """Keep a segment and show whom it means. Returns how many people that are now."""
    with without_personal_data("Defining a segment"), open_segue() as segue:
        try:
            line = segue.define_segment(brief.name, brief.title, brief.definition())
        except ValueError as error:
            raise FlowError(str(error)) from None
        others = segue.segments()
    create_markdown_artifact(_page(line, others), key="segment", description=f"{line.name}: {line.people:,} people now")
    return line.people


def _page(line: SegmentLine, others: list[SegmentLine]) -> str:
    some = ", ".join(map(str, line.examples))
    rows = ["| Name | Title | Who | People now |", "| :-- | :-- | :-- | --: |"]
    rows += [f"| {one.name} | {_cell(one.title)} | {_cell(one.words)} | {one.people:,} |" for one in others]
    return "\n\n".join(
        (
            f"# {_cell(line.title)}",
            f"**{line.people:,} people now:** everybody who {_cell(line.words)}.",
            f"A few of them, by profile id: {some}." if some else "Nobody is meant at this moment.",
            "Who of them may be written to is decided for each message. *Campaign* shows it in its preview.",
            "## All segments",
            "\n".join(rows),
        )
    )


def _cell(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "|\\`*_[]<>#" else sign for sign in text)
