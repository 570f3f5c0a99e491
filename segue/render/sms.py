"""What an SMS costs: its encoding and its billed parts (3GPP TS 23.038 and 23.040)."""

from __future__ import annotations

from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Written as an escape and a second septet; the pair never straddles two parts.
_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM7 = _BASIC | _EXTENDED


def segments(text: str) -> tuple[Encoding, int]:
    """Return the encoding that `text` needs and the number of parts it is billed as.

    One part holds 160 septets of GSM-7 or 70 UTF-16 units; each part of a longer text 153 or 67,
    since the header that joins them takes room. Even an empty text is billed as one.
    """
    if _GSM7.issuperset(text):
        doubles = [char in _EXTENDED for char in text]
        return "GSM-7", _parts(doubles, alone=160, joined=153)
    return "UCS-2", _parts([ord(char) > 0xFFFF for char in text], alone=70, joined=67)


def _parts(doubles: list[bool], *, alone: int, joined: int) -> int:
    """Count the parts; `doubles` says of each character whether it takes two units that stay together."""
    if len(doubles) + sum(doubles) <= alone:
        return 1
    parts, used = 1, 0
    for double in doubles:
        size = 2 if double else 1
        if used + size > joined:
            parts, used = parts + 1, 0
        used += size
    return parts
