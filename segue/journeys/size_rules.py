"""What each fact is worth as evidence of a size, and which size comes next: data, with the reasons in ADR 0008."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: An order line she kept. All other weights are shares of it.
KEPT: Final = 1.0
#: A line that came back for a reason that is said and is not the fit: she did choose that size.
RETURNED_OTHER: Final = 0.5
#: A line that came back too small or too large speaks against its size, once for the line.
RETURNED_FIT: Final = -1.0
#: What such a line lends to the next size of the same product in the direction she needs.
NEXT_SIZE: Final = 0.5
#: A variant put in a cart, left in and not ordered since; once a variant, however often.
CARTED: Final = 0.3
#: A variant looked at; once a variant.
VIEWED: Final = 0.1
#: A search that names the size; once a category, system and size.
SEARCHED: Final = 0.2
#: Most that views and searches are worth for one size: a page opens on some size by itself.
LOOKED_MOST: Final = 0.6
#: Evidence is worth half after this long, a quarter after twice as long.
HALF_LIFE: Final = timedelta(days=548)
#: As if one order line had spoken for no size we know; it keeps a single cart from being certain.
PRIOR: Final = 1.0
#: From here on a size is used to filter. One fresh order line gives 0.5; looking alone stays below.
KNOWN: Final = 0.4
#: The size system whose only size fits everybody.
ONE_SIZE: Final = "one_size"

#: Letters from small to large, with the ways to write one.
LETTERS: Final = (
    ("XXXXS", "4XS"),
    ("XXXS", "3XS"),
    ("XXS", "2XS"),
    ("XS",),
    ("S",),
    ("M",),
    ("L",),
    ("XL",),
    ("XXL", "2XL"),
    ("XXXL", "3XL"),
    ("XXXXL", "4XL"),
)
#: Plain numbers, with halves; the larger number is the larger size.
NUMBERS: Final = r"^(0|[1-9][0-9]{0,2})(\.5)?$"
#: American for the size below 0.
BELOW_ZERO: Final = "00"
