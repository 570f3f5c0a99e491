"""How many decimals a currency has (ISO 4217), for providers and tills that want an amount written out."""

from __future__ import annotations

from decimal import Decimal

_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905 - reads as a list


def decimals_of(currency: str) -> int:
    """How many digits the currency's minor unit takes: 2 for most."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def written_out(amount_minor: int, currency: str) -> str:
    """`1500, "USD"` becomes `15.00`; never an exponent, never a rounding."""
    return f"{Decimal(amount_minor).scaleb(-decimals_of(currency)):f}"
