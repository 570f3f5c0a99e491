"""The second door: Segment-style calls as JSON lines become facts.

`identify` says who somebody is; `track` with the e-commerce names fills carts and orders; every other
name becomes an event as it is. A `batch` body of the HTTP interface may stand on a line as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NoReturn

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.reading import TextFile
from segue.intake.report import Tally
from segue.intake.track import Call, facts_of_track

_TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")


class EventDoor:
    """Turns lines into facts."""

    def __init__(self, file: TextFile) -> None:
        self._file = file

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield line numbers and lines that are not empty."""
        for number, line in enumerate(self._file.lines(), start=1):
            if line.strip():
                yield number, line

    def facts(self, number: int, line: str, tally: Tally) -> Iterator[r.Fact]:
        """Yield what one line says; count what it fails to say."""
        try:
            call = json.loads(line, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            cut = number == self._file.line_count and not self._file.ends_cleanly
            tally.skip(number, "truncated" if cut else "bad_json")
            return
        batch = call.get("batch") if isinstance(call, dict) else None
        for one in batch if isinstance(batch, list) else [call]:
            try:
                facts = list(_facts_of(number, one, tally))
            except BadValueError as error:
                tally.skip(number, error.reason, error.column)
            else:
                yield from facts


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _facts_of(line: int, given: Any, tally: Tally) -> Iterator[r.Fact]:
    if not isinstance(given, dict):
        raise BadValueError("bad_json")
    kind = given.get("type", "track" if "event" in given else None)
    if kind == "identify":
        yield _profile(line, given, tally)
    elif kind == "track":
        properties = given.get("properties") or {}
        name = given.get("event")
        if not isinstance(properties, dict) or not isinstance(name, str) or not name.strip():
            raise BadValueError("bad_event", "event")
        call = Call(
            line=line,
            name=values.parse_text(name, 255),
            properties=properties,
            names=_names(line, given, _traits(given), tally),
            at=_time(given),
            message_id=_message_id(given),
            tally=tally,
        )
        yield from facts_of_track(call)
    else:
        raise BadValueError("other_call", "type")


def _traits(given: dict[str, Any]) -> dict[str, Any]:
    """Traits stand in `traits` or, from some clients, in `context.traits`; the first place wins."""
    context = given.get("context")
    inner = context.get("traits") if isinstance(context, dict) else None
    outer = given.get("traits")
    return {**(inner if isinstance(inner, dict) else {}), **(outer if isinstance(outer, dict) else {})}


def _names(line: int, given: dict[str, Any], traits: dict[str, Any], tally: Tally) -> r.Names:
    sources = {
        "email": (traits.get("email"), values.parse_email),
        "shop": (given.get("userId"), values.parse_id),
        "phone": (traits.get("phone"), values.parse_phone),
        "cookie": (given.get("anonymousId"), values.parse_id),
    }
    found = {kind: _soft(line, kind, value, parse, tally) for kind, (value, parse) in sources.items()}
    return tuple((kind, found[kind]) for kind in r.NAME_KINDS if found.get(kind))


def _soft(line: int, what: str, value: Any, parse: Any, tally: Tally) -> Any:
    """Read one optional value; what cannot be read is a warning."""
    if value is None or isinstance(value, (dict, list, bool)) or not str(value).strip():
        return None
    try:
        return parse(str(value))
    except BadValueError as error:
        tally.warn(line, error.reason, what)
        return None


def _profile(line: int, given: dict[str, Any], tally: Tally) -> r.Profile:
    traits = _traits(given)
    names = _names(line, given, traits, tally)
    if not names:
        raise BadValueError("missing_key")
    address = traits.get("address")
    place = address if isinstance(address, dict) else {}
    told = given.get("context")
    context = told if isinstance(told, dict) else {}
    sources: dict[str, tuple[Any, Any]] = {
        "first_name": (traits.get("firstName", traits.get("first_name")), lambda v: values.parse_text(v, 200)),
        "last_name": (traits.get("lastName", traits.get("last_name")), lambda v: values.parse_text(v, 200)),
        "birth_year": (traits.get("birthday"), values.parse_year),
        "country": (place.get("country"), values.parse_country),
        "region": (place.get("state"), lambda v: values.parse_text(v, 8)),
        "zone": (traits.get("timezone") or context.get("timezone"), values.parse_zone),
        "locale": (traits.get("locale") or context.get("locale"), values.parse_locale),
    }
    read = {name: _soft(line, name, value, parse, tally) for name, (value, parse) in sources.items()}
    return r.Profile(line=line, names=names, traits={name: value for name, value in read.items() if value is not None})


def _time(given: dict[str, Any]) -> datetime:
    for key in _TIMES:
        value = given.get(key)
        if isinstance(value, str) and value.strip():
            return values.parse_time(value)[0]
    raise BadValueError("bad_date", "timestamp")


def _message_id(given: dict[str, Any]) -> str:
    """The sender's own id, or a fingerprint of the call: the same call again is the same call."""
    told = given.get("messageId")
    if isinstance(told, str) and told.strip():
        return values.parse_id(told)
    canonical = json.dumps(given, sort_keys=True, default=str)
    return f"call:{blake2b(canonical.encode('utf-8'), digest_size=16).hexdigest()}"
