"""A step speaks its readers' languages: whole, by the rules of each, and never two at once."""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path
from string import Formatter
from types import ModuleType
from typing import Any

import pytest
from babel import Locale
from babel.numbers import format_currency
from babel.plural import to_python
from hypothesis import given
from hypothesis import strategies as st

from segue.contract import Channel
from segue.render.brand import Brand
from segue.render.catalogue import Words, read_catalogue
from segue.render.errors import TemplateError
from segue.render.links import Links
from segue.render.samples import abroad
from segue.render.sms import segments
from segue.render.templates import Library, StepTemplate
from segue.render.voice import Voice, known_locale
from tests.render.conftest import TEMPLATES

LANGUAGES = ("de", "es", "fi")
STEPS = tuple(sorted(str(sample.parent.relative_to(TEMPLATES)) for sample in TEMPLATES.glob("*/*/sample.json")))
CATALOGUES = tuple(sorted(TEMPLATES.glob("*/*.po")))
FOOTER = "[[ brand.postal_address ]] {{ unsubscribe_url }}"
MJML = f"<mjml><mj-body><mj-section><mj-column><mj-text>%s {FOOTER}</mj-text></mj-column></mj-section></mj-body></mjml>"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def each(library: Library, language: str) -> Iterator[tuple[StepTemplate, dict[str, Any]]]:
    for name in STEPS:
        step = library.step(name)
        for words in step.samples().values():
            yield step, abroad(words, language)


def visible(html: str) -> str:
    """What a reader sees of a mail, without markup and blanks."""
    body = re.sub(r"<(style|script|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("words_tool", TEMPLATES.parent / "tools" / "words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_sentence_of_every_journey_is_in_every_catalogue(tool: ModuleType, brand: Brand) -> None:
    """Missing one, a whole step is sent in the brand's language; and none waits for a sentence nobody says."""
    for journey, asked in tool.said(TEMPLATES, brand).items():
        for language in LANGUAGES if asked else ():
            catalogue = read_catalogue(TEMPLATES / journey / f"{language}.po")
            held = {message.id for message in catalogue if message.id}
            said = {msgid if isinstance(msgid, str) else tuple(msgid) for msgid in asked}
            assert {one if isinstance(one, str) else tuple(one) for one in held} == said, (
                f"{journey}/{language}.po: run .venv/bin/python tools/words.py, then translate what it names"
            )
            lacking = [message.id for message in catalogue if message.id and not tool.is_whole(message.string)]
            assert not lacking


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_translation_keeps_what_its_sentence_names(file: Path) -> None:
    """Every placeholder in every form; only a count may go unsaid (`ein weiteres Teil`)."""
    for message in read_catalogue(file):
        if not message.id:
            continue
        originals = (message.id,) if isinstance(message.id, str) else message.id
        for form in (message.string,) if isinstance(message.string, str) else message.string or ():
            need = placeholders(originals[-1])
            assert need - placeholders(form) <= {"count"}, form
            assert placeholders(form) <= need, form
            assert not re.search(r"[{}]", re.sub(r"\{[a-z_]+\}", "", form))
            assert not {"{{", "{%", "[["} & set(re.findall(r"\{\{|\{%|\[\[", form))


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_follow_the_rules_of_the_language(language: str) -> None:
    """The catalogue's own rule against Unicode's, for the counts that people have."""
    words = Words(language, (TEMPLATES / "loyalty_notice" / f"{language}.po",))
    rule = to_python(Locale(language).plural_form)
    for count in (*range(200), 999, 1001, 21_101):
        assert words.plural_form(count) == (0 if rule(count) == "one" else 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sample_is_in_her_language_and_in_no_other(
    library: Library, brand: Brand, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No sentence of the templates' own language is left, but what is the shop's: names of things and places.

    A journey without any sentence for a catalogue is read in the brand's language; another one lacking its catalogue
    fails `test_every_sentence_of_every_journey_is_in_every_catalogue`.
    """
    told = {
        message.id if isinstance(message.id, str) else message.id[0]
        for file in CATALOGUES
        if file.stem == language
        for message in read_catalogue(file)
        if message.id and message.id != message.string
    }
    english = [re.split(r"\{[a-z_]+\}", one) for one in told]
    pieces = {piece.strip() for parts in english for piece in parts if len(piece.strip()) > 12}
    with caplog.at_level(logging.ERROR):
        for step, words in each(library, language):
            if language not in step.languages:
                continue
            if Channel.EMAIL in step.channels:
                mail = step.email(words, message_id=1)
                assert f'lang="{language}"' in mail.html
                texts = [mail.subject, mail.text, visible(mail.html)]
            elif Channel.PRINT in step.channels:
                texts = [step.page(words, message_id=1).data]
            if Channel.SMS in step.channels:
                texts.append(step.sms(words, message_id=1).text)
            for text in texts:
                left = [piece for piece in pieces if piece in text]
                assert not left, f"{step.name}: {left}"
    assert not caplog.records


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_message_costs_no_more_than_two_parts(library: Library, language: str) -> None:
    """One letter outside GSM-7 halves the room of a part, so none is used."""
    for step, words in each(library, language):
        if Channel.SMS in step.channels:
            sms = step.sms(words, message_id=41)
            assert segments(sms.text)[0] == "GSM-7", sms.text
            assert sms.segments <= 2
            assert "STOP" in sms.text


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_sentences_and_addresses_stand_apart(library: Library, language: str) -> None:
    """A line end after a sentence is part of the text, not of Jinja2's tag."""
    for step, words in each(library, language):
        texts = [step.email(words, message_id=1).text] if Channel.EMAIL in step.channels else []
        texts += [step.sms(words, message_id=1).text] if Channel.SMS in step.channels else []
        for text in texts:
            assert not re.search(r"\S(?=https://)", text), step.name
            assert not re.search(r"[a-z][.:?][A-ZÄÖÜ]", re.sub(r"https://\S+", "", text)), step.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_any_day_a_text_message_stays_cheap(language: str) -> None:
    """A Saturday in Spain is a `sáb`."""
    voice = Voice(known_locale(language), "Europe/Berlin", "{size}", "")
    for day in range(1, 29):
        for month in range(1, 13):
            assert segments(voice.short_time(f"2026-{month:02d}-{day:02d}T12:00:00Z"))[0] == "GSM-7"


@pytest.mark.parametrize(
    ("locale", "long", "short", "day", "month", "money", "whole", "percent", "number"),
    [
        ("de-DE", "Samstag, 23. Mai, 14:00 Uhr MESZ", "Sa., 23.5., 14:00 MESZ", "23. Mai", "Mai", "1.234,50 €", "15 €", "10 %", "12.345"),  # noqa: E501
        ("de-AT", "Samstag, 23. Mai, 14:00 Uhr MESZ", "Sa., 23.5., 14:00 MESZ", "23. Mai", "Mai", "€ 1.234,50", "€ 15", "10 %", "12.345"),  # noqa: E501
        ("es-ES", "sábado, 23 de mayo, 14:00 h CEST", "23/5, 14:00 CEST", "23 de mayo", "mayo", "1.234,50 €", "15 €", "10 %", "12.345"),  # noqa: E501
        ("fi-FI", "lauantaina 23. toukokuuta klo 14.00 CEST", "la 23.5., 14.00 CEST", "23. toukokuuta", "toukokuu", "1 234,50 €", "15 €", "10 %", "12 345"),  # noqa: E501
    ],
)  # fmt: skip
def test_times_and_amounts_are_written_as_she_writes_them(
    locale: str, long: str, short: str, day: str, month: str, money: str, whole: str, percent: str, number: str
) -> None:
    """No-break spaces where a line must not end; here they are written as blanks."""
    voice = Voice(locale, "Europe/Berlin", "Größe {size}", "Einheitsgröße")
    at = "2026-05-23T12:00:00+00:00"
    said = [
        voice.local_time(at), voice.short_time(at), voice.date(at), voice.day(at)["month"],
        voice.money(123450, "EUR"), voice.amount(1500, "EUR"), voice.worth({"percent": 10}), voice.number(12345),
    ]  # fmt: skip
    assert [" ".join(str(one).split()) for one in said] == [long, short, day, month, money, whole, percent, number]
    assert voice.amount(750, "EUR") == voice.money(750, "EUR")
    assert (voice.size_label("8"), voice.size_label("One size")) == ("Größe 8", "Einheitsgröße")


@given(st.integers(-(10**9), 10**9), st.sampled_from(["EUR", "USD", "JPY", "KWD"]), st.sampled_from(["de-DE", "fi-FI"]))
def test_no_cent_is_lost_in_writing(minor: int, currency: str, locale: str) -> None:
    """Against Babel's own reading of the exact amount, which knows every currency's digits."""
    digits = {"JPY": 0, "KWD": 3}.get(currency, 2)
    exact = Decimal(minor).scaleb(-digits)
    written = Voice(locale, "UTC", "{size}", "").money(minor, currency)
    assert written == format_currency(exact, currency, locale=locale.replace("-", "_"))


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de-DE", "de"), ("de_AT", "de"), ("DE", "de"), ("de-XX", "de"), ("fi", "fi"), ("es-419", "es"), ("sv-FI", "en"),
     ("en-GB", "en"), ("", "en"), (None, "en"), ("-", "en"), ("x" * 99, "en"), (7, "en"), ("../de", "en")],
)  # fmt: skip
def test_the_language_follows_the_locale_and_else_the_brand(library: Library, locale: Any, language: str) -> None:
    step = library.step("abandoned_cart/reminder")
    words = step.samples()["sample"]
    mail = step.email({**words, "profile": {**words["profile"], "locale": locale}}, message_id=1)
    assert f'lang="{language}"' in mail.html


def german(tmp_path: Path, brand: Brand, links: Links, **translated: str) -> Library:
    """A library of one step that says `Hello {code}` and `See you`, with what is `translated` of it in German."""
    step = tmp_path / "journey" / "step"
    step.mkdir(parents=True, exist_ok=True)
    hello, bye = '[[ _("Hello {code}", code="code") ]]', '[[ _("See you") ]]'
    (step / "sample.json").write_text('{"profile": {"locale": null}, "code": "<b>"}', "utf-8")
    (step / "subject.txt.j2").write_text(hello, "utf-8")
    (step / "email.txt.j2").write_text(f"{hello} {bye} {FOOTER}", "utf-8")
    (step / "email.mjml.j2").write_text(MJML % f"{hello} {bye}", "utf-8")
    entries = {"Size {size}": "Größe {size}", **{key.replace("_", " "): said for key, said in translated.items()}}
    text = "\n\n".join(f'msgid "{msgid}"\nmsgstr "{said}"' for msgid, said in entries.items())
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tmp_path / "journey" / "de.po").write_text(head + text, "utf-8")
    return Library(tmp_path, brand, links)


HER = {"profile": {"locale": "de-DE"}, "code": "<b>"}
WHOLE = {"Hello_{code}": "Hallo {code}", "See_you": "Bis bald"}


def test_what_is_filled_in_is_escaped_in_every_language(tmp_path: Path, brand: Brand, links: Links) -> None:
    step = german(tmp_path, brand, links, **{**WHOLE, "See_you": "Bis bald <i>& so</i>"}).step("journey/step")
    mail = step.email(HER, message_id=1)
    assert mail.subject == "Hallo <b>"
    assert "Hallo &lt;b&gt; Bis bald &lt;i&gt;&amp; so&lt;/i&gt;" in mail.html


@pytest.mark.parametrize(
    ("translated", "said"),
    [
        pytest.param({"Hello_{code}": "Hallo {code}"}, "'See you'", id="a sentence lacks"),
        pytest.param({**WHOLE, "See_you": ""}, "'See you'", id="a sentence is empty"),
        pytest.param({**WHOLE, "Hello_{code}": "Hallo {kode}"}, "{kode}", id="a placeholder nobody gives"),
    ],
)
def test_half_a_translation_is_not_sent(
    tmp_path: Path, brand: Brand, links: Links, caplog: pytest.LogCaptureFixture, translated: dict[str, str], said: str
) -> None:
    """The whole mail is in the brand's language then, once said in the log."""
    step = german(tmp_path, brand, links, **translated).step("journey/step")
    with caplog.at_level(logging.ERROR):
        mails = [step.email(HER, message_id=number) for number in (1, 2)]
    assert [mail.subject for mail in mails] == ["Hello <b>"] * 2
    assert "Hallo" not in mails[0].html
    (record,) = caplog.records
    assert "journey/step is not sent in de" in record.getMessage()
    assert said in record.getMessage()


def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path, brand: Brand, links: Links) -> None:
    library = german(tmp_path, brand, links, **WHOLE)
    (tmp_path / "journey" / "de.po").write_text("no catalogue at all", "utf-8")
    with pytest.raises(TemplateError, match=r"journey/de\.po"):
        read_catalogue(tmp_path / "journey" / "de.po")
    assert (
        library.step("journey/step").email({**HER, "profile": {"locale": "en-US"}}, message_id=1).subject == "Hello <b>"
    )


def test_a_new_translation_is_a_new_version(tmp_path: Path, brand: Brand, links: Links) -> None:
    """A run that waits for approval asks again."""
    first = german(tmp_path, brand, links, **WHOLE).step("journey/step").version
    assert german(tmp_path, brand, links, **WHOLE).step("journey/step").version == first
    assert german(tmp_path, brand, links, **{**WHOLE, "See_you": "Tschüss"}).step("journey/step").version != first


def test_a_german_shop_may_keep_the_templates_as_they_are(tmp_path: Path, brand: Brand, links: Links) -> None:
    """`written_in` tells what the templates are written in; her own language is then the catalogue's."""
    abroad = brand.model_copy(update={"locale": "de-DE", "written_in": "en"})
    german(tmp_path, brand, links, **WHOLE)
    step = Library(tmp_path, abroad, links).step("journey/step")
    said = {None: "Hallo <b>", "fr-FR": "Hallo <b>", "de-DE": "Hallo <b>", "en-US": "Hello <b>"}
    for locale, subject in said.items():
        assert step.email({**HER, "profile": {"locale": locale}}, message_id=1).subject == subject


def test_each_language_is_compiled_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    step = library.step("abandoned_cart/reminder")
    words = abroad(step.samples()["sample"], "de")
    step.email(words, message_id=1)
    monkeypatch.setattr("segue.render.templates.Spoken", None)  # compiling again would fail
    assert step.email(abroad(words, "de"), message_id=2).subject == step.email(words, message_id=3).subject
