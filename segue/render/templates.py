"""The library of steps: give it a step's words and get back a mail or a text.

Each step is compiled once and checked with its own samples, so that what is wrong with a template is found
before anybody is written to. What is added to every message (links, unsubscribe) is added here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any

from segue.contract import Attachment, Channel, EmailContent, MailFrame, Pieces, PrintContent, SmsContent
from segue.render.brand import Brand
from segue.render.calendar_file import calendar_file
from segue.render.compile import Compiler, Fill
from segue.render.errors import TemplateError
from segue.render.links import Links, Slot, Tags
from segue.render.page import PAGE_FILE, PageTemplate
from segue.render.sms import segments

#: Gmail clips a longer mail, and the unsubscribe link with it.
MAX_HTML_BYTES = 102_000
#: Twilio refuses a longer text.
MAX_SMS_CHARS = 1_600

#: Embeddings, overrides and isolates: they can make a subject read as another one.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_EMAIL_FILES = ("subject.txt.j2", "email.txt.j2", "email.mjml.j2")
_SMS_FILE = "sms.txt.j2"


class StepTemplate:
    """The words of one step, compiled."""

    def __init__(
        self,
        name: str,
        folder: Path,
        compiler: Compiler,
        brand: Brand,
        links: Links,
        *,
        transactional: bool,
        pictures: Path | None,
    ) -> None:
        self.name = name
        self.version = compiler.version(name, transactional=transactional)
        self._folder = folder / name
        self._globals = compiler.globals
        self._links = links
        self._brand = brand
        self._page: Callable[[str], str] = brand.page
        self._transactional = transactional
        self._email = self._compile_email(compiler, transactional=transactional)
        self._fixed = frozenset[str]().union(*(fill.fixed for fill in self._email or ()))
        self._sms = self._compile_sms(compiler, transactional=transactional)
        self._frame = _frame(name, brand, transactional=transactional)
        self._email_tags = _tags(name, Channel.EMAIL)
        has_page = (self._folder / PAGE_FILE).exists()
        self._page_template = PageTemplate(name, folder, brand, links, pictures=pictures) if has_page else None
        written = ((Channel.EMAIL, self._email), (Channel.SMS, self._sms), (Channel.PRINT, self._page_template))
        self.channels = frozenset(channel for channel, there in written if there)
        if not self.channels:
            raise TemplateError(
                name, f"the folder {self._folder} holds none of {_EMAIL_FILES[2]}, {_SMS_FILE} and {PAGE_FILE}"
            )
        self._check(brand)

    def email(self, words: Mapping[str, Any], *, message_id: int) -> EmailContent:
        """Fill the mail; raises TemplateError naming what `words` lack, never what they hold."""
        if self._email is None:
            raise TemplateError(self.name, f"there is no e-mail; add {', '.join(_EMAIL_FILES)}")
        subject, text, html = self._email
        # In a transactional mail the way out and the block that promotes something are there together, or neither is.
        promotes = not self._transactional or words.get("promotion") is not None
        unsubscribe_url = self._links.unsubscribe(message_id, Channel.EMAIL) if promotes else None
        context = {
            **words,
            **self._globals,
            "link": self._link(message_id),
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
            attachments=self._attachments(words),
            pieces=Pieces(text=in_text, html=in_html, fixed=self._fixed, bodies=bodies),
        )

    def sms(self, words: Mapping[str, Any], *, message_id: int) -> SmsContent:
        """Fill the text message; raises TemplateError as `email` does, and for one too long to be taken."""
        if self._sms is None:
            raise TemplateError(self.name, f"there is no SMS; add {_SMS_FILE}")

        def short_link(slot: str) -> str:
            return self._links.short(message_id, Slot[slot.upper()])

        text = _one_line(self._sms({**words, **self._globals, "short_link": short_link}))
        if len(text) > MAX_SMS_CHARS:
            raise TemplateError(self.name, f"the SMS has more than {MAX_SMS_CHARS} characters; no provider takes it")
        return SmsContent(text=text, segments=segments(text)[1])

    def page(self, words: Mapping[str, Any], *, message_id: int) -> PrintContent:
        """Fill the printed page; raises TemplateError as `email` does."""
        if self._page_template is None:
            raise TemplateError(self.name, f"there is no printed page; add {PAGE_FILE}")
        return self._page_template.content(words, message_id=message_id)

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

    def _attachments(self, words: Mapping[str, Any]) -> tuple[Attachment, ...]:
        """What comes with the mail: an entry for her calendar, where the words hold one."""
        event = words.get("calendar")
        if event is None:
            return ()
        try:
            return (calendar_file(event, self._brand),)
        except KeyError as error:
            raise TemplateError(self.name, f"calendar.{error.args[0]} is missing") from None
        except (TypeError, ValueError):
            raise TemplateError(self.name, "the calendar entry has a time or a place that does not fit") from None

    def _link(self, message_id: int) -> Callable[[str], str]:
        """The template's `link(path)`; text and HTML hold the same links, so each is made once."""
        click, page = self._links.clicks(message_id, self._email_tags), self._page
        made: dict[str, str] = {}

        def link(path: str) -> str:
            url = made.get(path)
            if url is None:
                url = made[path] = click(page(path))
            return url

        return link

    def _compile_email(self, compiler: Compiler, *, transactional: bool) -> tuple[Fill, Fill, Fill] | None:
        there = [(self._folder / file).exists() for file in _EMAIL_FILES]
        if not any(there):
            return None
        if not all(there):
            absent = ", ".join(f for f, found in zip(_EMAIL_FILES, there, strict=True) if not found)
            raise TemplateError(self.name, f"an e-mail needs a subject, a text and an HTML part; add {absent}")
        subject, text, html = (f"{self.name}/{file}" for file in _EMAIL_FILES)
        return (
            compiler.text(subject, transactional=transactional),
            compiler.text(text, transactional=transactional),
            compiler.html(html, transactional=transactional),
        )

    def _compile_sms(self, compiler: Compiler, *, transactional: bool) -> Fill | None:
        if not (self._folder / _SMS_FILE).exists():
            return None
        return compiler.text(f"{self.name}/{_SMS_FILE}", transactional=transactional)

    def _check(self, brand: Brand) -> None:
        """Fill every sample and hold the result against what Gmail, the law and the carriers demand."""
        samples = self.samples()
        if "sample" not in samples:
            raise TemplateError(self.name, "sample.json is missing; previews and tests are made from it")
        for words in samples.values():
            if self._email:
                _check_email(self.name, self.email(words, message_id=0), brand)
                if self._transactional and words.get("promotion") is not None:
                    self._check_without_promotion(words)
            if self._sms and "STOP" not in self.sms(words, message_id=0).text and not self._transactional:
                raise TemplateError(self.name, "the SMS does not say how to stop; add `Reply STOP to opt out`")
            if self._page_template:
                self.page(words, message_id=0)

    def _check_without_promotion(self, words: Mapping[str, Any]) -> None:
        """Hold the template against its promise to say nothing promotional where that may not be shown."""
        shown = self.email(words, message_id=0)
        try:
            bare = self.email({**words, "promotion": None}, message_id=0)
        except TemplateError as error:
            raise TemplateError(
                self.name, f"it does not render without its promotion; put it in {{% if promotion %}} ({error})"
            ) from None
        code = str(words["promotion"].get("code", ""))
        for part, there, without in (("text", shown.text, bare.text), ("HTML", shown.html, bare.html)):
            if there == without or (code and code not in there):
                raise TemplateError(self.name, f"the {part} part does not show its promotion")
            if "unsubscribe" in without.lower() or (code and code in without):
                raise TemplateError(
                    self.name, f"the {part} part shows a promotion, or a way out of one, where there is none to show"
                )


class Library:
    """All steps of a templates folder, for one brand and one installation's links."""

    def __init__(self, folder: Path, brand: Brand, links: Links, *, pictures: Path | None = None) -> None:
        """`pictures` is the folder of product pictures that paper is printed with."""
        self._pictures = pictures
        self._folder = folder
        self._brand = brand
        self._links = links
        self._compiler = Compiler(folder, brand)
        self._steps: dict[tuple[str, bool], StepTemplate] = {}

    def step(self, name: str, *, transactional: bool = False) -> StepTemplate:
        """Return the step `journey/step`, compiled on first use; raises TemplateError with the cure.

        A transactional step carries no way to unsubscribe, and comes from the transactional sender.
        """
        step = self._steps.get((name, transactional))
        if step is None:
            step = StepTemplate(
                name,
                self._folder,
                self._compiler,
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


def _check_email(name: str, mail: EmailContent, brand: Brand) -> None:
    size = len(mail.html.encode("utf-8"))
    if size > MAX_HTML_BYTES:
        raise TemplateError(name, f"the HTML has {size:,} bytes; Gmail clips at {MAX_HTML_BYTES:,}: shorten it")
    if not mail.subject:
        raise TemplateError(name, "the subject is empty")
    for part, body in (("text", mail.text), ("HTML", mail.html)):
        if mail.unsubscribe_url is not None and mail.unsubscribe_url not in body:
            raise TemplateError(name, f"the {part} part has no unsubscribe link; use the footer of _layout")
        if brand.address[0] not in unescape(body):
            raise TemplateError(name, f"the {part} part has no postal address; use the footer of _layout")


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


def _tags(name: str, medium: Channel) -> Tags:
    journey, _, step = name.partition("/")
    return Tags(medium, campaign=journey, content=step)


def _one_line(text: str) -> str:
    """One line without direction marks: what someone calls herself cannot rearrange a subject or a text."""
    if not text.isascii():
        text = _DIRECTION.sub("", text)
    return " ".join(text.split())
