"""People as Meta's Custom Audiences know them: rows of hashes, normalised in Meta's own way.

E-mail trimmed and lower-cased, dots and suffixes kept; phone in digits with the country's, no plus, no leading zeros;
names lower-cased without punctuation or blanks, accents kept; country in two lower-case letters. All are hashed
(SHA-256, hex) but EXTERN_ID, which is a hash of ours already. A member without a value has an empty cell.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote_plus

from segue.contract import NAMING_KINDS, AudienceChange, Key, Members, UnsupportedError

#: Meta's keys by our kinds of identifiers, in the order audiences are made with.
KEYS: Final = {
    "email": "EMAIL",
    "phone": "PHONE",
    "first_name": "FN",
    "last_name": "LN",
    "country": "COUNTRY",
    "external_id": "EXTERN_ID",
}
#: Most people in one request (Meta's documentation of Custom Audiences).
MOST_ROWS: Final = 10_000
#: Bytes of people in the address of a removal: servers take lines of 8,192, and the token and names share it.
LONGEST_LINE: Final = 6_500

_NO_DIGIT: Final = re.compile(r"[^0-9]")
_PHONE_DIGITS: Final = range(7, 16)  # E.164

Row = list[str]


def require_fields(change: AudienceChange) -> None:
    """Raise UnsupportedError for an audience made with kinds of identifiers that are not sent."""
    if unknown := sorted(set(change.fields) - set(KEYS)):
        raise UnsupportedError(f"the meta connector does not send {', '.join(unknown)}")


def schema_of(fields: Sequence[str]) -> list[str]:
    """Meta's keys for our kinds of identifiers."""
    return [KEYS[kind] for kind in fields]


def rows_of(fields: Sequence[str], members: Members) -> tuple[list[tuple[Key, Row]], list[Key]]:
    """A row for each member, and the keys of those whom nothing names."""
    known: list[tuple[Key, Row]] = []
    nameless: list[Key] = []
    for key, identifiers in members:
        values = {kind: normalised(kind, identifiers.get(kind, "")) for kind in fields}
        if any(values.get(kind) for kind in NAMING_KINDS):
            known.append((key, [_cell(kind, values[kind]) for kind in fields]))
        else:
            nameless.append(key)
    return known, nameless


def normalised(kind: str, value: str) -> str:
    """`value` as Meta wants it before it is hashed; empty if it is no such thing."""
    text = unicodedata.normalize("NFC", value).strip()
    if kind == "external_id":
        return text
    text = text.lower()
    if kind == "email":
        return text if text.count("@") == 1 and not re.search(r"\s", text) and text[0] != "@" != text[-1] else ""
    if kind == "phone":
        digits = _NO_DIGIT.sub("", text).lstrip("0")
        return digits if len(digits) in _PHONE_DIGITS else ""
    if kind == "country":
        return text if len(text) == 2 and text.isascii() and text.isalpha() else ""
    return "".join(one for one in text if unicodedata.category(one)[0] in "LMN")


def by_count(rows: Sequence[tuple[Key, Row]]) -> Iterator[Sequence[tuple[Key, Row]]]:
    """Shares of as many as one request takes."""
    for start in range(0, len(rows), MOST_ROWS):
        yield rows[start : start + MOST_ROWS]


def by_length(rows: Sequence[tuple[Key, Row]]) -> Iterator[Sequence[tuple[Key, Row]]]:
    """Shares that fit into the address of one request, where the SDK puts whom it removes."""
    share: list[tuple[Key, Row]] = []
    length = 0
    for key, row in rows:
        more = len(quote_plus(json.dumps(row, separators=(",", ":")) + ","))
        if share and length + more > LONGEST_LINE:
            yield share
            share, length = [], 0
        share.append((key, row))
        length += more
    if share:
        yield share


def _cell(kind: str, value: str) -> str:
    if kind == "external_id" or not value:
        return value
    return sha256(value.encode("utf-8", "replace")).hexdigest()
