"""Withdrawing codes from a Shopify shop, for good.

A redeem code cannot be switched off by itself, and one that is deleted could be added again by whoever still means
to publish it. So a withdrawn code is deleted and then added to a discount that ended long ago: it is worthless, and
taken. Both steps are jobs of the shop; a code is named only when it is there, and until then asked for again.

A code that was used is worthless already (one use a code) and stays where its redemption can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.shopify_discounts import Discounts
from connectors.shopify_documents import MOST_CODES
from connectors.shopify_publish import is_writable
from connectors.shopify_shelf import Found, Shelf


class Withdrawal:
    """One call's codes on their way out."""

    def __init__(self, shelf: Shelf, discounts: Discounts) -> None:
        self._shelf = shelf
        self._discounts = discounts

    def named(self, codes: Sequence[str]) -> Iterator[str]:
        """Yield the codes that are worthless for good by now; a code of somebody else's discount is never touched."""
        wanted = [code for code in dict.fromkeys(codes) if is_writable(code)]
        found = self._shelf.find(wanted, to_delete=True)
        for code, one in found.items():
            if one.title == self._discounts.withdrawn or (self._discounts.is_ours(one.title) and one.is_used):
                yield code
        freed = [code for code in wanted if code not in found] + self._deleted(found)
        for start in range(0, len(freed), MOST_CODES):
            yield from self._buried(freed[start : start + MOST_CODES])

    def _deleted(self, found: dict[str, Found]) -> list[str]:
        """Delete the live ones, discount by discount; returns the codes that are free now."""
        live: dict[str, dict[str, str]] = {}
        for code, one in found.items():
            is_live = self._discounts.is_ours(one.title) and one.title != self._discounts.withdrawn and not one.is_used
            if is_live and one.redeem_id is not None:
                live.setdefault(one.discount_id, {})[code] = one.redeem_id
        free: list[str] = []
        for discount_id, redeem_ids in live.items():
            codes = list(redeem_ids)
            for start in range(0, len(codes), MOST_CODES):
                share = codes[start : start + MOST_CODES]
                if self._shelf.delete(discount_id, [redeem_ids[code] for code in share]):
                    free += share
        return free

    def _buried(self, codes: Sequence[str]) -> Iterator[str]:
        if not codes:
            return
        grave = self._shelf.discount_titled(self._discounts.withdrawn, has_ended=True)
        if grave is None:
            first, *codes = codes
            grave, _ = self._shelf.create(self._discounts.grave(first))
            if grave is None:
                return
            yield first
        if codes:
            job, _ = self._shelf.add(grave, codes)
            failures = None if job is None else self._shelf.failures(job)
            yield from (code for code in codes if failures is not None and code not in failures)
