"""Define a segment: a named group of people that a campaign can be sent to. A field is a condition; all must hold."""

from __future__ import annotations

from typing import Any, Final

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import Field, ValidationError, model_validator

from flows.choices import growing
from flows.errors import FlowError, without_personal_data
from flows.fresh_forms import freshen_forms
from flows.markdown import escaped
from flows.typed import SEGMENT, SIZE, WORDS, Form
from segue.journeys.segments import Definition
from segue.service import (
    SegmentLine,
    categories,
    channels_bought_on,
    networks,
    open_segue,
    place_choices,
    size_systems,
    sources,
)

_EITHER: Final = "0: does not matter."
#: What drop-downs show first.
ANYWHERE: Final = "Does not matter"
_POINT: Final = r"^\s*(-?\d{1,2}(\.\d+)?\s*[,; ]\s*-?\d{1,3}(\.\d+)?)?\s*$"


class SegmentForm(Form, title="Define a segment"):
    """Whom a campaign can be sent to. Everything that is filled in must hold; what is left as it is does not matter."""

    name: str = Field(
        ...,
        pattern=SEGMENT,
        max_length=60,
        title="Name",
        description="Letters, digits and hyphens, e.g. bought-lately. A name that is there already gets this meaning.",
    )
    title: str = Field(
        "", max_length=100, pattern=WORDS, title="Title", description="As people call it. Empty: the name."
    )
    bought_days: int = Field(
        0, ge=0, le=3650, title="Bought within, days", description=f"Placed an order that stands. {_EITHER}"
    )
    bought_category: str = Field(
        ANYWHERE,
        max_length=100,
        title="... something of this category",
        description="A category of the shop's products.",
        json_schema_extra=growing(categories, first=ANYWHERE),
    )
    bought_on: str = Field(
        ANYWHERE,
        max_length=100,
        title="... on this sales channel",
        description="One on which somebody bought.",
        json_schema_extra=growing(channels_bought_on, first=ANYWHERE),
    )
    bought_at: str = Field(
        ANYWHERE,
        max_length=300,
        title="... at this shop or pop-up",
        description="One that was imported.",
        json_schema_extra=growing(place_choices, first=ANYWHERE),
    )
    not_bought_days: int = Field(0, ge=0, le=3650, title="Did not buy within, days", description=_EITHER)
    clicked_days: int = Field(
        0, ge=0, le=3650, title="Clicked within, days, and has not bought since", description=_EITHER
    )
    carted_days: int = Field(
        0, ge=0, le=3650, title="Put something in a cart within, days, and has not bought since", description=_EITHER
    )
    size: str = Field(
        "",
        max_length=20,
        pattern=SIZE,
        title="Fits size",
        description="As the shop writes it, e.g. 8 or M. Empty: does not matter.",
    )
    size_category: str = Field(
        ANYWHERE,
        max_length=100,
        title="... in this category",
        description="A category of the shop's products.",
        json_schema_extra=growing(categories, first=ANYWHERE),
    )
    size_system: str = Field(
        ANYWHERE,
        max_length=100,
        title="... in this size system",
        description="One that the shop's products have.",
        json_schema_extra=growing(size_systems, first=ANYWHERE),
    )
    within_km: float = Field(0, ge=0, le=20_000, title="Lives within, km", description=_EITHER)
    of_location: str = Field(
        ANYWHERE,
        max_length=300,
        title="... of this shop or pop-up",
        description="One that was imported with its latitude and longitude.",
        json_schema_extra=growing(place_choices, first=ANYWHERE),
    )
    of_point: str = Field(
        "",
        pattern=_POINT,
        max_length=60,
        title="... or of this point",
        description="Latitude and longitude in degrees, e.g. 40.72, -74.00. North and east are above 0.",
    )
    country: str = Field(
        "", pattern=r"^([A-Z]{2})?$", title="Lives in this country", description="Two capital letters, e.g. US."
    )
    region: str = Field(
        "",
        max_length=40,
        pattern=r"^[^@+0-9]*$|^[A-Z0-9]{1,3}$",
        title="... in this state or province",
        description="As the shop's data writes it, e.g. NY. Empty: any.",
    )
    locale: str = Field(
        "",
        max_length=20,
        pattern=r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$",
        title="Reads this language",
        description="de is any German, de-AT Austria's alone. Empty: does not matter.",
    )
    came_from: str = Field(
        ANYWHERE,
        max_length=100,
        title="Came from this sales channel",
        description="One that somebody came from.",
        json_schema_extra=growing(sources, first=ANYWHERE),
    )
    points: int = Field(0, ge=0, title="Has so many points or more", description=_EITHER)
    follows: str = Field(
        ANYWHERE,
        max_length=100,
        title="Follows us on",
        description="A network on which somebody does.",
        json_schema_extra=growing(networks, first=ANYWHERE),
    )
    everyone: bool = Field(
        default=False, title="Everyone", description="Instead of all this: everybody we know. The rules still decide."
    )

    @property
    def of_latitude(self) -> str:
        """The first half of the point; empty where none is given."""
        return (self.of_point.replace(",", " ").replace(";", " ").split() or [""])[0]

    @property
    def of_longitude(self) -> str:
        """The second half."""
        return (self.of_point.replace(",", " ").replace(";", " ").split() or [""])[-1]

    @model_validator(mode="after")
    def _makes_sense(self) -> SegmentForm:
        for whole, parts in _BELONGS.items():
            if not _said(self, whole) and any(_said(self, part) for part in parts):
                title = type(self).model_fields[whole].title
                raise ValueError(f"fill in *{title}* as well: what follows it means nothing alone")
        self.definition()
        return self

    def definition(self) -> Definition:
        """What the filled-in fields mean. Raises ValueError where none is, or where they make no sense together."""
        conditions = [
            {"kind": kind, **{key: said for key, name in fields.items() if (said := _said(self, name))}}
            for kind, fields in _CONDITIONS.items()
            if _said(self, next(iter(fields.values())))
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
#: Fields of places, which the shop knows by ids.
_PLACES: Final = ("bought_at", "of_location")
_BELONGS: Final = {first: rest for first, *rest in (tuple(one.values()) for one in _CONDITIONS.values()) if rest}


def _said(form: SegmentForm, name: str) -> Any:
    """What somebody filled in; something false where it was left as it is."""
    value = getattr(form, name)
    return None if value == ANYWHERE else value


@flow(name="define-a-segment")
def define_a_segment(brief: SegmentForm) -> int:
    """Keep a segment and show whom it means. Returns how many people that are now."""
    with without_personal_data("Defining a segment"), open_segue() as segue:
        try:
            chosen = {name: segue.place_called(choice) for name in _PLACES if (choice := _said(brief, name))}
            line = segue.define_segment(brief.name, brief.title, brief.model_copy(update=chosen).definition())
        except (KeyError, ValueError) as error:
            raise FlowError(str(error.args[0])) from None
        others = segue.segments()
    freshen_forms()
    create_markdown_artifact(_page(line, others), key="segment", description=f"{line.name}: {line.people:,} people now")
    return line.people


def _page(line: SegmentLine, others: list[SegmentLine]) -> str:
    some = ", ".join(map(str, line.examples))
    # A list, since a table's long lines are cut on the page, and the number would stand last.
    rows = [f"- **{one.name}: {one.people:,}**, {escaped(one.title)}: {escaped(one.words)}" for one in others]
    return "\n\n".join(
        (
            f"# {escaped(line.title)}",
            f"**{line.people:,} people now:** everybody who {escaped(line.words)}.",
            f"A few of them, by profile id: {some}." if some else "Nobody is meant at this moment.",
            "Who of them may be written to is decided for each message. *Campaign* shows it in its preview.",
            "## All segments",
            "\n".join(rows),
        )
    )
