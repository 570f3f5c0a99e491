"""Writes the sample shop's year as plain files, to be read through the same doors as anybody's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from segue.sample.agenda import Agenda
from segue.sample.catalogue import listing_rows, product_rows
from segue.sample.clicks import Clickstream
from segue.sample.consents import cast_for_carts, consent_rows, suppression_rows
from segue.sample.crowd import Crowd
from segue.sample.dice import dice
from segue.sample.parcels import parcels
from segue.sample.people import Person, make_people
from segue.sample.places import POPUP_CLOSES, POPUP_OPENS, location_rows, popup_row
from segue.sample.relations import relation_rows
from segue.sample.rows import (
    ConsentRow,
    CustomerRow,
    FulfilmentRow,
    ListingRow,
    LocationRow,
    OrderLineRow,
    OrderRow,
    ProductRow,
    RelationRow,
    StockRow,
    SuppressionRow,
    write_csv,
)
from segue.sample.season import Season
from segue.sample.stages import NEW_YORK, Stage
from segue.sample.stock import StockBook, plan_stock
from segue.sample.story import plan_story
from segue.sample.talk import plan_talk
from segue.sample.till import Till
from segue.sample.trade import Trade
from segue.sample.year import YEAR_END, YEAR_START

#: Told what is being made and how much of it is done, 0 to 1.
Progress = Callable[[str, float], None]

FEWEST_CUSTOMERS: Final = 200
_ORDERS_PER_CUSTOMER: Final = 2.25
_CARTS_PER_CUSTOMER: Final = 0.325
#: Share of the season's carts that end in an order on the site.
_BOUGHT: Final = 0.31


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopFiles:
    """Where the sample shop lies and how many records each file holds."""

    folder: Path
    products: Path
    relations: Path
    listings: Path
    locations: Path
    stock: Path
    customers: Path
    consents: Path
    suppressions: Path
    orders: Path
    order_lines: Path
    fulfilments: Path
    events: Path
    talk: Path
    #: Records by file name.
    counts: dict[str, int]

    def in_order(self) -> tuple[Path, ...]:
        """Return the files in the order in which to import them: people and things before what happened to them."""
        return (
            self.products, self.relations, self.listings, self.locations, self.stock, self.customers, self.consents,
            self.suppressions, self.orders, self.order_lines, self.fulfilments, self.events,
            self.talk,
        )  # fmt: skip


def write_shop(
    folder: Path, *, seed: int = 8, customers: int = 2000, stage: Stage = NEW_YORK, progress: Progress | None = None
) -> ShopFiles:
    """Write the shop of `seed` with so many customers into `folder`; the same arguments give the same bytes.

    Sarah's story plays on `stage`; what its people do with codes that only messages tell them, `later` writes.
    Raises ValueError for fewer than 200 customers: too few for everything that happens in a season.
    """
    if customers < FEWEST_CUSTOMERS:
        raise ValueError(f"{customers} customers cannot fill a season; ask for at least {FEWEST_CUSTOMERS}")
    tell = progress or (lambda _what, _share: None)
    tell("people", 0.0)
    people = make_people(dice(seed, "people"), customers, stage)
    consents = consent_rows(dice(seed, "consents"), people, stage)
    suppressions = suppression_rows(dice(seed, "suppressions"), people)
    cast = cast_for_carts(people, consents, suppressions)
    tell("people", 1.0)
    book, till, stream = _play_year(seed, people, cast, stage, tell)
    sent = parcels(dice(seed, "parcels"), till.orders)

    tell("files", 0.0)
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    popup = popup_row(stage.popup, stage.popup_address, stage.city, stage.popup_point)

    def table(name: str, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Path:
        path = folder / f"{name}.csv"
        counts[path.name] = write_csv(path, header, rows)
        return path

    files = ShopFiles(
        folder=folder,
        products=table("products", ProductRow._fields, product_rows()),
        relations=table("relations", RelationRow._fields, relation_rows()),
        listings=table("listings", ListingRow._fields, listing_rows(POPUP_OPENS, POPUP_CLOSES)),
        locations=table("locations", LocationRow._fields, location_rows(popup)),
        stock=table("stock", StockRow._fields, book.rows()),
        customers=table("customers", CustomerRow._fields, (person.row() for person in people)),
        consents=table("consents", ConsentRow._fields, consents),
        suppressions=table("suppressions", SuppressionRow._fields, suppressions),
        orders=table("orders", OrderRow._fields, (parcel.order_row() for parcel in sent)),
        order_lines=table("order_lines", OrderLineRow._fields, till.line_rows()),
        fulfilments=table("fulfilments", FulfilmentRow._fields, (row for parcel in sent for row in parcel.rows())),
        events=_write_events(folder / "events.jsonl", stream, counts),
        talk=_write_events(folder / "talk.jsonl", plan_talk(dice(seed, "talk"), people, stage), counts),
        counts=counts,
    )
    tell("files", 1.0)
    return files


def _play_year(
    seed: int, people: Sequence[Person], cast: Sequence[Person], stage: Stage, tell: Progress
) -> tuple[StockBook, Till, Clickstream]:
    """Plan everything that will happen, then let it happen in order."""
    agenda, book = Agenda(), StockBook()
    till = Till(dice(seed, "till"), book)
    stream = Clickstream(dice(seed, "clicks"))
    crowd = Crowd(dice(seed, "crowd"), people)
    plan_stock(dice(seed, "stock"), book, agenda)
    plan_story(
        {p.customer_id: p for p in people if p.is_story},
        stage=stage, book=book, till=till, stream=stream, agenda=agenda,
    )  # fmt: skip
    carts = round(len(people) * _CARTS_PER_CUSTOMER)
    trade = Trade(dice(seed, "trade"), crowd=crowd, book=book, till=till, agenda=agenda)
    trade.plan(
        round(len(people) * _ORDERS_PER_CUSTOMER - carts * _BOUGHT),
        [p for p in people if not p.is_story and not p.has_hostile_name],
    )
    Season(dice(seed, "season"), crowd=crowd, book=book, till=till, stream=stream, agenda=agenda).plan(carts, cast)

    told = 0.0

    def each(at: datetime) -> None:
        nonlocal told
        share = (at - YEAR_START) / (YEAR_END - YEAR_START)
        if share >= told + 0.01:
            told = share
            tell("year", share)

    agenda.play(YEAR_END, each)
    tell("year", 1.0)
    return book, till, stream


def _write_events(path: Path, stream: Clickstream, counts: dict[str, int]) -> Path:
    lines = list(stream.lines())
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    counts[path.name] = len(lines)
    return path
