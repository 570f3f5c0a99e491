"""How the parsed fields of one record become facts: one small function a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.households import household_hash
from segue.intake.kinds import KINDS
from segue.intake.said import Here, Said, fingerprint
from segue.intake.talk_facts import delivery_of, touchpoint_of

_PRODUCT = ("title", "category", "size_system", "url", "image_url")
_HOME = frozenset({"street", "postcode", "city"})
_TRAITS = tuple(name for name in KINDS["profile"] if name not in _HOME and name not in r.NAME_KINDS)


def _profile(said: Said) -> list[r.Fact]:
    found, traits = said.fields, said.given(*_TRAITS)
    home = (found.get("street"), found.get("postcode"), found.get("city"), found.get("country"))
    household = household_hash(*home, said.door.hash_address)
    if household is not None:
        traits["household_hash"] = household
    return [r.Profile(line=said.line, names=_somebody(said), traits=traits)]


def _consent(said: Said) -> list[r.Fact]:
    found = said.fields
    return [
        r.Consent(
            line=said.line,
            names=_somebody(said),
            channel=found["channel"],
            purpose=found["purpose"],
            state=found["state"],
            basis=found.get("basis") or ("objection" if found["state"] == "denied" else "opt_in"),
            source=found["source"],
            wording=found.get("wording"),
            occurred_at=found["occurred_at"],
        )
    ]


def _somebody(said: Said) -> r.Names:
    if not said.names:
        raise BadValueError("missing_key")
    return said.names


def _suppression(said: Said) -> list[r.Fact]:
    address = said.fields["address"]
    normal = values.parse_email(address) if "@" in address else values.parse_phone(address, said.door.calling_code)
    return [
        r.Suppression(
            line=said.line,
            address_hash=said.door.hash_address(normal),
            reason=said.fields["reason"],
            occurred_at=said.fields["occurred_at"],
        )
    ]


def _product(said: Said) -> list[r.Fact]:
    return [r.Product(line=said.line, external_id=said.fields["external_id"], **said.given(*_PRODUCT))]


def _variant(said: Said) -> list[r.Fact]:
    return [variant_of(said, said.fields["price"], overwrites=True)]


def variant_of(said: Said, price: int | None, *, overwrites: bool) -> r.Variant:
    """What is sold; without a product of its own it is one."""
    found = said.fields
    product = r.Product(line=said.line, external_id=found.get("product") or found["sku"], **said.given(*_PRODUCT))
    return r.Variant(
        line=said.line,
        sku=found["sku"],
        product=product,
        size=found.get("size"),
        colour=found.get("colour"),
        price_minor=price,
        currency=found["currency"],
        option_key=found.get("option_key"),
        overwrites=overwrites,
    )


def _listing(said: Said) -> list[r.Fact]:
    return [
        r.Listing(
            line=said.line,
            product=r.Product(line=said.line, external_id=said.fields["product"]),
            sales_channel=said.fields["sales_channel"],
            listed_from=said.fields["listed_from"],
            listed_until=said.fields.get("listed_until"),
        )
    ]


def _relation(said: Said) -> list[r.Fact]:
    found = said.fields
    product, related = (r.Product(line=said.line, external_id=found[name]) for name in ("product", "related"))
    return [
        r.Relation(line=said.line, product=product, related=related, kind=found["kind"], rank=found.get("rank") or 0)
    ]


def _location(said: Said) -> list[r.Fact]:
    found = said.fields
    if "latitude" in found and "longitude" in found and (found["latitude"] is None) != (found["longitude"] is None):
        said.tally.warn(said.line, "bad_point")  # half a point is none
        found = {**found, "latitude": None, "longitude": None}
    return [r.Location(line=said.line, **found)]


def _stock(said: Said) -> list[r.Fact]:
    if said.fields.get("sku") is None and said.fields.get("option_key") is None:
        raise BadValueError("missing_key", "sku")
    return [r.Stock(line=said.line, **{"sku": None, **said.fields})]


def _cart_event(said: Said) -> list[r.Fact]:
    found = said.fields
    touches = found["kind"] in {"added", "removed"}
    sku = found.get("sku") if touches else None
    if touches and sku is None:
        raise BadValueError("missing_key", "sku")
    at = found["occurred_at"]
    identity = found.get("id") or f"{found['cart']}:{found['kind']}:{sku or ''}:{at.isoformat()}"
    return [
        r.CartEvent(
            line=said.line,
            names=said.names,
            cart=found["cart"],
            kind=found["kind"],
            sku=sku,
            quantity=(found.get("quantity") or 1) if touches else 0,
            occurred_at=at,
            dedupe=f"{said.door.source}:{identity}",
            sales_channel=found["sales_channel"],
        )
    ]


def _order(said: Said) -> list[r.Fact]:
    return [order_of(said, said.fields["external_id"], implied=False)]


def order_of(said: Said, external_id: str, *, implied: bool) -> r.Order:
    """The head of an order; `implied` if one of its lines says so."""
    found = said.fields
    return r.Order(
        line=said.line,
        names=said.names,
        external_id=external_id,
        cart=found.get("cart"),
        number=found.get("number"),
        sales_channel=found["sales_channel"],
        marketplace=bool(found.get("marketplace")),
        location=found.get("location"),
        delivery=found.get("delivery"),
        currency=found["currency"],
        total_minor=found.get("total"),
        discount_minor=found.get("discount") or 0,
        discount_code=found.get("discount_code"),
        referral_code=found.get("referral_code"),
        gift=bool(found.get("gift")),
        refunded_minor=found.get("refunded"),
        occurred_at=found["occurred_at"],
        # A mapping that says nothing of payment means orders that are paid.
        paid_at=found["paid_at"] if "paid_at" in found else found["occurred_at"],
        cancelled_at=found.get("cancelled_at"),
        implied=implied,
    )


def _return(said: Said) -> list[r.Fact]:
    found = said.fields
    document, sku = found["document"], found["sku"]
    quantity, price, total = found["quantity"], found.get("unit_price"), found.get("total")
    if total is None:
        if price is None:
            raise BadValueError("missing_key", "unit_price")
        total = quantity * price
    said.door.returned[document, sku] += 1
    identity = found.get("id") or f"{document}:{sku}:{said.door.returned[document, sku]}"
    return [
        r.Return(
            line=said.line,
            names=said.names,
            dedupe=f"{said.door.source}:{identity}",
            document=document,
            order=found.get("order"),
            variant=variant_of(said, price, overwrites=False),
            quantity=quantity,
            total_minor=total,
            currency=found["currency"],
            reason=found.get("reason"),
            occurred_at=found["occurred_at"],
        )
    ]


def _fulfilment(said: Said) -> list[r.Fact]:
    return [r.Fulfilment(line=said.line, **said.fields)]


def _discount(said: Said) -> list[r.Fact]:
    found = {("amount_minor" if name == "amount" else name): value for name, value in said.fields.items()}
    if found.get("amount_minor") is None:
        found.pop("currency", None)  # of a share it says nothing
    return [r.Discount(line=said.line, **found)]


def _event(said: Said) -> list[r.Fact]:
    found = said.fields
    identity = found.get("id") or f"{found['name']}:{fingerprint(said.cells)}"
    return [
        r.Event(
            line=said.line,
            names=said.names,
            dedupe=f"{said.door.source}:{identity}",
            name=found["name"],
            properties={name: values.parse_text(text) for name, text in said.properties.items()},
            occurred_at=found["occurred_at"],
        )
    ]


FACTS: Mapping[str, Callable[[Said], list[r.Fact]]] = MappingProxyType(
    {
        "profile": _profile,
        "consent": _consent,
        "suppression": _suppression,
        "product": _product,
        "variant": _variant,
        "relation": _relation,
        "listing": _listing,
        "location": _location,
        "stock": _stock,
        "cart_event": _cart_event,
        "order": _order,
        "return": _return,
        "fulfilment": _fulfilment,
        "discount": _discount,
        "touchpoint": touchpoint_of,
        "delivery": delivery_of,
        "event": _event,
    }
)

__all__ = ["FACTS", "Here", "Said", "order_of", "variant_of"]
