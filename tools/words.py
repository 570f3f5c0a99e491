"""Brings the catalogues of words up to date with the templates.

    .venv/bin/python tools/words.py [--templates templates] [--language de ...]

Every sentence that a journey's templates say goes into `templates/<journey>/<language>.po`, those of `_layout` and of
the brand file into `templates/_layout/<language>.po`. What is translated stays; what nobody says any more is dropped;
what lacks is left empty and named. Without `--language`, the languages that are there.
"""  # noqa: INP001  a script, not a package

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po

from segue.render.brand import Brand, load_brand
from segue.render.catalogue import Msgid, Words, languages, read_catalogue
from segue.render.links import Links
from segue.render.spoken import settle

_DATED = tuple(
    f'"{name}'.encode()
    for name in (
        "Project-Id",
        "Report-Msgid",
        "POT-",
        "PO-Revision",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)
_ROOT = Path(__file__).resolve().parent.parent


def said(folder: Path, brand: Brand) -> dict[str, dict[Msgid, None]]:
    """Return what each journey's templates say, and under `_layout` what several say."""
    links = Links("https://go.example.com", b"only for reading words")
    journeys: dict[str, dict[Msgid, None]] = {}
    for sample in sorted(folder.glob("*/*/sample.json")):
        journey = sample.parent.parent.name
        for transactional in (False, True):
            words = Words(brand.template_lang, (), is_own=True)
            name = f"{journey}/{sample.parent.name}"
            settle(name, folder, brand, links, words, transactional=transactional)
            journeys.setdefault(journey, {}).update(words.asked)
    counts = Counter(msgid for asked in journeys.values() for msgid in asked)
    shared = {msgid: None for asked in journeys.values() for msgid in asked if counts[msgid] > 1}
    own = {journey: {m: None for m in asked if m not in shared} for journey, asked in journeys.items()}
    return {"_layout": shared, **own}


def memory(folder: Path, language: str) -> dict[str, Message]:
    """Return what is translated anywhere, so that a sentence that moves keeps its words."""
    known: dict[str, Message] = {}
    for file in sorted(folder.glob(f"*/{language}.po")):
        for message in read_catalogue(file):
            if message.id and is_whole(message.string):
                known[message.id if isinstance(message.id, str) else message.id[0]] = message
    return known


def renew(file: Path, asked: dict[Msgid, None], memory: dict[str, Message]) -> list[str]:
    """Write the catalogue `file` with exactly what is asked; return what has no translation."""
    language = file.stem
    new = Catalog(locale=language, fuzzy=False, header_comment=f"# What the templates beside say, in {language}.")
    new.mime_headers = [
        ("Language", language),
        ("Plural-Forms", new.plural_forms),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
    ]
    for msgid in asked:
        known = memory.get(msgid if isinstance(msgid, str) else msgid[0])
        string = known.string if known is not None and isinstance(known.string, str) == isinstance(msgid, str) else ""
        new.add(msgid, string or ("" if isinstance(msgid, str) else ("",) * new.num_plurals), flags=_flags(known))
    written = io.BytesIO()
    write_po(written, new, width=120)
    # Who wrote what and when is told by the history; here it would only change without a change.
    kept = [line for line in written.getvalue().splitlines(keepends=True) if not line.startswith(_DATED)]
    file.write_bytes(b"".join(kept))
    return [m.id if isinstance(m.id, str) else m.id[0] for m in new if m.id and not is_whole(m.string)]


def _flags(known: object) -> tuple[str, ...]:
    return tuple(flag for flag in getattr(known, "flags", ()) if flag == "fuzzy")


def is_whole(string: object) -> bool:
    """Whether every form of a sentence is there."""
    return all(string) if isinstance(string, (tuple, list)) and string else bool(string)


def main() -> None:
    """Read the arguments, renew each catalogue, name what lacks."""
    parser = argparse.ArgumentParser(description="Bring the catalogues of words up to date with the templates.")
    parser.add_argument("--templates", type=Path, default=_ROOT / "templates")
    parser.add_argument("--language", nargs="*", default=[], help="also start these, for every journey")
    options = parser.parse_args()
    for journey, asked in said(options.templates, load_brand(options.templates / "brand.toml")).items():
        if not asked:
            continue  # a journey of no sentences of its own has nothing to say in another language
        for language in sorted({*languages(options.templates, journey), *options.language}):
            file = options.templates / journey / f"{language}.po"
            for lacking in renew(file, asked, memory(options.templates, language)):
                sys.stdout.write(f"{file}: not translated: {lacking}\n")


if __name__ == "__main__":
    main()
