"""Everything that says something about somebody's size, as one question to the facts.

Each part gives `profile_id`, `category`, `system`, `size`, `weight`, `at` and `looked` (it only looks: views and
searches). Variants without a size and products without a category or size system say nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Float,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from segue.journeys import size_rules as rules
from segue.store.sql import listed
from segue.store.tables import cart, cart_event, event, order, order_line, order_return, product, variant

_WORN = (product.c.category, product.c.size_system.label("system"), variant.c.size)
#: Name of the event that is a look at a variant, lower-cased.
VIEW = "product viewed"
_FIT = ("too_small", "too_large")


def has_size() -> Any:
    """A condition on a variant and its product."""
    return and_(product.c.category.is_not(None), product.c.size_system.is_not(None), variant.c.size.is_not(None))


def lines() -> CTE:
    """Order lines of `people`, and returns that match no order we know: `line`, whose, what, when, `back_at`, why.

    Gifts are for somebody else and cancelled orders never came. A return document of an order and variant brings back
    that order's lines of it.
    """
    documents = (
        select(
            order_return.c.order_id,
            order_return.c.variant_id,
            func.max(order_return.c.occurred_at).label("at"),
            # By the alphabet the fit outranks `other`: what is said more exactly.
            func.max(order_return.c.reason).label("reason"),
        )
        .join(order, order.c.id == order_return.c.order_id)
        .where(listed(order.c.profile_id, "people"))
        .group_by(order_return.c.order_id, order_return.c.variant_id)
        .subquery("document")
    )
    bought = (
        select(
            order_line.c.id.label("line"),
            order.c.profile_id,
            variant.c.product_id,
            *_WORN,
            order.c.occurred_at.label("at"),
            func.coalesce(order_line.c.returned_at, documents.c.at).label("back_at"),
            func.coalesce(order_line.c.return_reason, documents.c.reason).label("reason"),
        )
        .select_from(
            order.join(order_line, order_line.c.order_id == order.c.id)
            .join(variant, variant.c.id == order_line.c.variant_id)
            .join(product, product.c.id == variant.c.product_id)
            .outerjoin(
                documents, and_(documents.c.order_id == order.c.id, documents.c.variant_id == order_line.c.variant_id)
            )
        )
        .where(
            listed(order.c.profile_id, "people"),
            order.c.gift.is_(False),
            order.c.cancelled_at.is_(None),
            order_line.c.quantity > 0,
            has_size(),
        )
    )
    unmatched = (
        select(
            -order_return.c.id,
            order_return.c.profile_id,
            variant.c.product_id,
            *_WORN,
            order_return.c.occurred_at,
            order_return.c.occurred_at,
            order_return.c.reason,
        )
        .join(variant, variant.c.id == order_return.c.variant_id)
        .join(product, product.c.id == variant.c.product_id)
        .where(
            listed(order_return.c.profile_id, "people"),
            order_return.c.order_id.is_(None),
            order_return.c.reason.in_(_FIT),
            has_size(),
        )
    )
    return union_all(bought, unmatched).cte("line")


def worn(line: CTE) -> Select[Any]:
    """What the lines say of their own size."""
    kept = line.c.back_at.is_(None)
    fit = line.c.reason.in_(_FIT)
    weight = case((kept, rules.KEPT), (fit, rules.RETURNED_FIT), else_=rules.RETURNED_OTHER)
    at = case((and_(~kept, fit), line.c.back_at), else_=line.c.at)
    # A return without a reason says nothing: most clothes that come back do not fit.
    says = or_(kept, line.c.reason.is_not(None))
    return _evidence(line, cast(weight, Float(53)).label("weight"), at.label("at"), looked=False).where(says)


def lent(line: CTE) -> Select[Any]:
    """What lines that did not fit lend to the next size of the same product, where its place is certain."""
    misfit = (
        select(line, _rank(line.c.size).label("rank"), _is_letters(line.c.size).label("letters"))
        .where(line.c.back_at.is_not(None), line.c.reason.in_(_FIT))
        .subquery("misfit")
    )
    rank = _rank(variant.c.size)
    step = case((misfit.c.reason == "too_small", rank - misfit.c.rank), else_=misfit.c.rank - rank)
    sibling = (
        select(
            misfit.c.profile_id,
            misfit.c.category,
            misfit.c.system,
            variant.c.size,
            misfit.c.back_at,
            # The same size in several colours, or in two spellings, is one neighbour.
            func.row_number().over(partition_by=misfit.c.line, order_by=(step, variant.c.size)).label("nearest"),
        )
        .join(variant, variant.c.product_id == misfit.c.product_id)
        .where(step > 0, _is_letters(variant.c.size) == misfit.c.letters)
        .subquery("sibling")
    )
    weight = literal(rules.NEXT_SIZE, Float(53)).label("weight")
    return _evidence(sibling, weight, sibling.c.back_at.label("at"), looked=False).where(sibling.c.nearest == 1)


def _is_letters(size: ColumnElement[str]) -> ColumnElement[int]:
    """1 where letters say the size, 0 where numbers do or nobody knows: two scales that are never compared."""
    return case((size.in_([letters for alike in rules.LETTERS for letters in alike]), 1), else_=0)


def _rank(size: ColumnElement[str]) -> ColumnElement[float]:
    """The size's place among its like; null where it is not certain."""
    letters = [(size.in_(alike), float(rank)) for rank, alike in enumerate(rules.LETTERS)]
    number = (size.regexp_match(rules.NUMBERS), cast(size, Float(53)))
    return case(*letters, (size == rules.BELOW_ZERO, -1.0), number)


def carted() -> Select[Any]:
    """Variants put in a cart, not taken out and not ordered since; each once, at its last time."""
    added = cart_event.c.kind == "added"
    held = (
        select(
            cart.c.profile_id,
            cart_event.c.variant_id,
            func.max(case((added, cart_event.c.occurred_at))).label("at"),
        )
        .join(cart_event, cart_event.c.cart_id == cart.c.id)
        .where(listed(cart.c.profile_id, "people"), cart_event.c.kind.in_(("added", "removed")))
        .group_by(cart.c.profile_id, cart.c.id, cart_event.c.variant_id)
        .having(func.sum(case((added, cart_event.c.quantity), else_=-cart_event.c.quantity)) > 0)
        .subquery("held")
    )
    last = (
        select(held.c.profile_id, held.c.variant_id, func.max(held.c.at).label("at"))
        .group_by(held.c.profile_id, held.c.variant_id)
        .subquery("last_held")
    )
    # A cancelled order or a gift is an order, too: then that speaks, or is silent, not the cart.
    ordered = exists().where(
        order.c.profile_id == last.c.profile_id,
        order.c.occurred_at >= last.c.at,
        order_line.c.order_id == order.c.id,
        order_line.c.variant_id == last.c.variant_id,
    )
    weight = literal(rules.CARTED, Float(53)).label("weight")
    return _of_variants(last, weight, looked=False).where(~ordered)


def sku_viewed() -> ColumnElement[str]:
    """The SKU a view names; without one, what stands for it in carts and orders, too."""
    names = ("sku", "product_id", "variant")
    sku, product_id, name = (cast(event.c.properties[key].as_string(), Text) for key in names)
    return func.coalesce(sku, product_id + ":" + name, product_id)


def viewed() -> Select[Any]:
    """Variants looked at; each once, at its last time."""
    seen = (
        select(event.c.profile_id, variant.c.id.label("variant_id"), func.max(event.c.occurred_at).label("at"))
        .join(variant, variant.c.sku == sku_viewed())
        .where(listed(event.c.profile_id, "people"), func.lower(event.c.name) == VIEW)
        .group_by(event.c.profile_id, variant.c.id)
        .subquery("seen")
    )
    return _of_variants(seen, literal(rules.VIEWED, Float(53)).label("weight"), looked=True)


def _of_variants(found: Subquery, weight: Any, *, looked: bool) -> Select[Any]:
    return (
        select(found.c.profile_id, *_WORN, weight, found.c.at, literal(looked, Boolean).label("looked"))
        .select_from(
            found.join(variant, variant.c.id == found.c.variant_id).join(product, product.c.id == variant.c.product_id)
        )
        .where(has_size())
    )


def _evidence(found: Any, weight: Any, at: Any, *, looked: bool) -> Select[Any]:
    return select(
        found.c.profile_id,
        found.c.category,
        found.c.system,
        found.c.size,
        weight,
        at,
        literal(looked, Boolean).label("looked"),
    )
