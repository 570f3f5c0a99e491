"""The second door: Segment-style calls, and what providers post, as JSON lines become facts.

`identify` says who somebody is; `track` with the e-commerce names fills carts and orders; every other
name becomes an event as it is. A `batch` body of the HTTP interface may stand on a line as well, and so may a
provider's own payload: an object, an array of them, or the form it posts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NoReturn

from segue.intake import records as r
from segue.intake import values
from segue.intake.call import Call
from segue.intake.errors import BadValueError
from segue.intake.households import household_hash
from segue.intake.news import HashAddress, facts_of_news, form_of, is_news
from segue.intake.reading import TextFile
from segue.intake.report import Tally
from segue.intake.tokens import ReadLink, no_links
from segue.intake.track import facts_of_track

_TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")


class EventDoor:
    """Turns lines into facts."""

    def __init__(
        self,
        file: TextFile,
        *,
        now: datetime | None = None,
        hash_address: HashAddress | None = None,
        read_link: ReadLink = no_links,
    ) -> None:
        """Without `hash_address` (addresses to keyed hashes) and `now` (UTC), providers' payloads are `other_call`."""
        self._file = file
        self._reader = _Reader(now=now, hash_address=hash_address, read_link=read_link)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield line numbers and lines that are not empty."""
        for number, line in enumerate(self._file.lines(), start=1):
            if line.strip():
                yield number, line

    def facts(self, number: int, line: str, tally: Tally) -> Iterator[r.Fact]:
        """Yield what one line says; count what it fails to say."""
        try:
            call = form_of(line) or _parsed(line)
        except (ValueError, RecursionError):
            cut = number == self._file.line_count and not self._file.ends_cleanly
            tally.skip(number, "truncated" if cut else "bad_json")
            return
        batch = call.get("batch") if isinstance(call, dict) else call
        for one in batch if isinstance(batch, list) and (batch or isinstance(call, dict)) else [call]:
            try:
                facts = list(self._reader.facts_of(number, one, tally))
            except BadValueError as error:
                tally.skip(number, error.reason, error.column)
            else:
                yield from facts


def _parsed(line: str) -> Any:
    """Read JSON; a line of an array that has an object a line, as SendGrid posts it, is that object."""
    try:
        return json.loads(line, parse_float=Decimal, parse_constant=_refuse)
    except ValueError:
        inner = line.strip().removeprefix("[").removesuffix("]").strip().removesuffix(",")
        if not inner.startswith("{"):
            raise
        return json.loads(inner, parse_float=Decimal, parse_constant=_refuse)


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """What holds for every line of the file."""

    now: datetime | None
    hash_address: HashAddress | None
    read_link: ReadLink

    def facts_of(self, line: int, given: Any, tally: Tally) -> Iterator[r.Fact]:
        if not isinstance(given, dict):
            raise BadValueError("bad_json")
        if self.now is not None and self.hash_address is not None and is_news(given):
            yield from facts_of_news(line, given, tally, now=self.now, hash_address=self.hash_address)
            return
        kind = given.get("type", "track" if "event" in given else None)
        if kind == "identify":
            yield _profile(line, given, tally, self.hash_address)
        elif kind == "track":
            yield from facts_of_track(self._call(line, given, tally))
        else:
            raise BadValueError("other_call", "type")

    def _call(self, line: int, given: dict[str, Any], tally: Tally) -> Call:
        properties = given.get("properties") or {}
        name = given.get("event")
        if not isinstance(properties, dict) or not isinstance(name, str) or not name.strip():
            raise BadValueError("bad_event", "event")
        return Call(
            line=line,
            name=values.parse_text(name, 255),
            properties=properties,
            names=_names(line, given, _traits(given), tally),
            at=_time(given),
            message_id=_message_id(given),
            tally=tally,
            context=_object(given, "context"),
            now=self.now,
            read_link=self.read_link,
        )


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def _traits(given: dict[str, Any]) -> dict[str, Any]:
    """Traits stand in `traits` or, from some clients, in `context.traits`; the first place wins."""
    return {**_object(_object(given, "context"), "traits"), **_object(given, "traits")}


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


def _profile(line: int, given: dict[str, Any], tally: Tally, hash_address: HashAddress | None) -> r.Profile:
    traits = _traits(given)
    names = _names(line, given, traits, tally)
    if not names:
        raise BadValueError("missing_key")
    place, context = _object(traits, "address"), _object(given, "context")
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
    if hash_address is not None:
        street, city = (_soft(line, key, place.get(key), _word, tally) for key in ("street", "city"))
        code = next((place[key] for key in ("postalCode", "postal_code", "zip") if place.get(key)), None)
        postcode = _soft(line, "postalCode", code, _word, tally)
        read["household_hash"] = household_hash(street, postcode, city, read["country"], hash_address)
    return r.Profile(line=line, names=names, traits={name: value for name, value in read.items() if value is not None})


def _word(text: str) -> str:
    return values.parse_text(text, 255)


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
