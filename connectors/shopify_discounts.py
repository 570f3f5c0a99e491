"""Which Shopify discount a personal code belongs to.

In Shopify worth, window and usage limit belong to a discount, and its redeem codes share them; the limit counts for
each code by itself (shopify.dev community, "Scope of usageLimit for Discounts with Multiple Codes via
discountRedeemCodeBulkAdd"). So all codes of one worth and one window live in one discount with `usageLimit: 1`, and
the discount's title says worth and window, by which it is found again after a crash, by any process.

A window is widened to whole steps, so that codes minted all day share a few discounts: it begins up to a step
earlier (nobody knows the code then) and ends up to a step later, never earlier than was promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.minor_units import written_out
from segue.contract import Voucher

_STAMP: Final = "%Y%m%dT%H%MZ"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discounts:
    """The discounts of one installation; `step` is how far windows are rounded."""

    prefix: str
    step: timedelta

    def title_of(self, voucher: Voucher) -> str:
        """The title of the discount this voucher belongs to: equal worth and window, equal title."""
        begin, end = self._window(voucher)
        worth = f"{voucher.percent}pc" if voucher.percent is not None else f"{_amount(voucher)}{voucher.currency}"
        return f"{self.prefix} {worth} {begin:{_STAMP}} {end:{_STAMP}}"

    def is_ours(self, title: str) -> bool:
        """Whether this installation made a discount of that title."""
        return title.startswith(f"{self.prefix} ")

    @property
    def withdrawn(self) -> str:
        """The title of the discount that ended long ago, where withdrawn codes are kept so that they stay taken."""
        return f"{self.prefix} withdrawn"

    def wanted(self, voucher: Voucher) -> dict[str, object]:
        """The new discount for this voucher and others like it, with its code as the first."""
        begin, end = self._window(voucher)
        if voucher.percent is not None:
            value: dict[str, object] = {"percentage": voucher.percent / 100}
        else:
            value = {"discountAmount": {"amount": _amount(voucher), "appliesOnEachItem": False}}
        return _discount(self.title_of(voucher), voucher.code, begin, end, value)

    def grave(self, code: str) -> dict[str, object]:
        """The new discount for withdrawn codes, with the first of them."""
        begin = datetime(2000, 1, 1, tzinfo=UTC)
        return _discount(self.withdrawn, code, begin, begin + timedelta(days=1), {"percentage": 0.01})

    def _window(self, voucher: Voucher) -> tuple[datetime, datetime]:
        begin = _EPOCH + (voucher.valid_from - _EPOCH) // self.step * self.step
        end = _EPOCH - (_EPOCH - voucher.valid_until) // self.step * self.step
        return begin, end


def _discount(title: str, code: str, begin: datetime, end: datetime, value: dict[str, object]) -> dict[str, object]:
    """DiscountCodeBasicInput. One use a code is enough: once per customer would make a till ask for a name."""
    return {
        "title": title,
        "code": code,
        "startsAt": begin.isoformat(),
        "endsAt": end.isoformat(),
        "usageLimit": 1,
        "appliesOncePerCustomer": False,
        "combinesWith": {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": False},
        "context": {"all": "ALL"},
        "customerGets": {"value": value, "items": {"all": True}},
    }


def _amount(voucher: Voucher) -> str:
    return written_out(voucher.amount_minor or 0, voucher.currency or "")
