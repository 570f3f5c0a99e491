"""What both doors hand to the loader: one small frozen value per fact, already parsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

#: What names somebody: `("email", "a@example.com")`, `("shop", "17")`, `("cookie", ...)` ...
Names = tuple[tuple[str, str], ...]
#: Begins what stands in for a SKU where a line gives a name alone.
BY_NAME = "name:"
NAME_KINDS = ("email", "shop", "loyalty", "phone", "cookie")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing a row says. `line` is where it says so."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFact(Fact):
    """A fact about somebody, who may be nobody we can name."""

    names: Names = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(PersonFact):
    """Who somebody is: columns of `profile` that the row fills."""

    traits: Mapping[str, Any] = field(default_factory=dict)
    #: True: said in passing, so it only fills what is unknown.
    fills_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(PersonFact):
    """What somebody allowed or forbade, on a channel, when, and where she said so."""

    channel: str
    purpose: str
    state: str
    basis: str
    source: str
    wording: str | None
    occurred_at: datetime
    #: False: the file gives no date, and `occurred_at` is when we read it; such a yes is weak.
    is_dated: bool = True
    #: The message whose link was used: it tells who, where nobody is named.
    through: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression(Fact):
    """An address never to be written to; it makes no profile."""

    address_hash: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Fact):
    """A product; None means the row does not say."""

    external_id: str
    title: str | None = None
    category: str | None = None
    size_system: str | None = None
    url: str | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(Fact):
    """One size and colour of a product; `overwrites` is false where it only stands in for an unknown one."""

    sku: str
    product: Product
    size: str | None = None
    colour: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    #: The product's id and the option values as the shop writes them; how stock files name it.
    option_key: str | None = None
    overwrites: bool = True
    #: What an order line calls it, `Fern Sweater - 8 / Moss`: tells which one it is where its SKU does not.
    line_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Fact):
    """A product on a sales channel for a while."""

    product: Product
    sales_channel: str
    listed_from: datetime
    listed_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Fact):
    """What goes with a product, or stands in for it."""

    product: Product
    related: Product
    #: goes_with, alternative
    kind: str
    #: Lower comes first.
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Location(Fact):
    """A warehouse, store or pop-up; None means the row does not say."""

    external_id: str
    kind: str | None
    name: str | None
    #: As people write it on one line.
    address: str | None = None
    country: str | None = None
    zone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock(Fact):
    """What a location holds of a variant from an instant on; the variant by `option_key`, else by SKU."""

    sku: str | None
    option_key: str | None = None
    location: str
    quantity: int
    occurred_at: datetime
    #: The location is where a file that knows no places puts its totals; they count until levels per place are known.
    is_total: bool = False
    #: The location whose total this level is a part of: from now on it holds nothing, but for what the file gives it.
    replaces_total: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartEvent(PersonFact):
    """Something that happened to a cart."""

    cart: str
    kind: str
    sku: str | None
    quantity: int
    occurred_at: datetime
    dedupe: str
    sales_channel: str
    #: As a variant's.
    line_name: str | None = None
    #: `cart` may name something else: without such a cart at the end of the file this becomes the event `otherwise`.
    otherwise: Event | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(PersonFact):
    """The head of an order; `total_minor` None means the sum of its lines less the discount."""

    external_id: str
    cart: str | None
    #: False: `cart` counts only if such a cart is known at the end of the file.
    makes_cart: bool = True
    #: What people call it, `#1001`.
    number: str | None = None
    sales_channel: str
    marketplace: bool = False
    location: str | None = None
    #: ship, pickup, none; None: the row does not say.
    delivery: str | None = None
    currency: str
    total_minor: int | None
    discount_minor: int = 0
    discount_code: str | None = None
    #: A friend's code that the buyer named.
    referral_code: str | None = None
    gift: bool = False
    refunded_minor: int | None = None
    occurred_at: datetime
    #: None: not paid yet, as far as the row knows.
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    #: A later file of the same system: what it says of payment, refund, cancellation and worth replaces what we knew.
    overwrites: bool = False
    #: Its lines are proved to be all of it: what was known of others is over.
    whole: bool = False
    #: Said by a line rather than by a row of its own: the order counts once, however many lines say it.
    implied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine(Fact):
    """One line of an order."""

    order: str
    #: None: the next number within the order, in the file's order.
    position: int | None
    variant: Variant
    quantity: int
    unit_price_minor: int
    #: None: quantity times price.
    total_minor: int | None = None
    returned_at: datetime | None = None
    #: too_small, too_large, other.
    return_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(PersonFact):
    """A return that is a document of its own; it may match no purchase. Quantity and total are positive."""

    dedupe: str
    document: str
    #: The purchase, where the row names it.
    order: str | None = None
    variant: Variant
    quantity: int
    total_minor: int
    currency: str
    reason: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilment(Fact):
    """What was done with an order's goods: packed, shipped, delivered, picked_up."""

    order: str
    kind: str
    location: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount(Fact):
    """A code the shop made itself; None means the row does not say."""

    code: str
    percent: float | None = None
    amount_minor: int | None = None
    currency: str | None = None
    status: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    times_used: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Fact):
    """An order cancelled, or something of it given back: goods, else an amount, else everything."""

    order: str
    cancelled: bool
    #: Each SKU once, and how many of it came back (None: all of them); None: no goods are named.
    goods: tuple[tuple[str, int | None], ...] | None = None
    #: What was refunded, in the order's currency unless `currency` says another; counts where no goods are named.
    amount: Decimal | None = None
    currency: str | None = None
    #: What tells it apart from another refund of the same order.
    name: str = ""
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(PersonFact):
    """Anything else that happened."""

    dedupe: str
    name: str
    properties: Mapping[str, Any]
    occurred_at: datetime
