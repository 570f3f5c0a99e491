"""One step in one language, compiled: its mail, its text, its card."""

from __future__ import annotations

from pathlib import Path

from segue.contract import Channel
from segue.render.brand import Brand
from segue.render.catalogue import Words
from segue.render.compile import Compiler, Fill
from segue.render.errors import TemplateError
from segue.render.links import Links
from segue.render.page import PAGE_FILE, PageTemplate
from segue.render.voice import Voice, known_locale

EMAIL_FILES = ("subject.txt.j2", "email.txt.j2", "email.mjml.j2")
SMS_FILE = "sms.txt.j2"
_FILES = ((Channel.EMAIL, EMAIL_FILES[2]), (Channel.SMS, SMS_FILE), (Channel.PRINT, PAGE_FILE))
#: How a size stands beside a product, and what it is where there is one alone.
SIZE, ONE_SIZE = "Size {size}", "One size"


def channels_of(folder: Path) -> tuple[Channel, ...]:
    """Return the channels that a step's folder has words for, told by its files alone."""
    return tuple(channel for channel, file in _FILES if (folder / file).is_file())


class Spoken:
    """The files of one step, compiled in one language."""

    def __init__(
        self,
        name: str,
        folder: Path,
        brand: Brand,
        links: Links,
        words: Words,
        *,
        transactional: bool,
        pictures: Path | None,
    ) -> None:
        self.name = name
        self.language = words.language
        self._brand = brand
        self._folder = folder / name
        self._size = words.sentence(SIZE)
        one_size = words.own(ONE_SIZE)
        self._one_size = "" if one_size == ONE_SIZE else one_size
        compiler = Compiler(folder, brand, words, self.voice(brand.locale))
        self.globals = compiler.globals
        self.email = self._compile_email(compiler, transactional=transactional)
        #: The mail's own words, the same for everybody.
        self.fixed = frozenset[str]().union(*(fill.fixed for fill in self.email or ()))
        self.sms = self._compile_sms(compiler, transactional=transactional)
        has_page = (self._folder / PAGE_FILE).exists()
        self.page = PageTemplate(name, folder, brand, links, words, pictures=pictures) if has_page else None
        written = ((Channel.EMAIL, self.email), (Channel.SMS, self.sms), (Channel.PRINT, self.page))
        self.channels = frozenset(channel for channel, there in written if there)
        if not self.channels:
            raise TemplateError(
                name, f"the folder {self._folder} holds none of {EMAIL_FILES[2]}, {SMS_FILE} and {PAGE_FILE}"
            )

    def voice(self, locale: str) -> Voice:
        """Return how amounts and dates read in this language to people of `locale`, if that is theirs."""
        known = known_locale(locale)
        if known.partition("-")[0] != self.language:
            known = self.language
        if "-" not in known and self.language == self._brand.lang:
            known = self._brand.locale
        return Voice(known, self._brand.zone, self._size, self._one_size)

    def _compile_email(self, compiler: Compiler, *, transactional: bool) -> tuple[Fill, Fill, Fill] | None:
        there = [(self._folder / file).exists() for file in EMAIL_FILES]
        if not any(there):
            return None
        if not all(there):
            absent = ", ".join(f for f, found in zip(EMAIL_FILES, there, strict=True) if not found)
            raise TemplateError(self.name, f"an e-mail needs a subject, a text and an HTML part; add {absent}")
        subject, text, html = (f"{self.name}/{file}" for file in EMAIL_FILES)
        return (
            compiler.text(subject, transactional=transactional),
            compiler.text(text, transactional=transactional),
            compiler.html(html, transactional=transactional),
        )

    def _compile_sms(self, compiler: Compiler, *, transactional: bool) -> Fill | None:
        if not (self._folder / SMS_FILE).exists():
            return None
        return compiler.text(f"{self.name}/{SMS_FILE}", transactional=transactional)


def settle(name: str, folder: Path, brand: Brand, links: Links, words: Words, *, transactional: bool) -> None:
    """Ask `words` for every sentence of a step, in its order, and compile nothing: for whoever only collects them."""
    size, one_size = words.sentence(SIZE), words.own(ONE_SIZE)
    compiler = Compiler(folder, brand, words, Voice(brand.locale, brand.zone, size, one_size))
    for file in (*EMAIL_FILES, SMS_FILE):
        if (folder / name / file).exists():
            compiler.branded(f"{name}/{file}", transactional=transactional)
    if (folder / name / PAGE_FILE).exists():
        PageTemplate(name, folder, brand, links, words, pictures=None)
