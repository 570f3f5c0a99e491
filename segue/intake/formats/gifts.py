"""Whether an order is a present for somebody else, as the shop's own cells say it.

A present decides what a parcel may hold and whose size was bought. So a clear word counts, in the order's attributes,
tags or notes; that the parcel goes to another name or address does not: people also order to the office.
"""

from __future__ import annotations

import re

_GIFT = r"(?:gift|present|geschenk|cadeau|regalo|presente)"
_ABOUT = re.compile(
    rf"(?:^|[\s_-])(?:is)?{_GIFT}s?(?:$|[\s_-](?:order|message|note|wrap|wrapping|wrapped|option|box|recipient)\b)|geschenk"
)
_NO = frozenset({"", "no", "false", "0", "none", "off", "nein", "non", "n/a", "-"})
#: Worth given away, and things named after it: nobody's present.
_NOT_A_PRESENT = re.compile(
    r"gift[\s_-]?(?:card|certificate|voucher|with)|free[\s_-]gift|geschenk(?:karte|gutschein)|carte[\s_-]cadeau|cheque[\s_-]cadeau"
    r"|tarjeta[\s_-]regalo|buono[\s_-]regalo"
)
_TAGS = re.compile(rf"(?:is[\s_-]?)?(?:a[\s_-])?{_GIFT}(?:[\s_-]?(?:order|wrap|wrapped|wrapping|message|verpackung))?")
_NOTE = re.compile(
    rf"\b(?:it'?s|is|as|this is|for)\s+(?:an?|ein|un)\s+(?:\w+\s+)?{_GIFT}\b|\b{_GIFT}\s+(?:for|für|pour|para|per)\b"
    r"|\bgift[\s-]?(?:wrap\w*|message|note|receipt|order)\b|\bals geschenk\b|\bgeschenkverpackung\b"
    r"|\bpaquet cadeau\b|\bpara regalo\b|\bes un regalo\b|\bc'est un cadeau\b"
)
_NOT = re.compile(r"\b(?:no|not|without|don'?t|isn'?t|kein|keine|nicht|ohne|pas|sans|sin|non|senza)\b[^.!?\n]{0,20}\Z")


def is_gift(attributes: str, tags: str, notes: str) -> bool:
    """Tell from `Note Attributes` (`key: value` lines), `Tags` (comma-separated) and the free text of `Notes`."""
    return any(map(_says_so, attributes.splitlines())) or any(map(_is_tag, tags.split(","))) or _noted(notes)


def _says_so(line: str) -> bool:
    key, _, value = line.casefold().partition(":")
    key = " ".join(key.split())
    return bool(_ABOUT.search(key)) and not _NOT_A_PRESENT.search(key) and value.strip() not in _NO


def _is_tag(tag: str) -> bool:
    return _TAGS.fullmatch(tag.strip().casefold()) is not None


def _noted(notes: str) -> bool:
    text = _NOT_A_PRESENT.sub(" ", notes.casefold().replace("\u2019", "'"))
    return any(not _NOT.search(text[: found.start()]) for found in _NOTE.finditer(text))
