"""The brand: one file that feeds every channel.

Owns what `brand.toml` may hold and how a path of the shop becomes a public address. The words
themselves live in the templates.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from segue.render.errors import BrandError

_PATH_SAFE = "/?#[]@!$&'()*+,;=:%-._~"


def _origin(url: str) -> str:
    if not url.startswith("https://") or len(url) <= len("https://") or url.endswith("/"):
        raise ValueError("must start with https:// and have no slash at the end, e.g. https://www.example.com")
    return url


def _plain(text: str) -> str:
    """Brand values become part of templates, so template marks in them would be run."""
    if any(mark in text for mark in ("{{", "{%", "{#")):
        raise ValueError("holds {{, {% or {#, which templates would run; take it out")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone, e.g. America/New_York") from None
    return name


Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$", description="Hex colour, e.g. #1f4d4a.")]
Origin = Annotated[str, AfterValidator(_origin)]
Zone = Annotated[str, AfterValidator(_zone)]
Text = Annotated[str, Field(min_length=1), AfterValidator(_plain)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Palette(_Part):
    """Colours of one appearance, light or dark, by the work they do."""

    #: Behind everything.
    page: Colour
    #: Behind the words.
    card: Colour
    #: Behind a code or a note.
    panel: Colour
    #: Headings and text.
    ink: Colour
    #: Small print; still 4.5:1 on `card` and `page`.
    muted: Colour
    #: Hairlines.
    line: Colour
    #: Behind the logo at the top; dark in both, so that one logo serves everywhere.
    band: Colour
    #: The one button, and what is written on it.
    action: Colour
    on_action: Colour
    #: Small emphasis in text.
    accent: Colour


class Colours(_Part):
    """The brand by daylight and by night."""

    light: Palette
    dark: Palette


class Fonts(_Part):
    """Font stacks as CSS knows them; mail clients load no web fonts worth relying on."""

    heading: Text
    body: Text
    code: Text


class Logo(_Part):
    """The logo, two PNGs under `asset_url`; `width` and `height` in CSS pixels."""

    #: For light grounds.
    path: Text
    #: For dark grounds, such as the band of a mail.
    on_dark: Text
    width: int = Field(ge=16, le=600)
    height: int = Field(ge=16, le=600)


class Sender(_Part):
    """Who a mail comes from."""

    name: Text
    address: str = Field(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$")
    reply_to: str | None = Field(None, pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$")


class Senders(_Part):
    """Marketing and transactional mail keep their reputations apart."""

    marketing: Sender
    transactional: Sender


class LoyaltyCard(_Part):
    """What a printed card says of the loyalty programme."""

    title: Text
    text: Text


class Network(_Part):
    """A place where the shop shows itself, and people can follow it."""

    #: As touchpoints name it: pinterest, instagram ...
    network: str = Field(pattern=r"^[a-z0-9_]{2,30}$")
    title: Text
    url: Origin


class NavLink(_Part):
    """A link in the footer; `path` is joined to `site_url`."""

    title: Text
    path: Text


class Brand(_Part):
    """How the shop looks and speaks, the same on every channel."""

    name: Text
    tagline: Text
    #: Name that opens every SMS; GSM-7 characters keep texts short.
    sms_name: Annotated[Text, Field(max_length=20)]
    hashtag: str = Field(pattern=r"^#\w+$")
    #: Name of the loyalty programme.
    loyalty: Text
    #: What a printed card says of it; left out, the card does not mention the programme.
    loyalty_card: LoyaltyCard | None = None
    site_url: Origin
    asset_url: Origin
    #: BCP 47; decides how dates and money are written, and the `lang` of a mail.
    locale: str = Field(pattern=r"^[a-z]{2}-[A-Z]{2}$")
    #: The language the templates are written in; left out, it is the brand's own. Others come from catalogues.
    written_in: str | None = Field(None, pattern=r"^[a-z]{2}$")
    #: ISO 4217, used where an amount names none.
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    #: IANA zone, used where a person's own is unknown.
    zone: Zone
    #: The postal address that marketing law wants in every mail, line by line.
    address: tuple[Text, ...] = Field(min_length=2)
    logo: Logo
    fonts: Fonts
    colours: Colours
    senders: Senders
    links: tuple[NavLink, ...] = ()
    #: Where people can follow the shop; the first one holds its looks.
    networks: tuple[Network, ...] = ()
    #: A picture for pop-up mails, path under `asset_url`, 600 x 360; left out, the date stands alone.
    popup_picture: Text | None = None

    @property
    def lang(self) -> str:
        """The language alone, e.g. `en`."""
        return self.locale.partition("-")[0]

    @property
    def template_lang(self) -> str:
        """The language the templates are written in."""
        return self.written_in or self.lang

    @property
    def logo_url(self) -> str:
        """Where the logo for light grounds is fetched from."""
        return self.picture(self.logo.path)

    @property
    def logo_on_dark_url(self) -> str:
        """Where the logo for dark grounds is fetched from."""
        return self.picture(self.logo.on_dark)

    @property
    def postal_address(self) -> str:
        """The postal address in one line."""
        return ", ".join(self.address)

    def page(self, path: str) -> str:
        """Return the public address of a page of the shop; an absolute http(s) address stays as it is."""
        return _join(self.site_url, path)

    def picture(self, path: str) -> str:
        """Return the public https address of a picture."""
        return _join(self.asset_url, path)


def load_brand(path: Path) -> Brand:
    """Read the brand file; raises BrandError naming the field and the cure."""
    try:
        with path.open("rb") as file:
            values: dict[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        raise BrandError(f"{path} is missing; point SEGUE_BRAND at the brand file") from None
    except tomllib.TOMLDecodeError as error:
        raise BrandError(f"{path} is not TOML: {error}") from None
    try:
        return Brand.model_validate(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise BrandError(f"{path} needs mending: {'; '.join(faults)}") from None


@lru_cache(maxsize=65_536)
def _join(origin: str, path: str) -> str:
    """Join so that no path can lead to another host, and no character needs escaping later.

    Paths come from other people's catalogues: `//elsewhere`, `@elsewhere` and `javascript:` all become
    plain paths under `origin`.
    """
    if path.startswith(("https://", "http://")):
        return quote(path, safe=_PATH_SAFE)
    return f"{origin}/{quote(path.lstrip('/'), safe=_PATH_SAFE)}"
