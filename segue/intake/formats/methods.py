"""What a shop's own words for paying and for delivering mean. Data.

What decides whether a card goes into a parcel must be sure: a word that could mean two things means the lesser.
"""

from __future__ import annotations

import re

#: Money that comes outside the shop, so that a state further on does not prove it came.
_LATER = re.compile(
    r"\b(?:check|checkmo|cheque|cash|cod|bank|wire|invoice|rechnung|facture|vorkasse|money[ -]?order"
    r"|purchase[ -]?order|transfer|deposit|manual|offline|in[ -]?store)"
    r"(?:ondelivery|transfer|payment)?\b|\b(?:cashondelivery|banktransfer|purchaseorder)\b"
)
_FETCHED = re.compile(
    r"\bpick[\s-]?up|\b(?:click (?:&|and|\+) collect|collect in[\s-]?store|(?:selbst)?abholung|retrait|recogida|retiro"
    r"|ritiro|afhalen|afhaling)\b"
)


def is_paid_at_once(method: str) -> bool:
    """Tell whether a payment method takes the money when the order is made; an empty cell does not say, so it is no."""
    word = method.replace("_", " ").strip().casefold()
    return bool(word) and _LATER.search(word) is None


def is_fetched(method: str) -> bool:
    """Tell whether a shipping method means fetching it oneself, whatever address stands beside it."""
    return _FETCHED.search(method.replace("_", " ").casefold()) is not None
