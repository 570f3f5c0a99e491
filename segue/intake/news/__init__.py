"""What providers post of their own accord, each in its own words: news of messages, and people's replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from segue.intake import records as r
from segue.intake.news import sendgrid, twilio
from segue.intake.report import Tally

HashAddress = Callable[[str], str]
#: How a posted form begins; no other line that is read here does.
_FORM = re.compile(r"\s*[A-Za-z][A-Za-z0-9_]*=[^\s{\[]*(?:&|$)")


def form_of(line: str) -> dict[str, str] | None:
    """Return the parameters of a urlencoded form, empty ones too; None where the line is none."""
    if _FORM.match(line) is None:
        return None
    return dict(parse_qsl(line.strip(), keep_blank_values=True, max_num_fields=200))


def is_news(given: dict[str, Any]) -> bool:
    """Whether an object is a payload of a provider we know."""
    return sendgrid.is_mine(given) or twilio.is_mine(given)


def facts_of_news(
    line: int, given: dict[str, Any], tally: Tally, *, now: datetime, hash_address: HashAddress
) -> Iterator[r.Fact]:
    """Yield what a payload says; raises BadValueError for one that cannot be used, `other_news` for one we do not need.

    News is never younger than `now` (UTC), so that a provider's clock that runs ahead makes no suppression wait.
    """
    provider = sendgrid if sendgrid.is_mine(given) else twilio
    yield from provider.facts_of(line, given, tally, now=now, hash_address=hash_address)


__all__ = ["HashAddress", "facts_of_news", "form_of", "is_news"]
