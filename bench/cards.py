"""Cards: 2,500 of them, front and back with four pictures and a code each, set in well under ten seconds.

    python -m bench.cards [--cards 2500]

The real template, brand and pictures, and people of many names; from the cards' data to the bytes of one PDF, QR codes
among it. The baseline is the same data set by the same compiler as plain lines of text on as many pages, without a
picture, a code or a font to choose: what no layout could undercut.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from pathlib import Path

from pypdf import PdfReader

from bench.figures import Figure, best, run
from segue.contract import PageFrame
from segue.render.brand import load_brand
from segue.render.links import Links
from segue.render.templates import Library
from segue.sample.pictures import draw_pictures

_TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
_STEP = "welcome_insert/insert"
_NAMES = ("Sarah", "Maximiliane-Theodora", "Ann", "José", "Zoë", "Mei 美", "Noa נועה", "Bartholomew", "Li", "Oluwaseun")
_PLAIN = """#set document(date: none)
#set page(width: 105mm, height: 148mm)
#for entry in json(bytes(sys.inputs.pages)) {
  page[#entry.card.first_name]
  page({
    for item in entry.card.items [#item.title #item.size #item.colour #item.price \\ ]
    [#entry.card.voucher.worth #entry.card.voucher.code #entry.card.voucher.until \\ ]
    [#entry.card.loyalty.title #entry.card.loyalty.text \\ #entry.card.objection \\ #entry.card.order]
  })
}"""


def measure(options: argparse.Namespace) -> list[Figure]:
    """Cards a second, and how many times as long a card takes as its words alone."""
    with tempfile.TemporaryDirectory() as folder:
        draw_pictures(Path(folder) / "pictures")
        frame, pages = _cards(Path(folder), options.cards)
        plain = PageFrame(name="plain", source=_PLAIN, root=Path(folder))
        sizes: dict[str, int] = {}

        def set_all(name: str, chosen: PageFrame, data: list[str]) -> float:
            began = time.perf_counter()
            pdf = chosen.pdf(data)
            seconds = time.perf_counter() - began
            if name not in sizes and len(PdfReader(io.BytesIO(pdf)).pages) != 2 * len(data):
                raise SystemExit("some cards have not exactly two pages")
            sizes[name] = len(pdf)
            return seconds

        words = [_without_link(page) for page in pages]
        seconds = best(
            options.rounds,
            {"cards": lambda: set_all("cards", frame, pages), "plain": lambda: set_all("plain", plain, words)},
        )
    rates = {name: options.cards / took for name, took in seconds.items()}
    made_of = {
        "cards": options.cards,
        "seconds": round(seconds["cards"], 2),
        "cards/s": round(rates["cards"]),
        "plain/s": round(rates["plain"]),
        "MiB": round(sizes["cards"] / 2**20, 1),
    }
    return [
        Figure(name="cards set", value=round(rates["cards"], 1), unit="cards a second", limit=250, parts=made_of),
        Figure(
            name="cards against their words alone",
            value=round(seconds["cards"] / seconds["plain"], 2),
            unit="times as long",
            more_is_better=False,
            parts=made_of,
        ),
    ]


def _cards(pictures: Path, count: int) -> tuple[PageFrame, list[str]]:
    """The sample card, each for somebody else with a code of her own."""
    links = Links("https://go.saltmere.example.com", b"a secret for benches only")
    step = Library(_TEMPLATES, load_brand(_TEMPLATES / "brand.toml"), links, pictures=pictures).step(_STEP)
    words = step.samples()["sample"]
    frame, pages = None, []
    for number in range(count):
        words["profile"]["first_name"] = _NAMES[number % len(_NAMES)]
        words["voucher"]["code"] = f"K7QM-{number:04}-XHD2"
        words["order"]["number"] = f"#{10_001 + number}"
        words["items"] = words["items"][1:] + words["items"][:1]
        content = step.page(words, message_id=number)
        frame = content.frame
        pages.append(content.data)
    if frame is None:
        raise SystemExit("at least one card")
    return frame, pages


def _without_link(page: str) -> str:
    data = json.loads(page)
    data["card"].pop("link")
    return json.dumps(data)


if __name__ == "__main__":
    run(__doc__, measure, {"--cards": {"type": int, "default": 2500, "help": "how many (default 2,500)"}})
