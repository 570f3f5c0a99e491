"""One `track` call, its envelope read, before anybody has asked what its name means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.report import Tally
from segue.intake.tokens import ReadLink, no_links


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One `track` call, its envelope read."""

    line: int
    name: str
    properties: dict[str, Any]
    names: r.Names
    at: datetime
    message_id: str
    tally: Tally
    #: What the client says of where it was: a campaign, say.
    context: Mapping[str, Any] = field(default_factory=dict)
    #: When the call is read.
    now: datetime | None = None
    read_link: ReadLink = no_links

    def text(self, key: str) -> str | None:
        """Return a property that is an id or a word; None if it is missing or something else."""
        return text_of(self.properties, key)


def text_of(holder: Mapping[str, Any], key: str, limit: int = 255) -> str | None:
    """Return an id or a word; raises BadValueError for an id that cannot be kept whole."""
    value = holder.get(key)
    if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
        try:
            return values.parse_text(str(value), limit)
        except BadValueError as error:
            if limit == 255:  # an id that cannot be kept whole is no id
                raise BadValueError(error.reason, key) from error
    return None
