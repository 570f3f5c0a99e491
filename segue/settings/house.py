"""The house rules: what the shop's programme is worth. Journeys are given them with the moment; nothing else is theirs.

Set them as `SEGUE_HOUSE__LOYALTY__FOLLOW_POINTS=25`. A change holds from then on: points and vouchers that were earned
keep what they were promised.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Loyalty(_Rules):
    """What points are earned by, what they are worth, and how long they live."""

    starts_on: date | None = Field(
        None,
        description="The programme's first day in the shop's zone, e.g. 2026-01-01. Empty: there is no programme, and "
        "nobody earns or is told of points. What somebody did before earns nothing.",
    )
    zone: str = Field("", description="The zone in which that day begins. Empty: the shop's own, `home_zone`.")
    points_per_unit: float = Field(1.0, ge=0, le=1000, description="Points for each whole unit of money paid.")
    follow_points: int = Field(25, ge=0, description="Points for following us, once per network.")
    mention_points: int = Field(50, ge=0, description="Points for mentioning us with the hashtag.")
    mentions_a_month: int = Field(1, ge=0, description="Mentions per network and month that earn points.")
    return_window_days: int = Field(
        30, ge=0, le=365, description="Points of an order are pending until its goods can no longer come back."
    )
    expires_after_days: int = Field(365, ge=30, le=3650, description="Earned points run out after so many days.")
    reward_points: int = Field(250, ge=1, description="Points that buy one reward.")
    reward_minor: int = Field(1000, ge=1, description="What one reward is worth, in minor units of `currency`.")
    currency: str = Field(
        "USD",
        pattern=r"^[A-Z]{3}$",
        description="ISO 4217 code of what points are worth. Orders in other currencies earn none.",
    )
    networks: tuple[str, ...] = Field(
        ("facebook", "instagram", "pinterest", "tiktok", "youtube"),
        description="Follows and mentions earn points on these networks only, by their names in touchpoints.",
    )

    @property
    def starts_at(self) -> datetime | None:
        """The instant (UTC) from which on points are earned; None: there is no programme."""
        if self.starts_on is None:
            return None
        return datetime.combine(self.starts_on, time(), ZoneInfo(self.zone or "UTC")).astimezone(UTC)

    def is_on(self, now: datetime) -> bool:
        """Whether there is a programme by `now`; else nobody is told of points."""
        return self.starts_at is not None and self.starts_at <= now


class Referral(_Rules):
    """What a friend's first order earns, and when."""

    reward_minor: int = Field(1500, ge=1, description="What each of the two vouchers is worth, in minor units.")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="ISO 4217 code of the vouchers.")
    voucher_days: int = Field(90, ge=7, le=730, description="How long the vouchers are valid.")
    least_order_minor: int = Field(3000, ge=0, description="The friend's order must be worth at least this.")
    return_window_days: int = Field(30, ge=0, le=365, description="Rewards are pending until the order is past it.")
    rewards_a_year: int = Field(10, ge=1, description="Most rewards one person earns within 365 days.")
    review_from: int = Field(
        50, ge=1, le=100, description="From this score on (0 to 100) a person looks before anything is paid."
    )


class PopUp(_Rules):
    """How many are invited to a pop-up."""

    expected_show_rate: float = Field(
        0.04, gt=0, le=1, description="Share of the invited who are expected to come, until it was measured."
    )
    measured_from: int = Field(
        200, ge=1, description="Invitations to earlier pop-ups from which on the measured share is used instead."
    )


class House(_Rules):
    """All house rules."""

    loyalty: Loyalty = Loyalty()
    referral: Referral = Referral()
    popup: PopUp = PopUp()


DEFAULT_HOUSE = House()
