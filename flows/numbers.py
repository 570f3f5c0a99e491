"""What is written as a phone number: seven digits or more, however the world groups them.

By looks alone a phone number, a date and an order's number are one. So digits are counted over the blanks and hyphens
between them; only dates, times and what has # before it may have more than six.
"""

from __future__ import annotations

from typing import Final

#: The most digits that are nobody's phone number.
FEW: Final = 6
#: What may stand between the digits of one number, hyphens and blanks of every kind among them.
_GAP: Final = "[ \t\u00a0\u2007\u2009\u202f.()/\u2010-\u2015\u2212-]"
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_PART: Final = r"[-./]"
_DATE: Final = "|".join(
    (
        rf"{_YEAR}{_PART}{_MONTH}{_PART}{_DAY}",
        rf"{_DAY}{_PART}{_MONTH}{_PART}(?:19|20)?\d\d",
        rf"{_MONTH}{_PART}{_DAY}{_PART}(?:19|20)?\d\d",
        rf"{_YEAR}[-/]{_YEAR}",
    )
)
#: A date or a time that ends where it seems to; a hyphen leads on to a date alone.
_ENDS: Final = rf"(?:(?!{_PART}?\d)|(?=-(?:{_DATE})(?!{_PART}?\d)))"
_WHEN: Final = rf"(?:{_DATE}|(?:[01]?\d|2[0-3])[.:][0-5]\d){_ENDS}"
#: A number of an order or a customer, of whatever length.
_MARKED: Final = r"(?:#|\bid:)[A-Za-z0-9][A-Za-z0-9_./-]*"
_SHORT: Final = (
    rf"\d(?:{_GAP}{{0,4}}\d){{0,{FEW - 1}}}(?:(?!{_GAP}{{0,4}}\d)|(?=(?:{_GAP}{{0,3}}[ \u00a0]|\.[-\u2013]){_WHEN}))"
)

#: Put before another pattern: holds for a text without a phone number. Each bit is read in one way only (`(?>...)`),
#: so that a long text is not read in all of them.
NO_PHONE: Final = rf"^(?=(?>{_WHEN}|{_MARKED}|{_SHORT}|\D)*$)"
#: What a field adds that takes such numbers.
CURE: Final = "Before a number of seven digits or more that is nobody's phone write #"
