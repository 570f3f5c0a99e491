"""Who Saltmere is: the facts that files, pictures and mails share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A label's name, places and colours."""

    name: str
    site_url: str
    asset_url: str
    loyalty_programme: str
    #: Deep sea green, warm sand and coral, as CSS hex.
    sea: str
    sand: str
    coral: str


BRAND = Brand(
    name="Saltmere",
    site_url="https://www.saltmere.example.com",
    asset_url="https://assets.saltmere.example.com",
    loyalty_programme="Tideline",
    sea="#1f4d4a",
    sand="#f3ece1",
    coral="#d9634c",
)
