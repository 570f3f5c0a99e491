"""One frozen `Settings`; nothing else reads the environment.

Every field can be set as `SEGUE_<NAME>` in the environment or in a `.env` file, here or in the home. Secrets are
`SecretStr` and never printed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.settings.house import DEFAULT_HOUSE, House, Loyalty, PopUp, Referral

#: In a home: settings that belong to it, written like `.env`.
HOME_FILE = ".env"
_ROOT = Path(__file__).resolve().parent.parent.parent


class Settings(BaseSettings):
    """How this installation of Segue runs."""

    model_config = SettingsConfigDict(
        env_prefix="SEGUE_",
        env_file=".env",
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(Path(".segue"), description="Folder for the SQLite file, worker journals and the secret key.")
    # Holds a password, as `connector_options` does: neither is ever shown.
    database_url: str = Field("", repr=False, description="SQLAlchemy URL; empty: SQLite in `home`.")
    secret_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="Signs links, makes voucher codes and hashes suppressions. Empty: made once in `home`.",
    )
    templates: Path = Field(_ROOT / "templates", description="Folder of templates, one folder per journey step.")
    brand: Path = Field(_ROOT / "templates" / "brand.toml", description="The one brand file that feeds every channel.")
    base_url: str = Field("https://go.example.com", description="Where links in messages lead: the web edge.")
    outbox: Path = Field(Path("out/outbox"), description="Where the `files` connector writes.")
    connectors: dict[str, str] = Field(
        default_factory=lambda: {
            "email": "files",
            "sms": "files",
            "print": "print_insert",
            "offers": "files",
            "audience": "audiences_csv",
        },
        description="Which connector serves which channel, and which makes codes known; `audience` may name several, "
        "separated by commas.",
    )
    connector_options: dict[str, dict[str, str | int | float | bool]] = Field(
        default_factory=dict,
        repr=False,
        description="Keyword settings per connector, e.g. {'smtp': {'host': 'mail.example.com'}}.",
    )
    virtual_now: datetime | None = Field(
        None, description="Stand the clock at this instant: rehearsals and demos only."
    )

    lease_ttl: timedelta = Field(timedelta(seconds=60), description="How long a bucket stays leased without renewal.")
    shard_size: int = Field(4_000, ge=1, description="Most people judged at once.")
    judgement_max_age: timedelta = Field(
        timedelta(seconds=5), description="A judgement older than this is made again before hand-over."
    )
    max_attempts: int = Field(
        6,
        ge=1,
        description="Attempts after which a message that may have arrived is not repeated, even if its step repeats. "
        "What never left is tried until its deadline.",
    )
    retry_base: timedelta = Field(
        timedelta(minutes=1), description="First back-off; doubles with each attempt, up to an hour."
    )

    pick_wave: str = Field(
        "14:00",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$",
        description="Local time at which the warehouse picks the day's orders: after it a parcel gets no card. "
        "Empty: the shop says what it packed.",
    )
    print_folder: Path = Field(Path("out/print"), description="Where `print_insert` spools cards and puts the PDFs.")
    pictures: Path | None = Field(
        None,
        description="Folder of the shop's product pictures, for print and previews; without it cards have none, and "
        "previews grey fields.",
    )
    home_zone: str = Field("America/New_York", description="The shop's own time zone.")
    holdout_journey: float = Field(0.05, ge=0, le=0.5, description="Share of people each journey leaves untreated.")
    holdout_global: float = Field(0.0, ge=0, le=0.5, description="Share of people every journey leaves untreated.")
    holdout_salt: str = Field("segue", description="Changes who is held out; leave it alone while you measure.")
    caps: dict[str, list[str]] = Field(
        default_factory=lambda: {
            "email": ["1/24h", "4/7d"],
            "sms": ["1/24h", "2/7d", "6/30d"],
            "print": ["1/30d"],
        },
        description="Most marketing messages per person, channel and rolling window.",
    )
    cart_second_email: bool = Field(True, description="A cart mail may be the second e-mail in 24 h.")
    email_quiet: str = Field("21:00-07:00", description="Local hours without marketing e-mail; cart mails are free.")

    approve_above_messages: int = Field(
        1_000,
        ge=0,
        description="A run of more messages than this waits for somebody's yes; transactional ones never. So does one "
        "that would tell an ad platform of more people.",
    )
    approve_above_cost_minor: int = Field(
        5_000, ge=0, description="So does one that would cost more, in minor units of each currency it is billed in."
    )
    approval_hours: float = Field(24, gt=0, le=24 * 14, description="How long a run waits, and how long a yes holds.")

    notify_webhook: SecretStr | None = Field(
        None,
        description="Told when a run failed, waits for a yes or is unusual: the address of an incoming webhook of "
        'Slack, Mattermost or the like, which gets a JSON POST of {"text": "..."}.',
    )
    notify_email: str = Field(
        "", repr=False, description="The same by mail: colleagues' addresses, separated by commas."
    )
    notify_smtp: SecretStr | None = Field(
        None,
        description="The server for these mails, smtp://user:password@mail.example.com:587, or smtps:// for TLS from "
        "the first byte; `?from=`, `starttls=false` and `ca_file=` may follow. Empty: the connector smtp's. Signs such "
        "as @ in the password are percent-encoded.",
    )

    house: House = Field(DEFAULT_HOUSE, description="Loyalty, referrals, pop-ups: what the shop's programme is worth.")

    @field_validator("house")
    @classmethod
    def _in_the_shops_zone(cls, house: House, info: ValidationInfo) -> House:
        loyalty = house.loyalty
        if loyalty.starts_on is None or loyalty.zone or "home_zone" not in info.data:
            return house
        return house.model_copy(update={"loyalty": loyalty.model_copy(update={"zone": info.data["home_zone"]})})

    @property
    def store_url(self) -> str:
        """The database to use: `database_url`, else SQLite in `home`."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'segue.db'}"


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read the environment once, over `.env` in the home, over `.env` here."""
    return settings_of(Settings().home)


def settings_of(home: Path) -> Settings:
    """The settings of the installation in `home`; its own `.env` is what it was set up with, as the demo's is."""
    own = home / HOME_FILE
    return Settings(_env_file=(".env", own)) if own.is_file() else Settings()


__all__ = [
    "DEFAULT_HOUSE",
    "HOME_FILE",
    "House",
    "Loyalty",
    "PopUp",
    "Referral",
    "Settings",
    "load_settings",
    "settings_of",
]
