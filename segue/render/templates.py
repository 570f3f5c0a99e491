"""The library of steps: give it a step's words and get back a mail or a text, in its reader's language.

Each step is compiled once a language and checked with its own samples, so that what is wrong with a template is found
before anybody is written to. What is added to every message (links, unsubscribe) is added here.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from segue.contract import Attachment, Channel, EmailContent, MailFrame, Pieces, PrintContent, SmsContent
from segue.render.brand import Brand
from segue.render.calendar_file import calendar_file
from segue.render.catalogue import Msgid, Words, catalogues, languages
from segue.render.checks import check_email, check_without_promotion
from segue.render.compile import version_of
from segue.render.errors import TemplateError
from segue.render.links import Links, Slot, tags_of
from segue.render.page import PAGE_FILE
from segue.render.sms import segments
from segue.render.spoken import EMAIL_FILES, SMS_FILE, Spoken
from segue.render.voice import Voice, language_of

_LOG = logging.getLogger(__name__)
#: Twilio refuses a longer text.
MAX_SMS_CHARS = 1_600

#: Embeddings, overrides and isolates: they can make a subject read as another one.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


class StepTemplate:
    """The words of one step, compiled in the brand's language at once and in others on first use."""

    def __init__(
        self,
        name: str,
        folder: Path,
        brand: Brand,
        links: Links,
        *,
        transactional: bool,
        pictures: Path | None,
    ) -> None:
        self.name = name
        #: A short hash of everything that decides its words, in every language.
        self.version = version_of(folder, name, brand, transactional=transactional)
        self._root = folder
        self._folder = folder / name
        self._links = links
        self._brand = brand
        self._page: Callable[[str], str] = brand.page
        self._transactional = transactional
        self._pictures = pictures
        self._frame = _frame(name, brand, transactional=transactional)
        #: The languages it is written in and has catalogues for.
        self.languages = frozenset({brand.template_lang, *languages(folder, name.partition("/")[0])})
        self._spoken: dict[str, Spoken] = {}
        self._for = lru_cache(maxsize=512)(self._chosen)
        self._home = self._compiled(brand.lang if brand.lang in self.languages else brand.template_lang)
        self.channels = self._home.channels
        #: What it speaks to whoever reads none of the others.
        self.language = self._home.language
        self._check(self.samples())

    def _chosen(self, locale: str | None, written_in: str | None) -> tuple[Spoken, Voice, dict[str, Any]]:
        """Whom to fill in for people of `locale`: the step in their language, how they write, and all of its names.

        Words that somebody wrote in one language (`written_in`, empty for the brand's) have the step speak that one.
        """
        language = language_of(locale) if written_in is None else written_in or self._brand.lang
        spoken = self._home
        if language in self.languages and language is not None:
            spoken = self._spoken.get(language) or self._compiled(language)
        voice = spoken.voice(locale or self._brand.locale)
        return spoken, voice, {**spoken.globals, **voice.names()}

    def _compiled(self, language: str) -> Spoken:
        """The step in `language`; a language that it does not speak to the end is the brand's, and the log says so."""
        own = language == self._brand.template_lang
        files = () if own else catalogues(self._root, self.name.partition("/")[0], language)
        missing: Sequence[Msgid] = ()
        try:
            words = Words(language, files, is_own=own)
            spoken = Spoken(
                self.name, self._root, self._brand, self._links, words,
                transactional=self._transactional, pictures=self._pictures,
            )  # fmt: skip
            missing = tuple(words.missing)
        except TemplateError as error:
            if not self._spoken:
                raise
            _LOG.error("%s is not sent in %s but in the brand's language: %s", self.name, language, error)
            spoken = self._home
        if missing and self._spoken:
            _LOG.error(
                "%s is not sent in %s but in the brand's language: %d sentences are not translated, such as %r",
                self.name, language, len(missing), missing[0] if isinstance(missing[0], str) else missing[0][0],
            )  # fmt: skip
            spoken = self._home
        self._spoken[language] = spoken
        return spoken

    def email(self, words: Mapping[str, Any], *, message_id: int) -> EmailContent:
        """Fill the mail; raises TemplateError naming what `words` lack, never what they hold."""
        spoken, voice, names = self._for(*_tongue(words))
        if spoken.email is None:
            raise TemplateError(self.name, f"there is no e-mail; add {', '.join(EMAIL_FILES)}")
        subject, text, html = spoken.email
        # In a transactional mail the way out and the block that promotes something are there together, or neither is.
        promotes = not self._transactional or words.get("promotion") is not None
        unsubscribe_url = self._links.unsubscribe(message_id, Channel.EMAIL) if promotes else None
        context = {
            **words,
            **names,
            "link": self._link(message_id, words.get("campaign")),
            "unsubscribe_url": unsubscribe_url,
        }
        if promotes:
            context["share_link"] = self._links.referral
        headline = _one_line(subject(context))
        in_text, in_html = text.pieces(context), html.pieces(context)
        bodies = "".join(in_text), "".join(in_html)
        return EmailContent(
            frame=self._frame,
            subject=headline,
            text=bodies[0],
            html=bodies[1],
            unsubscribe_url=unsubscribe_url,
            attachments=self._attachments(words, voice),
            pieces=Pieces(text=in_text, html=in_html, fixed=spoken.fixed, bodies=bodies),
        )

    def sms(self, words: Mapping[str, Any], *, message_id: int) -> SmsContent:
        """Fill the text message; raises TemplateError as `email` does, and for one too long to be taken."""
        spoken, _, names = self._for(*_tongue(words))
        if spoken.sms is None:
            raise TemplateError(self.name, f"there is no SMS; add {SMS_FILE}")

        def short_link(slot: str) -> str:
            return self._links.short(message_id, Slot[slot.upper()])

        text = _one_line(spoken.sms({**words, **names, "short_link": short_link}))
        if len(text) > MAX_SMS_CHARS:
            raise TemplateError(self.name, f"the SMS has more than {MAX_SMS_CHARS} characters; no provider takes it")
        return SmsContent(text=text, segments=segments(text)[1])

    def page(self, words: Mapping[str, Any], *, message_id: int) -> PrintContent:
        """Fill the printed page; raises TemplateError as `email` does."""
        spoken, voice, _ = self._for(*_tongue(words))
        if spoken.page is None:
            raise TemplateError(self.name, f"there is no printed page; add {PAGE_FILE}")
        return spoken.page.content(words, voice, message_id=message_id)

    def content(
        self, channel: Channel, words: Mapping[str, Any], *, message_id: int
    ) -> EmailContent | SmsContent | PrintContent:
        """Fill whatever travels on `channel`."""
        if channel is Channel.EMAIL:
            return self.email(words, message_id=message_id)
        if channel is Channel.SMS:
            return self.sms(words, message_id=message_id)
        return self.page(words, message_id=message_id)

    def samples(self) -> dict[str, dict[str, Any]]:
        """Return the words of each `sample*.json`, by file name without its end; never a real person's."""
        return {file.stem: json.loads(file.read_text("utf-8")) for file in sorted(self._folder.glob("sample*.json"))}

    def _attachments(self, words: Mapping[str, Any], voice: Voice) -> tuple[Attachment, ...]:
        """What comes with the mail: an entry for her calendar, where the words hold one."""
        event = words.get("calendar")
        if event is None:
            return ()
        try:
            tags = tags_of(f"{self.name}/calendar", Channel.EMAIL, words.get("campaign"))
            return (calendar_file(event, self._brand, voice, tags),)
        except KeyError as error:
            raise TemplateError(self.name, f"calendar.{error.args[0]} is missing") from None
        except (TypeError, ValueError):
            raise TemplateError(self.name, "the calendar entry has a time or a place that does not fit") from None

    def _link(self, message_id: int, campaign: str | None) -> Callable[[str], str]:
        """The template's `link(path)`; text and HTML hold the same links, so each is made once.

        Visits are booked under the journey and its step, or under the campaign that the words name and its template.
        """
        click, page = self._links.clicks(message_id, tags_of(self.name, Channel.EMAIL, campaign)), self._page
        made: dict[str, str] = {}

        def link(path: str) -> str:
            url = made.get(path)
            if url is None:
                url = made[path] = click(page(path))
            return url

        return link

    def _check(self, samples: Mapping[str, Mapping[str, Any]]) -> None:
        """Fill every sample and hold the result against what Gmail, the law and the carriers demand."""
        if "sample" not in samples:
            raise TemplateError(self.name, "sample.json is missing; previews and tests are made from it")
        for words in samples.values():
            if Channel.EMAIL in self.channels:
                check_email(self.name, self.email(words, message_id=0), self._brand)
                if self._transactional and words.get("promotion") is not None:
                    check_without_promotion(self.name, lambda given: self.email(given, message_id=0), words)
            text = self.sms(words, message_id=0).text if Channel.SMS in self.channels else None
            if text is not None and "STOP" not in text and not self._transactional:
                raise TemplateError(self.name, "the SMS does not say how to stop; add `Reply STOP to opt out`")
            if Channel.PRINT in self.channels:
                self.page(words, message_id=0)


class Library:
    """All steps of a templates folder, for one brand and one installation's links."""

    def __init__(self, folder: Path, brand: Brand, links: Links, *, pictures: Path | None = None) -> None:
        """`pictures` is the folder of product pictures that paper is printed with."""
        self._pictures = pictures
        self._folder = folder
        self._brand = brand
        self._links = links
        self._steps: dict[tuple[str, bool], StepTemplate] = {}

    @property
    def language(self) -> str:
        """The brand's own language."""
        return self._brand.lang

    def step(self, name: str, *, transactional: bool = False) -> StepTemplate:
        """Return the step `journey/step`, compiled on first use; raises TemplateError with the cure.

        A transactional step carries no way to unsubscribe, and comes from the transactional sender.
        """
        step = self._steps.get((name, transactional))
        if step is None:
            step = StepTemplate(
                name,
                self._folder,
                self._brand,
                self._links,
                transactional=transactional,
                pictures=self._pictures,
            )
            self._steps[name, transactional] = step
        return step

    def names(self) -> tuple[str, ...]:
        """Return every step that has samples, sorted."""
        return tuple(sorted({str(f.parent.relative_to(self._folder)) for f in self._folder.glob("*/*/sample.json")}))


def _frame(name: str, brand: Brand, *, transactional: bool) -> MailFrame:
    sender = brand.senders.transactional if transactional else brand.senders.marketing
    journey, _, step = name.partition("/")
    return MailFrame(
        from_name=sender.name,
        from_address=sender.address,
        reply_to=sender.reply_to,
        # What Gmail's Postmaster Tools group complaints by; the last field is the sender.
        headers=(("Feedback-ID", f"{step}:{journey}::{brand.sms_name.lower()}"),),
    )


def _one_line(text: str) -> str:
    """One line without direction marks: what someone calls herself cannot rearrange a subject or a text."""
    if not text.isascii():
        text = _DIRECTION.sub("", text)
    return " ".join(text.split())


def _tongue(words: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The locale of whoever the words are for, as far as they tell, and the language they were written in, if one."""
    written_in = words.get("written_in")
    try:
        locale = words["profile"]["locale"]
    except (KeyError, TypeError, IndexError):
        locale = None
    return locale if isinstance(locale, str) else None, written_in if isinstance(written_in, str) else None
