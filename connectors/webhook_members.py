"""Members of an ad audience as a webhook is told of them: hashed, but for what says little about anybody."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from segue.contract import NAMING_KINDS, AudienceChange, UnsupportedError

#: The kinds of identifiers that are posted.
FIELDS: Final = ("email", "phone", "first_name", "last_name", "country", "region", "external_id")
#: Coarse, or a hash of ours already.
_IN_CLEAR: Final = frozenset({"country", "region", "external_id"})


def require_fields(change: AudienceChange) -> None:
    """Raise UnsupportedError for an audience made with kinds of identifiers that are not posted."""
    if unknown := sorted(set(change.fields) - set(FIELDS)):
        raise UnsupportedError(f"the webhook connector does not send {', '.join(unknown)}")


def member(change: AudienceChange, identifiers: Mapping[str, str]) -> dict[str, str] | None:
    """What is told of her, by field; None if nobody could tell who is meant."""
    given = {kind: identifiers[kind].strip() for kind in change.fields if identifiers.get(kind, "").strip()}
    if "@" not in given.get("email", "@"):
        del given["email"]
    if not any(kind in given for kind in NAMING_KINDS):
        return None
    return {
        kind if kind in _IN_CLEAR else f"{kind}_sha256": value if kind in _IN_CLEAR else _hash(value)
        for kind, value in given.items()
    }


def _hash(value: str) -> str:
    return sha256(value.lower().encode("utf-8", "replace")).hexdigest()
