"""A lottery that draws the same lots however often it is asked: a number for each pair of ids, in plain SQL.

SQLite and PostgreSQL share no hash function, so the numbers are made by arithmetic that both do alike: a polynomial
modulo the prime 2**31 - 1, which squares three times what it is given. No step leaves 64 bits.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, literal, type_coerce

PRIME = 2_147_483_647
#: Two factors that tell person from draw, then one summand for each squaring. Never change them: who is drawn would.
_PERSON, _DRAW = 1_103_515_245, 741_103_597
_SUMMANDS = (1_583_458_089, 784_588_716, 1_921_750_679)


def lot(person: ColumnElement[Any], draw: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the lot, 0 to `PRIME` - 1, of a person in a draw (both ids, 0 or more); the lowest is drawn first.

    Two people may have the same lot: order by the id as well.
    """
    mixed: ColumnElement[Any] = _spread(person, _PERSON) + _spread(draw, _DRAW)
    for summand in _SUMMANDS:
        mixed = (mixed + _number(summand)) % _number(PRIME)
        mixed = (mixed * mixed) % _number(PRIME)
    return type_coerce(mixed, BigInteger)


def _spread(number: ColumnElement[Any], factor: int) -> ColumnElement[Any]:
    return (number % _number(PRIME)) * _number(factor) % _number(PRIME)


def _number(value: int) -> ColumnElement[int]:
    return literal(value, BigInteger)


__all__ = ["PRIME", "lot"]
