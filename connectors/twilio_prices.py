"""What a text message costs: the shop's own price list, by the number's first digits."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from segue.contract import ConfigurationError, Cost

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class PriceList:
    """Prices a segment, for everybody and by prefix; the longest prefix of a number decides.

    `price` is for numbers without a prefix of their own, e.g. `0.0083`, empty where not known. `prices` lists prefixes,
    e.g. `+44=0.0463, +49=0.0975`. Both in `currency`. Raises ConfigurationError for what is no price.
    """

    def __init__(self, *, price: str | float, prices: str, currency: str) -> None:
        if not _CURRENCY.fullmatch(currency):
            raise ConfigurationError("the twilio connector's currency is three capital letters, e.g. USD")
        self._currency = currency
        self._price = None if price == "" else _micros(str(price), "price_per_segment")
        self._by_prefix: dict[str, int] = {}
        for entry in filter(None, (part.strip() for part in prices.split(","))):
            prefix, _, amount = (part.strip() for part in entry.partition("="))
            if not _PREFIX.fullmatch(prefix) or prefix in self._by_prefix:
                raise ConfigurationError(
                    "the twilio connector's prices name each prefix once, e.g. +44=0.0463, +49=0.0975"
                )
            self._by_prefix[prefix] = _micros(amount, "prices")

    def cost(self, number: str, segments: int) -> Cost | None:
        """What `segments` to `number` cost, None where no price is known."""
        for length in range(min(len(number), 16), 1, -1):
            price = self._by_prefix.get(number[:length])
            if price is not None:
                break
        else:
            price = self._price
        return None if price is None else Cost(micros=segments * price, currency=self._currency)


def _micros(amount: str, option: str) -> int:
    """Millionths of a unit of money."""
    try:
        price = Decimal(amount) * 1_000_000
        micros = int(price.to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        micros = -1
    if not 0 <= micros < 10**12:
        raise ConfigurationError(f"the twilio connector's {option} is the price of a segment, e.g. 0.0083")
    return micros
