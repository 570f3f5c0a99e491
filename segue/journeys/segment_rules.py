"""What a segment can ask of people: one small frozen model a condition, told apart by `kind`.

What each means in SQL stands in `segment_people`, what it is called in words in `segment_words`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Days = Annotated[int, Field(ge=1, le=3650)]
Word = Annotated[str, Field(min_length=1, max_length=100)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Everyone(_Rule):
    """Everybody there is; the rules decide who may be written to."""

    kind: Literal["everyone"] = "everyone"


class Bought(_Rule):
    """An order within so many days that was not cancelled; gifts and what came back later are orders too."""

    kind: Literal["bought_within"] = "bought_within"
    days: Days
    #: Some line of it is of this garment category.
    category: Word | None = None
    #: The sales channel it was placed on.
    channel: Word | None = None
    #: The shop or pop-up it was rung up or picked up at, by the location's own id. What was shipped from there is none.
    location: Word | None = None


class NotBought(Bought):
    """No such order: somebody who never bought is meant too."""

    kind: Literal["not_bought_within"] = "not_bought_within"  # type: ignore[assignment]  # the same, the other way


class Fits(_Rule):
    """Known to wear a size, well enough to filter by it."""

    kind: Literal["fits"] = "fits"
    size: Word
    #: Garment category; None: any.
    category: Word | None = None
    #: Size system; None: any.
    system: Word | None = None


class LivesWithin(_Rule):
    """Home is at most so far from a location, or from a point. Who has no known home lives nowhere near."""

    kind: Literal["lives_within"] = "lives_within"
    km: float = Field(gt=0, le=20_000, allow_inf_nan=False)
    #: The location's own id.
    location: Word | None = None
    #: Degrees.
    latitude: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    longitude: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_one_middle(self) -> LivesWithin:
        point = (self.latitude is not None, self.longitude is not None)
        if any(point) != all(point) or any(point) == (self.location is not None):
            raise ValueError("lives_within needs a location, or else both a latitude and a longitude")
        return self


class ClickedNotBought(_Rule):
    """Clicked a link or an ad of ours within so many days, and has placed no order since the first such click."""

    kind: Literal["clicked_not_bought"] = "clicked_not_bought"
    days: Days


class CartedNotBought(_Rule):
    """Put something into a cart within so many days, and has placed no order since the first such thing."""

    kind: Literal["carted_not_bought"] = "carted_not_bought"
    days: Days


class PointsAtLeast(_Rule):
    """So many points to spend, as they are booked."""

    kind: Literal["points_at_least"] = "points_at_least"
    points: int = Field(ge=1)


class Lives(_Rule):
    """Lives in a country, or in a part of it."""

    kind: Literal["lives_in"] = "lives_in"
    #: ISO 3166-1 alpha-2.
    country: str = Field(pattern=r"^[A-Z]{2}$")
    #: State or province code; None: all of the country.
    region: Word | None = None


class Speaks(_Rule):
    """Her locale: `de` is any German, `de-AT` Austria's alone."""

    kind: Literal["locale"] = "locale"
    locale: str = Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")


class CameFrom(_Rule):
    """The sales channel she came from."""

    kind: Literal["source_channel"] = "source_channel"
    channel: Word


class Follows(_Rule):
    """Has followed us on a network."""

    kind: Literal["follows"] = "follows"
    network: Word


class Not(_Rule):
    """Whoever the condition does not name."""

    kind: Literal["not"] = "not"
    condition: Condition


Condition = Annotated[
    Everyone
    | Bought
    | NotBought
    | Fits
    | LivesWithin
    | ClickedNotBought
    | CartedNotBought
    | PointsAtLeast
    | Lives
    | Speaks
    | CameFrom
    | Follows
    | Not,
    Field(discriminator="kind"),
]
"""One thing a segment asks of people."""


class Definition(_Rule):
    """A segment: everybody of whom all conditions hold."""

    conditions: tuple[Condition, ...] = Field(min_length=1, max_length=20)


Not.model_rebuild()
Definition.model_rebuild()
