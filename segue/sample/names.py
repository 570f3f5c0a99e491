"""What the sample shop's people are called; invented by combining, so that a namesake is chance."""

from __future__ import annotations

import tomllib
import unicodedata
from importlib.resources import files
from typing import Final

#: Lists of names by the key a city gives, each with `first` and `last`.
NAMES: Final[dict[str, dict[str, list[str]]]] = tomllib.loads(
    files("segue.sample").joinpath("names.toml").read_text(encoding="utf-8")
)

# Letters that do not come apart into a plain one and a mark.
_SPELT_OUT: Final = str.maketrans({"\u00df": "ss", "\u0131": "i", "\u00f8": "o", "\u0142": "l", " ": "", "'": ""})


def mailbox(first: str, last: str) -> str:
    """Return `first.last` in plain ASCII, as it would stand before the @."""
    name = f"{first}.{last}".lower().translate(_SPELT_OUT)
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
