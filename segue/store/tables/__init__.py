"""What Segue remembers. Facts are appended, never edited; money is integer minor units; times are UTC.

Four rooms: people, shop, money, talking. `docs/architecture.md` tells the story of each.
"""

from __future__ import annotations

from segue.store.tables.base import metadata
from segue.store.tables.money import discount, redemption, voucher
from segue.store.tables.people import consent_event, identifier, profile, profile_merge, profile_size, suppression
from segue.store.tables.shop import (
    cart,
    cart_event,
    event,
    fulfilment,
    listing,
    location,
    order,
    order_line,
    order_return,
    product,
    stock_event,
    variant,
)
from segue.store.tables.talking import (
    channel_state,
    decision,
    installation,
    journey_state,
    lease,
    message,
    print_page,
    print_run,
    run,
)

__all__ = [
    "cart",
    "cart_event",
    "channel_state",
    "consent_event",
    "decision",
    "discount",
    "event",
    "fulfilment",
    "identifier",
    "installation",
    "journey_state",
    "lease",
    "listing",
    "location",
    "message",
    "metadata",
    "order",
    "order_line",
    "order_return",
    "print_page",
    "print_run",
    "product",
    "profile",
    "profile_merge",
    "profile_size",
    "redemption",
    "run",
    "stock_event",
    "suppression",
    "variant",
    "voucher",
]
