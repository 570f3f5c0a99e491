"""What an offer is: what a personal code is worth, who may get a new one, and which of two codes is the better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from segue.contract import Voucher


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a code is worth, when a new one may be given, and what happens where she holds another one.

    Raises ValueError unless it is worth either a percentage or an amount of a currency.
    """

    name: str
    #: From the moment the message was judged until the code runs out.
    valid_for: timedelta
    #: 1 to 100; None if it is worth an amount.
    percent: int | None = None
    #: Minor units of `currency`; None if it is worth a percentage.
    amount_minor: int | None = None
    currency: str | None = None
    #: No second code of this offer within this time; None: however many.
    cooldown: timedelta | None = None
    #: Nobody who paid full price within this time needs a code; None: no such condition.
    full_price_within: timedelta | None = None
    #: She holds another live code: the message names none, or shows that one. Never a second one beside it.
    if_live: Literal["none", "show"] = "none"
    #: Another message's code that runs out sooner than this is not shown.
    shown_if_left: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        """Refuse an offer that is worth nothing, or two things."""
        if self.percent is not None:
            sound = 1 <= self.percent <= 100 and self.amount_minor is None and self.currency is None
        else:
            sound = self.amount_minor is not None and self.amount_minor > 0 and bool(self.currency)
        if not sound:
            raise ValueError(
                f"the offer {self.name} must be worth 1 to 100 percent, or an amount_minor above 0 with its currency"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedVoucher:
    """A minted voucher and how it stands."""

    voucher: Voucher
    #: Its one owner.
    profile_id: int
    #: The shop knows it.
    is_published: bool
    #: Redeemed or revoked: no message may name it any more.
    is_spent: bool = False


def best(held: Iterable[OfferedVoucher]) -> OfferedVoucher:
    """Return the best of several codes; in whatever order they come, the same one.

    Of two percentages the higher is better, and of two amounts of one currency; what cannot be compared is worth
    the longer it lives, and so are equals. `held` must not be empty.
    """
    champions: dict[str, OfferedVoucher] = {}
    for one in held:
        kind = one.voucher.currency or "%"
        champions[kind] = max(champions.get(kind, one), one, key=_worth)
    return max(champions.values(), key=lambda one: (one.voucher.valid_until, one.voucher.code))


def _worth(one: OfferedVoucher) -> tuple[int, object, str]:
    voucher = one.voucher
    # The code decides at last, so that the order in which a database answers never does.
    return voucher.percent or voucher.amount_minor or 0, voucher.valid_until, voucher.code
