"""Other people's text made safe for a terminal: what would steer it is shown instead of obeyed."""

from __future__ import annotations

import unicodedata

#: What turns the direction of the text that follows.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str, *, keep: str = "") -> str:
    """`text` with every control character but those in `keep` as a picture or escape (`ESC` becomes `␛`)."""
    return "".join(sign if sign in keep else _shown(sign) for sign in text)


def _shown(sign: str) -> str:
    if unicodedata.category(sign) not in {"Cc", "Zl", "Zp"} and sign not in _TURNING:
        return sign
    code = ord(sign)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{code:04x}"
