"""From a step's words to the data of a printed card: every amount and date is written out here, in one place.

The page itself is Typst and only sets what it is given; it never reads a word as code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from segue.contract import PageFrame, PrintContent
from segue.render.brand import Brand
from segue.render.catalogue import Words
from segue.render.errors import TemplateError
from segue.render.links import Links, Slot
from segue.render.voice import Voice

PAGE_FILE = "insert.typ"


#: What the card itself says, by the names the Typst file knows.
SAID = {
    "thanks": "Thank you.",
    "thanks_named": "Thank you, {name}.",
    "first_parcel": "Your first parcel from us.",
    "wish": "May what is in it be worn often, and for years.",
    "picked": "Picked for you",
    "picked_sized": "Picked for you, in your size",
    "own_code": "with your own code",
    "until": "until {day}",
    "more": "More from {brand}",
    "scan": "Scan to see what is new.",
    "hello": "Hello {name},",
    "scan_there": "Scan the code to go there.",
}
#: The line of a page file that stands for a file of `_layout`: the frame's root is the pictures, so it imports nothing.
_WITH = re.compile(r"^//! with (_layout/[\w.-]+\.typ)$", re.MULTILINE)


class PageTemplate:
    """The printed page of one step; raises TemplateError where the folder of pictures is not there."""

    def __init__(
        self, name: str, folder: Path, brand: Brand, links: Links, words: Words, *, pictures: Path | None
    ) -> None:
        if pictures is not None and not pictures.is_dir():
            raise TemplateError(name, f"there is no folder {pictures} of pictures; make it, or correct SEGUE_PICTURES")
        self._name = name
        self._links = links
        self._pictures = pictures
        source = _WITH.sub(
            lambda found: self._shared(folder / found[1]), (folder / name / PAGE_FILE).read_text("utf-8")
        )
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
        # A page is asked for the sentences that it says, so that no catalogue needs those of another card.
        told = brand.loyalty_card if "card.loyalty" in source else None
        self._loyalty = None if told is None else {"title": words.own(told.title), "text": words.own(told.text)}
        objection = words.sentence("No more cards from us? Write to {address} or to the address here, and we stop.")
        self._objection = objection.replace("{address}", brand.senders.marketing.address)
        self._off = words.sentence("{worth} off")
        self._said = {"lang": words.language} | {
            key: words.sentence(said) for key, said in SAID.items() if re.search(rf"\bsaid\.{key}\b", source)
        }

    def _shared(self, file: Path) -> str:
        try:
            return file.read_text("utf-8")
        except OSError:
            raise TemplateError(self._name, f"{PAGE_FILE} is to stand with {file}, which is not there") from None

    def content(self, words: Mapping[str, Any], voice: Voice, *, message_id: int) -> PrintContent:
        """Return the card; raises TemplateError naming what `words` lack, never what they hold."""
        try:
            card = self._card(words, voice, message_id)
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

    def _card(self, words: Mapping[str, Any], voice: Voice, message_id: int) -> dict[str, Any]:
        profile, voucher = words["profile"], words["voucher"]
        note = words.get("note")
        return {
            "first_name": profile["first_name"],
            "items": [self._item(item, voice) for item in words["items"]],
            "voucher": None if voucher is None else self._voucher(voucher, profile, voice),
            "note": None if note is None else self._note(note),
            "link": self._links.short(message_id, Slot.HOME if note is None else Slot.PAGE)
            if voucher is None
            else self._links.landing(voucher["code"]),
            "loyalty": self._loyalty,
            "objection": self._objection,
            "order": words["order"]["number"],
            "said": self._said,
        }

    def _note(self, note: Mapping[str, Any]) -> dict[str, Any]:
        """A marketer's own words; `note` is none on cards that have none."""
        return {
            "headline": note["headline"],
            "paragraphs": list(note["paragraphs"]),
            "button": note["button"],
            "picture": self._picture(note["picture"] or None),
        }

    def _item(self, item: Mapping[str, Any], voice: Voice) -> dict[str, Any]:
        return {
            "title": item["title"],
            "size": voice.size_label(item["size"]) if item["size"] else None,
            "colour": item["colour"],
            "price": voice.money(item["price_minor"], item["currency"]),
            "picture": self._picture(item["image_url"]),
        }

    def _voucher(self, voucher: Mapping[str, Any], profile: Mapping[str, Any], voice: Voice) -> dict[str, Any]:
        until = voice.last_day(voucher["valid_until"], profile.get("zone"))
        return {"code": voucher["code"], "worth": self._off.replace("{worth}", voice.worth(voucher)), "until": until}

    def _picture(self, path: str | None) -> str | None:
        """The picture's place under the pictures' folder; None where it is not there: paper fetches nothing."""
        if path is None or self._pictures is None:
            return None
        return found(self._pictures, path)


@lru_cache(maxsize=65_536)
def found(root: Path, path: str) -> str | None:
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
