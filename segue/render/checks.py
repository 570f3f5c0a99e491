"""What is held against every sample before a step may be used: Gmail's limits, the law's and the carriers' demands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import unescape
from typing import Any

from segue.contract import EmailContent
from segue.render.brand import Brand
from segue.render.errors import TemplateError

#: Gmail clips a longer mail, and the unsubscribe link with it.
MAX_HTML_BYTES = 102_000


def check_email(name: str, mail: EmailContent, brand: Brand) -> None:
    """Raise TemplateError unless the mail fits Gmail, lets its reader out and says where the shop lives."""
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


def check_without_promotion(
    name: str, mail: Callable[[Mapping[str, Any]], EmailContent], words: Mapping[str, Any]
) -> None:
    """Hold the template against its promise to say nothing promotional where that may not be shown."""
    shown = mail(words)
    try:
        bare = mail({**words, "promotion": None})
    except TemplateError as error:
        raise TemplateError(
            name, f"it does not render without its promotion; put it in {{% if promotion %}} ({error})"
        ) from None
    code = str(words["promotion"].get("code", ""))
    for part, there, without in (("text", shown.text, bare.text), ("HTML", shown.html, bare.html)):
        if there == without or (code and code not in there):
            raise TemplateError(name, f"the {part} part does not show its promotion")
        if "unsubscribe" in without.lower() or (code and code in without):
            raise TemplateError(
                name, f"the {part} part shows a promotion, or a way out of one, where there is none to show"
            )
