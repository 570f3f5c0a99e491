"""Who lives together: one spelling for a postal address, and its keyed hash. The address itself is not kept.

The spelling knows what people and shops abbreviate. It is made to find the same door twice, not to deliver parcels.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

#: Whole words and what they are counted as. Data: English, German, Spanish, French, Dutch and Italian addresses.
_WORDS = {
    "street": "st", "str": "st", "strasse": "st", "road": "rd", "avenue": "ave", "av": "ave", "avenida": "ave",
    "avda": "ave", "boulevard": "blvd", "boul": "blvd", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl",
    "platz": "pl", "square": "sq", "terrace": "ter", "highway": "hwy", "parkway": "pkwy", "circle": "cir",
    "calle": "c", "rue": "r", "via": "v", "saint": "st", "sankt": "st", "mount": "mt", "north": "n", "south": "s",
    "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
    "apartment": "apt", "appartment": "apt", "unit": "apt", "flat": "apt", "suite": "apt", "ste": "apt", "app": "apt",
    "floor": "fl", "building": "bldg", "number": "", "no": "", "nr": "", "num": "",
}  # fmt: skip
#: Written in one word as well as in two: `Hauptstraße`, `Hauptstr.`, `Haupt-Straße`.
_ENDING = re.compile(r"(?<=\w{2})(?:strasse|str)\b")
#: Letters that one language writes as two, told by nobody's accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"})
#: `12 B` and `12b` are one door.
_DOOR = re.compile(r"\b(\d+) ([a-z])\b")
_SIGNS = re.compile(r"[^\w]|_")
_APOSTROPHES = re.compile("['`\u2018\u2019\u00b4]")


def household_hash(
    street: str | None,
    postcode: str | None,
    city: str | None,
    country: str | None,
    hash_address: Callable[[str], str],
) -> str | None:
    """Return the keyed hash of an address, None where it is not whole.

    It needs the street and the postcode; where there is no postcode, the city stands for it. `country` is ISO 3166-1.
    """
    spelt = one_spelling(street, postcode, city, country)
    return None if spelt is None else hash_address(f"household:{spelt}")


def one_spelling(street: str | None, postcode: str | None, city: str | None, country: str | None) -> str | None:
    """Return the address as all its spellings are compared; None where it is not whole."""
    door = _street(street or "")
    place = _postcode(postcode or "", country) or _plain(city or "")
    return f"{door}|{place}|{(country or '').upper()}" if door and place else None


def _street(text: str) -> str:
    words = _ENDING.sub(" st", _plain(text.replace("#", " apt "))).split()
    known = " ".join(word for word in (_WORDS.get(one, one) for one in words) if word)
    return _DOOR.sub(r"\1\2", known.replace("apt apt", "apt"))


def _postcode(text: str, country: str | None) -> str:
    code = _plain(text).replace(" ", "")
    if country == "US" and len(code) == 9 and code.isdecimal():
        return code[:5]  # the four digits behind the dash are the postman's
    return code


def _plain(text: str) -> str:
    """Any case, no accents, no punctuation, single spaces."""
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold()).casefold()
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign)).translate(_LETTERS)
    return " ".join(_SIGNS.sub(" ", bare).split())
