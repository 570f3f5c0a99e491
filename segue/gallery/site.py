"""Pages into files: one Jinja2 environment, escaped everywhere, and addresses that work from a disk."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from segue.gallery import words
from segue.gallery.chart import COLOURS
from segue.gallery.slices import Slice
from segue.gallery.times import Local, local
from segue.render import Brand

#: Everything but the front page lies in this folder, where nothing else may lie.
ROOM = "gallery"
_MARK = "gallery.css"


class Site:
    """The folder being written. Addresses are relative to it; a page puts its `root` before them."""

    def __init__(self, folder: Path, brand: Brand, title: str, *, has_story: bool) -> None:
        self.folder = folder
        self.brand = brand
        self._written: set[Path] = set()
        self._made: set[Path] = set()
        self._jinja = Environment(
            loader=PackageLoader("segue.gallery", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.globals.update(
            brand=brand,
            words=words,
            colours=COLOURS,
            site_title=title,
            has_story=has_story,
            logo=None,
            people_page=people_page,
            person_page=person_page,
            message_page=message_page,
            frame_page=frame_page,
        )
        self._jinja.filters["local"] = self._local

    def open(self) -> None:
        """Make the room, or take over an earlier gallery's; a folder that is not ours is left alone and refused.

        Raises FileExistsError naming the folder.
        """
        room = self.folder / ROOM
        if room.exists() and any(room.iterdir()) and not (room / _MARK).is_file():
            raise FileExistsError(f"{room} is not a gallery; move it away or choose another folder")
        self.raw(f"{ROOM}/{_MARK}", self._text("gallery.css.j2"))
        self.raw(f"{ROOM}/gallery.js", self._text("gallery.js.j2"))

    def keep(self, path: Path) -> None:
        """Count a file as this gallery's own."""
        self._written.add(path)

    def close(self) -> None:
        """Remove pages that an earlier gallery left and this one does not have."""
        for path in (self.folder / ROOM).rglob("*"):
            if path.is_file() and path not in self._written:
                path.unlink()

    def show_logo(self, light: str, dark: str) -> None:
        """Put the brand's logo, two paths under the site, on every page; without it the name stands there."""
        self._jinja.globals["logo"] = (light, dark)

    def page(self, address: str, template: str, **words_of_page: Any) -> Path:
        """Render a page to its address."""
        root = "../" * address.count("/")
        text = self._jinja.get_template(template).render(root=root, address=address, **words_of_page)
        return self.raw(address, text)

    def raw(self, address: str, text: str) -> Path:
        """Write text to an address as it is."""
        path = self.folder / address
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        self.keep(path)
        return path

    def _text(self, template: str) -> str:
        return self._jinja.get_template(template).render()

    def _local(self, at: datetime, zone: str | None = None) -> Local:
        return local(at, zone, self.brand.zone)


def people_page(chosen: Slice) -> str:
    """Where everybody of a slice is listed."""
    return f"{ROOM}/people/{chosen.file_name}"


def day_page(journey: str, day: date, what: str) -> str:
    """Where a day's occasions (`left`) or messages (`sent`) are listed."""
    return f"{ROOM}/people/{journey}--{day.isoformat()}--{what}.html"


def person_page(profile_id: int) -> str:
    """Where a person's timeline is."""
    return f"{ROOM}/person/{profile_id}.html"


def message_page(message_id: int) -> str:
    """Where a message is shown."""
    return f"{ROOM}/messages/{message_id}.html"


def frame_page(message_id: int, dress: str) -> str:
    """The mail itself, for a frame; `dress` is `day` or `night`."""
    return f"{ROOM}/mails/{message_id}.{dress}.html"
