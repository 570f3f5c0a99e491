"""Printed cards as pictures: read back from the print connector's spool and drawn as they leave the printer."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from segue.contract import PageError, PageFrame
from segue.gallery.site import ROOM, Site

#: Sharp on a screen at twice the size of paper.
_PPI: Final = 120
_QUALITY: Final = 82
#: Cards set at once: a picture of each waits in memory.
_BATCH: Final = 100

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCard:
    """A printed card: its sides as pictures, addressed from the site's root."""

    order: str
    sides: tuple[str, ...]
    #: Width and height of a side in pixels.
    size: tuple[int, int]


def draw_cards(
    site: Site, spool: Path, wanted: Mapping[int, str], *, progress: Progress = lambda _done, _all: None
) -> dict[int, KeptCard]:
    """Draw the spooled pages of `wanted` (message id to key) under the site; those that are not spooled are missing.

    `spool` is the print connector's folder. A page whose template cannot be set any more is missing, too.
    """
    pages = _spooled(spool / "spool.db", set(wanted.values()))
    drawn: dict[int, KeptCard] = {}
    by_frame: dict[PageFrame, list[int]] = {}
    for message_id, key in wanted.items():
        if key in pages:
            by_frame.setdefault(pages[key][0], []).append(message_id)
    done = 0
    for frame, ids in by_frame.items():
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            for message_id, sides in zip(part, _set(frame, [pages[wanted[one]][1] for one in part]), strict=True):
                drawn[message_id] = _keep(site, message_id, pages[wanted[message_id]][2], sides)
            done += len(part)
            progress(done, len(wanted))
    return {message_id: card for message_id, card in drawn.items() if card.sides}


def _spooled(file: Path, keys: Collection[str]) -> dict[str, tuple[PageFrame, str, str]]:
    """Frame, data and order number of each spooled key."""
    if not file.is_file():
        return {}
    with sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True) as database:
        frames = {
            digest: PageFrame(name=name, source=source, root=Path(root))
            for digest, name, source, root in database.execute("select digest, name, source, root from frame")
        }
        rows = database.execute(
            'select key, frame, data, "order" from page where key in (select value from json_each(?))',
            (json.dumps([json.dumps(key) for key in keys]),),
        ).fetchall()
    database.close()
    return {json.loads(key): (frames[digest], data, order) for key, digest, data, order in rows}


def _set(frame: PageFrame, cards: Sequence[str]) -> Sequence[Sequence[bytes]]:
    """The sides of each card; none of one that cannot be set, which costs no other its picture."""
    try:
        return frame.all_pictures(cards, ppi=_PPI)
    except PageError:
        if len(cards) <= 1:
            return [()] * len(cards)
    middle = len(cards) // 2
    return [*_set(frame, cards[:middle]), *_set(frame, cards[middle:])]


def _keep(site: Site, message_id: int, order: str, sides: Sequence[bytes]) -> KeptCard:
    addresses = []
    size = (0, 0)
    for name, side in zip(("front", "back"), sides, strict=False):
        address = f"{ROOM}/cards/{message_id}-{name}.jpg"
        with Image.open(io.BytesIO(side)) as picture:
            size = picture.size
            path = site.folder / address
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.convert("RGB").save(path, quality=_QUALITY)
            site.keep(path)
        addresses.append(address)
    return KeptCard(order=order, sides=tuple(addresses), size=size)
