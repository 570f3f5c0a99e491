"""What size somebody searched for, read conservatively: what could mean two things means none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, func, select

from segue.store.sql import listed
from segue.store.tables import event, product, variant

_SIZE_IN_WORDS = re.compile(r"\bsize\s*:?\s*([0-9a-z]+(?:[./][0-9]+)?)\b")
_WORD = re.compile(r"[^\W_]+")
_CATEGORY_FILTERS = frozenset({"category", "product_type", "department"})
#: Names of the events that are searches, lower-cased.
SEARCHES = ("products searched", "product list filtered")

_EVENTS = select(event.c.profile_id, event.c.properties, event.c.occurred_at).where(
    listed(event.c.profile_id, "people"),
    func.lower(event.c.name).in_(SEARCHES),
    # Most searches name no size; those never leave the database.
    func.lower(cast(event.c.properties, Text)).like("%size%"),
)
_RANGE = (
    select(product.c.title, product.c.category, product.c.size_system, variant.c.size)
    .join(variant, variant.c.product_id == product.c.id)
    .where(*(column.is_not(None) for column in (product.c.category, product.c.size_system, variant.c.size)))
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Search:
    """A size, and what else the search says of the thing wanted; all lower-cased."""

    size: str
    category: str | None
    words: frozenset[str]


def searched(properties: Mapping[str, Any]) -> Search | None:
    """Read the properties of a search; None unless they name exactly one size and at most one category."""
    sizes: set[str] = set()
    categories: set[str] = set()
    for kind, value in _filters(properties.get("filters")):
        if kind == "size":
            sizes.add(value)
        elif kind in _CATEGORY_FILTERS:
            categories.add(value)
    query = properties.get("query")
    words = query.lower() if isinstance(query, str) else ""
    sizes.update(_SIZE_IN_WORDS.findall(words))
    rest = frozenset(_WORD.findall(_SIZE_IN_WORDS.sub(" ", words)))
    if len(sizes) != 1 or len(categories) > 1:
        return None
    return Search(sizes.pop(), next(iter(categories), None), rest)


def _filters(given: Any) -> Iterator[tuple[str, str]]:
    """`[{"type": "size", "value": "8"}]` as Segment writes it, or `{"size": "8"}`; a value may be a list."""
    if isinstance(given, dict):
        pairs: Iterable[tuple[Any, Any]] = given.items()
    elif isinstance(given, list):
        pairs = [(one.get("type"), one.get("value")) for one in given if isinstance(one, dict)]
    else:
        pairs = ()
    for kind, value in pairs:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(kind, str) and isinstance(one, str | int) and not isinstance(one, bool):
                yield kind.strip().lower(), str(one).strip().lower()


class SizeRange:
    """The sizes a shop sells: which category and system a search can only mean."""

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Take `(title, category, system, size)` of every variant that has them."""
        self._by_size: dict[str, list[tuple[frozenset[str], tuple[str, str, str]]]] = {}
        for title, category, system, size in rows:
            words = frozenset(_WORD.findall(f"{title} {category}".lower()))
            self._by_size.setdefault(size.lower(), []).append((words, (category, system, size)))

    def meant(self, search: Search) -> tuple[str, str, str] | None:
        """Return the only `(category, system, size)` the search can mean, if there is just one."""
        found = {
            worn
            for words, worn in self._by_size.get(search.size, ())
            if search.words <= words and (search.category is None or search.category == worn[0].lower())
        }
        return found.pop() if len(found) == 1 else None


def searches(
    connection: Connection, people: list[int], sizes: SizeRange | None
) -> tuple[dict[tuple[int, str, str, str], datetime], SizeRange | None]:
    """When each of `people` last searched for which `(category, system, size)`; the range is read once, if needed."""
    found: dict[tuple[int, str, str, str], datetime] = {}
    for profile_id, properties, at in connection.execute(_EVENTS, {"people": people}):
        search = searched(properties) if isinstance(properties, dict) else None
        if search is None:
            continue
        if sizes is None:
            sizes = SizeRange(tuple(row) for row in connection.execute(_RANGE).tuples())
        worn = sizes.meant(search)
        if worn is not None:
            key = (profile_id, *worn)
            found[key] = max(at, found.get(key, at))
    return found, sizes
