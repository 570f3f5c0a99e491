"""One record as a row says it, its fields parsed: what facts are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from segue.intake import records as r
from segue.intake.report import Tally


@dataclass(slots=True, kw_only=True)
class Here:
    """What holds for the whole file."""

    #: The mapping's name; begins the names of facts that have no table of their own.
    source: str
    calling_code: str | None
    hash_address: Callable[[str], str]
    #: (document, sku) -> how many such lines it has had: equal lines of a return stay two.
    returned: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class Said:
    """One record as a row says it."""

    line: int
    fields: dict[str, Any]
    properties: dict[str, str]
    cells: list[str]
    door: Here
    tally: Tally

    @property
    def names(self) -> r.Names:
        """What names a person here, strongest first."""
        return tuple((kind, self.fields[kind]) for kind in r.NAME_KINDS if self.fields.get(kind))

    def given(self, *names: str) -> dict[str, Any]:
        """Those of the fields that say something."""
        return {name: self.fields[name] for name in names if self.fields.get(name) is not None}


def fingerprint(cells: list[str]) -> str:
    """Stands for an event that has no id: the same row again is the same event."""
    return blake2b("\x1f".join(cells).encode("utf-8", "replace"), digest_size=16).hexdigest()
