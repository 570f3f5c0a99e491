"""What happened to people, as entries of a timeline: what they did, said and bought, as the tables remember it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, select

from segue.gallery import words
from segue.store.sql import among
from segue.store.tables import (
    cart,
    cart_event,
    consent_event,
    event,
    identifier,
    order,
    order_line,
    product,
    profile,
    suppression,
    variant,
    voucher,
)

#: The title of entries about products looked at; those of one visit become one.
LOOKED: Final = "Looked around"

Kind = Literal["person", "consent", "refusal", "look", "cart", "order", "code", "message", "decision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened to one person."""

    at: datetime
    kind: Kind
    title: str
    detail: str = ""
    #: The channel it is about, where it is about one.
    channel: str | None = None
    #: The message it is about, where there is one.
    message_id: int | None = None
    #: The group of the sum it led to, where it led to one.
    group: str | None = None
    #: The machine's word for why, where there is one.
    reason: str | None = None


HashAddress = Callable[[str], str]
"""Address -> the keyed hash under which it is suppressed."""

Told = Iterator[tuple[int, Entry]]
"""Entries with the profile id of whom they are about."""


def facts(
    connection: Connection, people: Collection[int], *, until: datetime, hash_address: HashAddress | None
) -> Told:
    """Everything these people did up to `until`, in no order.

    Suppressed addresses are stored as keyed hashes; without `hash_address` nobody can tell whose they are.
    """
    yield from _met(connection, people)
    yield from _consents(connection, people, until)
    yield from _looks(connection, people, until)
    yield from _carts(connection, people, until)
    yield from _orders(connection, people, until)
    yield from _codes(connection, people, until)
    if hash_address is not None:
        yield from _suppressions(connection, people, until, hash_address)


def _met(connection: Connection, people: Collection[int]) -> Told:
    for row in connection.execute(
        select(profile.c.id, profile.c.created_at, profile.c.source).where(among(connection, profile.c.id, people))
    ):
        came = f"came by {words.shop(row.source)}" if row.source else ""
        yield row.id, Entry(at=row.created_at, kind="person", title="Became known to the shop", detail=came)


def _consents(connection: Connection, people: Collection[int], until: datetime) -> Told:
    told = {"granted": "Agreed to", "confirmed": "Confirmed", "denied": "Said no to",
            "doubted": "May have said no to"}  # fmt: skip
    for row in connection.execute(
        select(consent_event).where(
            among(connection, consent_event.c.profile_id, people), consent_event.c.occurred_at <= until
        )
    ):
        what = "ads" if row.channel == "ads" else f"{words.plain(row.purpose)} {words.medium(row.channel)}"
        by_custom = row.state == "granted" and row.basis == "soft_opt_in"
        said = "As a customer, may get" if by_custom else told.get(row.state, words.title(row.state))
        detail = f"“{row.wording}”" if row.wording else words.plain(row.basis)
        dated = "" if row.is_dated else "; no date given, this is when it was read"
        yield (
            row.profile_id,
            Entry(
                at=row.occurred_at,
                kind="refusal" if row.state in {"denied", "doubted"} else "consent",
                title=f"{said} {what}",
                detail=f"{detail} ({words.plain(row.source)}{dated})",
                channel=row.channel,
            ),
        )


def _looks(connection: Connection, people: Collection[int], until: datetime) -> Told:
    for row in connection.execute(
        select(event.c.profile_id, event.c.name, event.c.properties, event.c.occurred_at).where(
            among(connection, event.c.profile_id, people), event.c.occurred_at <= until
        )
    ):
        title = LOOKED if row.name == "Product Viewed" else row.name
        yield row.profile_id, Entry(at=row.occurred_at, kind="look", title=title, detail=_named(row.properties))


def _named(properties: Any) -> str:
    """What an event was about, if it says so; the properties are the shop's own and hold anything."""
    name = properties.get("name") if isinstance(properties, dict) else None
    return name if isinstance(name, str) else ""


def _carts(connection: Connection, people: Collection[int], until: datetime) -> Told:
    told = {"added": "Put in the cart", "removed": "Took out of the cart", "viewed": "Looked at the cart",
            "checkout_started": "Started the checkout", "ordered": "Ordered the cart"}  # fmt: skip
    for row in connection.execute(
        select(
            cart.c.profile_id,
            cart_event.c.kind,
            cart_event.c.quantity,
            cart_event.c.occurred_at,
            product.c.title,
            variant.c.size,
            variant.c.colour,
        )
        .select_from(
            cart.join(cart_event, cart_event.c.cart_id == cart.c.id)
            .outerjoin(variant, variant.c.id == cart_event.c.variant_id)
            .outerjoin(product, product.c.id == variant.c.product_id)
        )
        .where(
            among(connection, cart.c.profile_id, people),
            cart_event.c.occurred_at <= until,
            cart_event.c.kind != "ordered",  # the order itself says more
        )
    ):
        detail = _thing(row.title, row.size, row.colour, row.quantity) if row.title else ""
        yield row.profile_id, Entry(at=row.occurred_at, kind="cart", title=told[row.kind], detail=detail)


def _orders(connection: Connection, people: Collection[int], until: datetime) -> Told:
    mine = order.c.profile_id.is_not(None) & among(connection, order.c.profile_id, people)
    bought: dict[int, list[str]] = {}
    for row in connection.execute(
        select(order_line.c.order_id, order_line.c.quantity, product.c.title, variant.c.size, variant.c.colour)
        .select_from(
            order.join(order_line, order_line.c.order_id == order.c.id)
            .join(variant, variant.c.id == order_line.c.variant_id)
            .join(product, product.c.id == variant.c.product_id)
        )
        .where(mine, order.c.occurred_at <= until)
        .order_by(order_line.c.order_id, order_line.c.position)
    ):
        bought.setdefault(row.order_id, []).append(_thing(row.title, row.size, row.colour, row.quantity))
    for row in connection.execute(select(order).where(mine, order.c.occurred_at <= until)):
        paid = words.money(row.total_minor, row.currency)
        code = f" with the code {row.discount_code}" if row.discount_code else ""
        detail = "; ".join((*bought.get(row.id, ()), f"in {words.shop(row.sales_channel)}{code}"))
        yield row.profile_id, Entry(at=row.occurred_at, kind="order", title=f"Bought for {paid}", detail=detail)
        if row.cancelled_at is not None and row.cancelled_at <= until:
            yield row.profile_id, Entry(at=row.cancelled_at, kind="order", title=f"Cancelled the order for {paid}")


def _codes(connection: Connection, people: Collection[int], until: datetime) -> Told:
    for row in connection.execute(
        select(voucher).where(among(connection, voucher.c.profile_id, people), voucher.c.valid_from <= until)
    ):
        worth = f"{row.percent}%" if row.percent is not None else words.money(row.amount_minor or 0, row.currency or "")
        hours = round((row.valid_until - row.valid_from).total_seconds() / 3600)
        lives = f"good for {hours} hours" if hours <= 96 else f"good for {round(hours / 24)} days"
        title = f"Got the code {row.code}"
        yield row.profile_id, Entry(at=row.valid_from, kind="code", title=title, detail=f"{worth} off, {lives}")


def _suppressions(connection: Connection, people: Collection[int], until: datetime, hash_address: HashAddress) -> Told:
    told = {"unsubscribe": "Unsubscribed", "stop": "Replied STOP", "hard_bounce": "The address bounced for good",
            "complaint": "Complained about spam", "objection": "Objected to marketing"}  # fmt: skip
    owners: dict[str, list[tuple[int, str]]] = {}
    for row in connection.execute(
        select(identifier.c.profile_id, identifier.c.kind, identifier.c.value).where(
            among(connection, identifier.c.profile_id, people), identifier.c.kind.in_(("email", "phone"))
        )
    ):
        owners.setdefault(hash_address(row.value), []).append((row.profile_id, row.kind))
    if not owners:
        return
    for row in connection.execute(
        select(suppression).where(
            among(connection, suppression.c.address_hash, owners), suppression.c.occurred_at <= until
        )
    ):
        # Only imports write here: what a file does not date, it has from the instant of reading.
        dated = "" if row.occurred_at != row.recorded_at else " (no date given, this is when it was read)"
        for profile_id, kind in owners[row.address_hash]:
            which = "the e-mail address" if kind == "email" else "the phone number"
            title = told.get(row.reason, words.title(row.reason))
            detail = f"{which} is never written to again{dated}"
            yield profile_id, Entry(at=row.occurred_at, kind="refusal", title=title, detail=detail)


def _thing(title: str, size: str | None, colour: str | None, quantity: int) -> str:
    fit = None if not size else size.lower() if "size" in size.lower() else f"size {size}"
    told = ", ".join(part for part in (title, colour, fit) if part)
    return f"{quantity} of {told}" if quantity > 1 else told
