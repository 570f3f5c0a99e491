"""From a step's words to the data of a printed card: every amount and date is written out here, in one place.

The page itself is Typst and only sets what it is given; it never reads a word as code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from segue.contract import PageFrame, PrintContent
from segue.render.brand import Brand
from segue.render.errors import TemplateError
from segue.render.links import Links, Slot
from segue.render.wording import Calendar, money, worth

PAGE_FILE = "insert.typ"


class PageTemplate:
    """The printed page of one step; raises TemplateError where the folder of pictures is not there."""

    def __init__(self, name: str, folder: Path, brand: Brand, links: Links, *, pictures: Path | None) -> None:
        if pictures is not None and not pictures.is_dir():
            raise TemplateError(name, f"there is no folder {pictures} of pictures; make it, or correct SEGUE_PICTURES")
        self._name = name
        self._links = links
        self._pictures = pictures
        self._calendar = Calendar(brand.zone, brand.locale)
        source = (folder / name / PAGE_FILE).read_text("utf-8")
        self.frame = PageFrame(name=name, source=source, root=pictures or folder)
        self._brand = {
            "name": brand.name,
            "tagline": brand.tagline,
            "website": brand.site_url.removeprefix("https://").removeprefix("www."),
            "address": list(brand.address),
            "colours": brand.colours.light.model_dump(),
            "logo": self._picture(brand.logo.path),
            "logo_on_dark": self._picture(brand.logo.on_dark),
        }
        self._loyalty = brand.loyalty_card
        self._objection = (
            f"No more cards from us? Write to {brand.senders.marketing.address} or to the address here, and we stop."
        )

    def content(self, words: Mapping[str, Any], *, message_id: int) -> PrintContent:
        """Return the card; raises TemplateError naming what `words` lack, never what they hold."""
        try:
            card = self._card(words, message_id)
            return PrintContent(
                frame=self.frame,
                data=json.dumps({"brand": self._brand, "card": card}, ensure_ascii=False),
                location=words["location"],
                order=str(card["order"]),
                packing=(
                    ("first name", card["first_name"] or ""),
                    ("things shown", str(len(card["items"]))),
                    ("code", "" if card["voucher"] is None else card["voucher"]["code"]),
                ),
            )
        except KeyError as error:
            raise TemplateError(self._name, f"the words lack {error.args[0]}") from None
        except Exception as error:  # noqa: BLE001  one person's odd words must cost nobody else their card
            # The kind of error only: its text may quote what the words hold.
            raise TemplateError(self._name, f"the words do not fill the page ({type(error).__name__})") from None

    def _card(self, words: Mapping[str, Any], message_id: int) -> dict[str, Any]:
        profile, voucher = words["profile"], words["voucher"]
        return {
            "first_name": profile["first_name"],
            "items": [self._item(item) for item in words["items"]],
            "voucher": None if voucher is None else self._voucher(voucher, profile),
            "link": self._links.short(message_id, Slot.HOME)
            if voucher is None
            else self._links.landing(voucher["code"]),
            "loyalty": None if self._loyalty is None else self._loyalty.model_dump(),
            "objection": self._objection,
            "order": words["order"]["number"],
        }

    def _item(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "title": item["title"],
            "size": item["size"],
            "colour": item["colour"],
            "price": money(item["price_minor"], item["currency"]),
            "picture": self._picture(item["image_url"]),
        }

    def _voucher(self, voucher: Mapping[str, Any], profile: Mapping[str, Any]) -> dict[str, Any]:
        until = self._calendar.last_day(voucher["valid_until"], profile.get("zone"), profile.get("locale"))
        return {"code": voucher["code"], "worth": f"{worth(voucher)} off", "until": until}

    def _picture(self, path: str | None) -> str | None:
        """The picture's place under the pictures' folder; None where it is not there: paper fetches nothing."""
        if path is None or self._pictures is None:
            return None
        return _found(self._pictures, path)


@lru_cache(maxsize=65_536)
def _found(root: Path, path: str) -> str | None:
    """Look for `/pictures/x.png` as it is, then by its last part; nothing outside `root` is ever found.

    A shop's own address may be escaped and end in a version: `https://cdn.example.com/a%20b.png?v=17`.
    """
    base = root.resolve()
    for written in (path, unquote(urldefrag(path).url.partition("?")[0])):
        for candidate in (written.lstrip("/"), written.rpartition("/")[2]):
            try:
                inside = (base / candidate).resolve().relative_to(base)
                if (base / inside).is_file():
                    return inside.as_posix()
            except (OSError, ValueError):
                continue  # outside, longer than a file's name can be, or of signs that none has
    return None
