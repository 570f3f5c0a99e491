"""How many minor units a currency has (ISO 4217), in Python and in SQL."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, case, literal

_WHOLE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS: Final = "BHD IQD JOD KWD LYD OMR TND"
#: Currencies whose minor unit is no hundredth, and how many of it make a whole unit.
_UNCOMMON: Final = {**dict.fromkeys(_WHOLE.split(), 1), **dict.fromkeys(_THOUSANDTHS.split(), 1000)}


def minor_per_unit(currency: str) -> int:
    """How many minor units make one unit of `currency`: 100 for most, 1 for yen, 1000 for dinars."""
    return _UNCOMMON.get(currency, 100)


def minor_per_unit_sql(currency: ColumnElement[Any]) -> ColumnElement[int]:
    """The same for a column of currencies."""
    return case(
        (currency.in_(_WHOLE.split()), literal(1)), (currency.in_(_THOUSANDTHS.split()), literal(1000)), else_=100
    )
