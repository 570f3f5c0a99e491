"""Drop-downs: a form's field that offers what exists when the deployments are brought in line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def drop_down(choices: Iterable[str]) -> dict[str, Any]:
    """What a field's `json_schema_extra` needs so that Prefect's form offers `choices`."""
    return {"enum": list(choices)}


def chosen(value: str, choices: Iterable[str]) -> str:
    """Return `value`; raises ValueError with the choice where it is none of them."""
    known = list(choices)
    if value not in known:
        raise ValueError(f"choose one of: {', '.join(known)}")
    return value
