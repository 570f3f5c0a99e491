"""The shop's own pictures inside a mail's picture: small, and brought along, since a picture may load nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import lru_cache
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

#: Where the file behind a picture's address is; None where it is not to be had.
Find = Callable[[str], Path | None]

_SRC: Final = re.compile(r"""(<img\b[^>]*?\bsrc=)(["'])(.*?)\2""", re.IGNORECASE | re.DOTALL)
#: Pixels of the longer side: sharp at the size in which a report shows a mail, 10 to 20 kB in Prefect's database.
_SIDE: Final = 420
_QUALITY: Final = 78


def brought_along(html: str, find: Find) -> str:
    """Return `html` with every picture that `find` knows inside it; the others keep their addresses."""

    def inside(image: re.Match[str]) -> str:
        file = find(unescape(image[3]))
        shown = None if file is None else small(file, file.stat().st_mtime_ns)
        return image[0] if shown is None else f"{image[1]}{image[2]}{escape(shown)}{image[2]}"

    return _SRC.sub(inside, html)


@lru_cache(maxsize=64)
def small(file: Path, _changed: int) -> str | None:
    """The picture as a data address; None where it is none that can be read."""
    try:
        with Image.open(file) as opened:
            opened.thumbnail((_SIDE, _SIDE))
            is_see_through = opened.has_transparency_data
            made, kind = (opened.convert("RGBA"), "png") if is_see_through else (opened.convert("RGB"), "jpeg")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    data = BytesIO()
    made.save(data, kind, optimize=True, quality=_QUALITY)
    return f"data:image/{kind};base64," + base64.b64encode(data.getvalue()).decode()
