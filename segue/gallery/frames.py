"""A mail made fit for a frame: its own pictures from this folder, nothing from the network, by day and by night."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from segue.gallery.site import ROOM, Site

_POLICY: Final = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'\">"
)
_HEAD: Final = re.compile(r"<head[^>]*>", re.IGNORECASE)
_DARK: Final = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_SCHEMES: Final = re.compile(r'(color-scheme(?:"\s+content="|\s*:\s*))light dark')
#: Links are shown, not followed: the address becomes a tooltip.
_LINK: Final = re.compile(r"(<a\b[^>]*?\s)href=", re.IGNORECASE)
_FETCHED: Final = re.compile(r"(\b(?:src|srcset|background|poster)\s*=\s*[\"'])(https?:)?//[^\"']*", re.IGNORECASE)
_STYLED: Final = re.compile(r"url\(\s*[\"']?(?:https?:)?//[^)]*\)", re.IGNORECASE)
_NOTHING: Final = "data:,"


class Pictures:
    """Where a mail's pictures are found on this machine."""

    def __init__(self, asset_url: str, pictures: Path | None, *, site: Site) -> None:
        self._prefix = f"{asset_url}/"
        self._pictures = pictures
        self._site = site
        self._copied: dict[str, Path | None] = {}

    def beside(self, page: Path, address: str) -> str | None:
        """Return the picture's path relative to `page`; None where it is not here."""
        if not address.startswith(self._prefix):
            return None
        found = self._here(Path(unquote(address)).name)
        return None if found is None else Path(os.path.relpath(found, page.parent)).as_posix()

    def _here(self, name: str) -> Path | None:
        """The picture's file under the site: as it lies there, or a copy of it."""
        if name not in self._copied:
            self._copied[name] = self._find(name)
        return self._copied[name]

    def _find(self, name: str) -> Path | None:
        if self._pictures is None or not (source := self._pictures / name).is_file():
            return None
        if source.resolve().is_relative_to(self._site.folder.resolve()):
            return source
        target = self._site.folder / ROOM / "pictures" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        self._site.keep(target)
        return target


def framed(html: str, *, pictures: Pictures, page: Path, asset_url: str, night: bool) -> str:
    """Return the mail as it is shown from the file `page`, in its daylight or its night dress."""
    asset = re.compile(rf"{re.escape(asset_url)}/[^\"'\s)<>]*")
    shown = asset.sub(lambda found: pictures.beside(page, found[0]) or _NOTHING, html)
    shown = _FETCHED.sub(rf"\1{_NOTHING}", shown)
    shown = _STYLED.sub("none", shown)
    shown = _LINK.sub(r"\1title=", shown)
    # A frame follows the reader's own setting; here both dresses are shown to everybody.
    shown = _DARK.sub("all" if night else "not all", shown)
    shown = _SCHEMES.sub(rf"\1{'dark' if night else 'light'}", shown)
    return _HEAD.sub(lambda found: found[0] + _POLICY, shown, count=1)
