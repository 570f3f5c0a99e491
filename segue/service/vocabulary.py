"""The words a shop itself uses: categories, size systems, sales channels, networks, regions. Others are refused.

`Tops` where the shop says `tops` would name nobody, and nothing would tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from segue.journeys.segments import Bought, CameFrom, Definition, Fits, Follows, Lives, Not
from segue.store.tables import listing, location, order, product, profile, touchpoint, variant

CATEGORIES: Final = select(product.c.category.label("word")).where(product.c.category.is_not(None)).distinct()
SIZE_SYSTEMS: Final = select(product.c.size_system.label("word")).where(product.c.size_system.is_not(None)).distinct()
#: Where things are listed.
LISTED_ON: Final = select(listing.c.sales_channel.label("word")).distinct()
#: Where orders were placed.
BOUGHT_ON: Final = select(order.c.sales_channel.label("word")).distinct()
SOURCES: Final = select(profile.c.source.label("word")).where(profile.c.source.is_not(None)).distinct()
NETWORKS: Final = (
    select(touchpoint.c.network.label("word"))
    .where(touchpoint.c.kind == "follow", touchpoint.c.network.is_not(None))
    .distinct()
)
_SIZES: Final = select(variant.c.size.label("word")).where(variant.c.size.is_not(None)).distinct()
#: Ids of every place, as the shop calls them.
PLACE_IDS: Final = select(location.c.external_id.label("word"))
#: So many of the shop's own words are named where one is not known.
_SOME = 12


def check_words(connection: Connection, definition: Definition) -> None:
    """Raise ValueError, with some of the choice, where a condition uses a word that the shop does not.

    Where the shop knows none at all yet, there is nothing to compare with and any is taken.
    """
    for what, word, known in _words(definition.conditions):
        found = {str(row.word) for row in connection.execute(known)}
        if found and word not in found:
            some = sorted(found)
            told = ", ".join(some[:_SOME]) + (" ..." if len(some) > _SOME else "")
            raise ValueError(f"there is no {what} {word}, so it would name nobody; there are {told}")


def _words(conditions: Iterable[Any]) -> Iterator[tuple[str, str, Select[Any]]]:
    """What each word is, the word, and the select of those there are."""
    for one in conditions:
        if isinstance(one, Not):
            yield from _words((one.condition,))
        asked: tuple[tuple[str, str | None, Any], ...] = ()
        if isinstance(one, Bought):
            asked = (("category", one.category, CATEGORIES), ("sales channel", one.channel, BOUGHT_ON))
        elif isinstance(one, Fits):
            asked = (
                ("size", one.size, _SIZES),
                ("category", one.category, CATEGORIES),
                ("size system", one.system, SIZE_SYSTEMS),
            )
        elif isinstance(one, CameFrom):
            asked = (("sales channel that people came from", one.channel, SOURCES),)
        elif isinstance(one, Follows):
            asked = (("network that somebody follows us on:", one.network, NETWORKS),)
        elif isinstance(one, Lives):
            regions = select(profile.c.region.label("word")).where(
                profile.c.country == one.country, profile.c.region.is_not(None)
            )
            asked = ((f"region of {one.country} where people live:", one.region, regions.distinct()),)
        yield from ((what, word, known) for what, word, known in asked if word is not None)
