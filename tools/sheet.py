"""Renews the contact sheet: every template at 600 and 375 px, by day and by night, and in every language.

    .venv/bin/python tools/sheet.py [--check] [--chromium /usr/bin/chromium]

Writes `docs/templates/`: a page of pictures, and `digests.json`, by which a test knows that a template changed and the
pictures did not. `--check` only compares. Pictures need the extra `browser` and an installed Chromium.
"""  # noqa: INP001  a script, not a package

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

from look import shoot
from PIL import Image

from segue.contract import Channel
from segue.render.brand import Brand, load_brand
from segue.render.digest import sample_digests
from segue.render.links import Links
from segue.render.samples import abroad
from segue.render.templates import Library, StepTemplate
from segue.sample.pictures import draw_pictures

_ROOT = Path(__file__).resolve().parent.parent
_OUT = _ROOT / "docs" / "templates"
_TEMPLATES = _ROOT / "templates"
_SCALE = 0.5
_GAP = 24
_CARD_PPI = 100
#: Of other languages: long words show where there is least room.
_ABROAD = ((600, "light"), (375, "dark"))
_TOLD = {"en": "English", "de": "Deutsch", "es": "Español", "fi": "Suomi"}


def sheet_library(pictures: Path | None = None) -> tuple[Library, Brand]:
    """Return the sample brand's library as the sheet and its test render it."""
    brand = load_brand(_TEMPLATES / "brand.toml")
    links = Links("https://go.saltmere.example.com", b"only for looking at mails")
    return Library(_TEMPLATES, brand, links, pictures=pictures), brand


def transactional_steps() -> frozenset[str]:
    """Return the steps that leave as transactional mail."""
    journeys = [point.load() for point in entry_points(group="segue.journeys")]
    return frozenset(
        f"{journey.name}/{step.name}" for journey in journeys for step in journey.steps if step.transactional
    )


def digests() -> dict[str, str]:
    """Return what `digests.json` should hold now."""
    return sample_digests(sheet_library()[0], transactional=transactional_steps())


def beside(pictures: list[Image.Image], ground: str) -> Image.Image:
    """Put pictures side by side, tops level."""
    small = [
        one.resize((round(one.width * _SCALE), round(one.height * _SCALE)), Image.Resampling.LANCZOS)
        for one in pictures
    ]
    wide = sum(one.width for one in small) + _GAP * (len(small) + 1)
    sheet = Image.new("RGB", (wide, max(one.height for one in small) + 2 * _GAP), ground)
    at = _GAP
    for one in small:
        sheet.paste(one, (at, _GAP))
        at += one.width + _GAP
    return sheet


def kept(sheet: Image.Image, name: str) -> str:
    """Write one picture of the sheet and return its file name."""
    file = f"{name.replace('/', '-')}.webp"
    sheet.save(_OUT / file, "WEBP", quality=72, method=6)
    return file


def card(step: StepTemplate, language: str) -> Image.Image:
    """Draw front and back of a card."""
    content = step.page(abroad(step.samples()["sample"], language), message_id=1)
    sides = [
        Image.open(io.BytesIO(png)).convert("RGB") for png in content.frame.pictures(content.data, ppi=_CARD_PPI * 2)
    ]
    return beside(sides, "#8a8f8d")


def mails(
    steps: dict[str, StepTemplate], brand: Brand, pictures: Path, chromium: str
) -> dict[tuple[str, str], list[Image.Image]]:
    """Photograph each step's mail: all four views in the templates' own language, two in each other."""
    with tempfile.TemporaryDirectory() as folder:
        pages, told = [], {}
        for number, (name, step) in enumerate(steps.items()):
            for language in sorted(step.languages):
                page = Path(folder) / f"{number}-{language}.html"
                page.write_text(step.email(abroad(step.samples()["sample"], language), message_id=1).html, "utf-8")
                pages.append(page)
                told[page.stem] = (name, language)
        shots: dict[tuple[str, str], list[Image.Image]] = {}
        for png in shoot(pages, brand, pictures, chromium):
            stem, width, scheme = png.stem.rsplit("-", 2)
            name, language = told[stem]
            if language == brand.template_lang or (int(width), scheme) in _ABROAD:
                shots.setdefault((name, language), []).append(Image.open(png).convert("RGB"))
                shots[name, language][-1].load()
        return shots


def renew(chromium: str) -> None:
    """Write all of `docs/templates/`."""
    _OUT.mkdir(parents=True, exist_ok=True)
    for old in _OUT.glob("*.webp"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        draw_pictures(pictures)
        library, brand = sheet_library(pictures)
        sent = transactional_steps()
        steps = {name: library.step(name, transactional=name in sent) for name in library.names()}
        mailed = {name: step for name, step in steps.items() if Channel.EMAIL in step.channels}
        shots = mails(mailed, brand, pictures, chromium)
        lines = [
            "# Every template",
            "",
            "By `tools/sheet.py`, from each step's `sample.json`: 600 and 375 px, by day and by night, then the other",
            "languages. A test compares `digests.json` and asks for a new sheet when a template changed.",
        ]
        for name, step in steps.items():
            words, own = step.samples()["sample"], brand.template_lang
            others = sorted(step.languages - {own})
            lines += ["", f"## {name}", ""]
            if name in mailed:
                lines += [f"**{step.email(abroad(words, own), message_id=1).subject}**", ""]
                lines.append(f"![{name}]({kept(beside(shots[name, own], '#8a8f8d'), name)})")
                if others:
                    abroads = [shot for language in others for shot in shots[name, language]]
                    subjects = {one: step.email(abroad(words, one), message_id=1).subject for one in others}
                    lines += ["", ", ".join(f"{_TOLD.get(one, one)}: *{said}*" for one, said in subjects.items()), ""]
                    lines.append(
                        f"![{name}, {', '.join(others)}]({kept(beside(abroads, '#8a8f8d'), f'{name}-languages')})"
                    )
            if Channel.PRINT in step.channels:
                for language in (own, *others):
                    lines.append(f"![{name}, {language}]({kept(card(step, language), f'{name}-{language}')})")
            if Channel.SMS in step.channels:
                lines += ["", "| SMS | parts | |", "|---|---|---|"]
                for language in (own, *others):
                    text = step.sms(abroad(words, language), message_id=1)
                    lines.append(
                        f"| {_TOLD.get(language, language)} | {text.segments} | {text.text.replace('|', '/')} |"
                    )
        (_OUT / "README.md").write_text("\n".join(lines) + "\n", "utf-8")
    (_OUT / "digests.json").write_text(json.dumps(digests(), indent=1) + "\n", "utf-8")


def main() -> None:
    """Read the arguments; renew, or only compare."""
    parser = argparse.ArgumentParser(description="Renew the contact sheet of all templates.")
    parser.add_argument("--check", action="store_true", help="only say what changed since the sheet was made")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    if not options.check:
        renew(options.chromium)
        return
    now, then = digests(), json.loads((_OUT / "digests.json").read_text("utf-8"))
    changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if changed:
        sys.exit(f"changed since the sheet was made: {', '.join(changed)}; run .venv/bin/python tools/sheet.py")


if __name__ == "__main__":
    main()
