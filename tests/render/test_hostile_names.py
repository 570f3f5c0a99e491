"""A name is a name: whatever someone calls herself is shown, and nothing of it is run."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.contract import EmailContent
from segue.render.templates import Library, StepTemplate

NAMES = (
    "[a] $5 #import {{ x }}",
    "[[ brand.name ]] [% raw %] [# #]",
    "{% for i in range(9) %}{{ i }}{% endfor %} {# gone #}",
    'Robert\'); "DROP" <b>bold</b> & co',
    "</style><script>alert(1)</script><!--",
    "\\u007b %s %(x)s {0} ${x} -{{ 7*7 }}-",
    "שרה",
    "سارة‎ Ann",
    "Søren Łukasz 李小龙",
    "Zoë 👩‍👩‍👧 🙂",
    "=?utf-8?b?SGk=?=",
)


def with_name(step: StepTemplate, name: str) -> dict[str, object]:
    words = step.samples()["sample"]
    return {**words, "profile": {**words["profile"], "first_name": name}}


def read_back(mail: EmailContent) -> tuple[str, str, str]:
    """Subject, text and HTML as a mail program would see them."""
    raw = mail.mime(key="a/b/c", to="sarah@example.com", at=datetime(2026, 5, 12, tzinfo=UTC))
    message = email.message_from_bytes(raw, policy=email.policy.default)
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    return str(message["Subject"]), text.get_content(), html.get_content()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_survives_a_mail_unharmed(library: Library, name: str) -> None:
    subject, text, html = read_back(
        library.step("abandoned_cart/reminder").email(
            with_name(library.step("abandoned_cart/reminder"), name), message_id=1
        )
    )
    assert subject.startswith(f"{name}, 10% off")
    assert f"{name}, you left" in text
    assert f"<bdi>{name}</bdi>" in unescape(html)
    assert "<script>" not in html
    assert "<b>" not in html


@pytest.mark.parametrize("name", NAMES)
def test_a_name_survives_an_sms_unharmed(library: Library, name: str) -> None:
    step = library.step("abandoned_cart/last_call")
    sms = step.sms(with_name(step, name), message_id=1)
    assert sms.text.startswith(f"Saltmere: {name}, use K7QM-2XHD")
    assert sms.segments >= (1 if name.isascii() else 3)


@pytest.mark.parametrize("mark", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_direction_marks_cannot_turn_a_subject_round(library: Library, mark: str) -> None:
    step = library.step("abandoned_cart/reminder")
    subject = step.email(with_name(step, f"{mark}Sarah{mark}"), message_id=1).subject
    assert subject == "Sarah, 10% off the Tide leggings in your cart"


def test_a_line_break_in_a_name_starts_no_line(library: Library) -> None:
    """Neither a header of the mail nor a line of a text that looks like somebody else's."""
    step = library.step("abandoned_cart/last_call")
    words = with_name(step, "Sarah\r\nBcc: all@example.com")
    assert "\n" not in step.sms(words, message_id=1).text
    without_code = {**words, "voucher": None}
    assert step.email(without_code, message_id=1).subject == "Sarah Bcc: all@example.com, shall we keep your cart?"


@given(name=st.text(min_size=1, max_size=40))
def test_no_name_at_all_breaks_a_mail(library: Library, name: str) -> None:
    step = library.step("abandoned_cart/reminder")
    mail = step.email(with_name(step, name), message_id=1)
    assert f"<bdi>{name}</bdi>" in unescape(mail.html)
    assert f"{name}, you left" in mail.text


def test_words_cannot_take_the_place_of_what_the_renderer_adds(library: Library) -> None:
    """A field of the shop's data called `link` or `money` is a field, not a function of ours."""
    step = library.step("abandoned_cart/reminder")
    words = step.samples()["sample"]
    plain = step.email(words, message_id=1)
    ours = {"link": None, "money": None, "unsubscribe_url": "https://elsewhere.example.com", "brand": {}}
    assert step.email({**words, **ours}, message_id=1) == plain
