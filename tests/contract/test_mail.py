"""The mail frame read back by the standard library's parser, which nobody here wrote."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import UniqueAddressHeader
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segue.contract import MailFrame, encode_header
from tests.search import examples

_AT = datetime(2026, 5, 14, 15, 0, 0, 123456, tzinfo=UTC)
_FRAME = MailFrame(from_name="Brand", from_address="hello@example.com")
_HOSTILE = "[a] $5 #import {{ x }}"
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
names = st.one_of(
    words, st.sampled_from([_HOSTILE, 'Sarah "Sal" O\'Neill', "שרה כהן", "سارة", "Sarah 🧤👩‍👩‍👧", "=?utf-8?q?x?="])
)


def fill(frame: MailFrame = _FRAME, **changed: Any) -> bytes:
    """A mail with everything ordinary but what is given."""
    ordinary: dict[str, Any] = {
        "key": "abandoned_cart/reminder/cart:9",
        "to": "sarah@example.com",
        "at": _AT,
        "subject": "Still here",
        "text": "Words",
        "html": "<p>Words</p>",
        "unsubscribe_url": None,
    }
    return frame.fill(**(ordinary | changed))


def parsed(raw: bytes) -> EmailMessage:
    """What a mail program sees; any defect the parser finds is a failure."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    for part in message.walk():
        assert not part.defects
    return message


def part(message: EmailMessage, kind: str) -> str:
    """The text of one alternative."""
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def shown(value: str) -> str:
    """A header's value as it may be shown: control characters are spaces."""
    return _UNSPEAKABLE.sub(" ", value)


@settings(max_examples=examples(300), deadline=None)
@given(subject=names, text=words, html=words)
@example(subject=_HOSTILE, text=_HOSTILE, html=_HOSTILE)
@example(subject="Hi\r\nBcc: all@example.com\r\n\r\nbody", text=".\r\n.\n", html="\r")
@example(subject="ä" * 300, text="long " * 3000, html="")
@example(subject="a" * 2000, text="--=_segue_alternative--", html="--=_segue_alternative\r\n")
@example(subject=" spaces around ", text="\n", html="\x85\u2028")
def test_words_survive(subject: str, text: str, html: str) -> None:
    """Subject, text and HTML come back as they were, but for line ends and control characters in the subject."""
    message = parsed(fill(subject=subject, text=text, html=html))
    assert message["Subject"] == shown(subject)
    assert set(message.keys()) == {"MIME-Version", "From", "To", "Date", "Message-ID", "Subject", "Content-Type"}
    for kind, words_in in (("plain", text), ("html", html)):
        assert part(message, kind) == words_in.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=examples(300), deadline=None)
@given(name=names)
@example(name="Brand\r\nBcc: all@example.com")
@example(name='quote " and \\ slash, and comma')
@example(name="x" * 1200)
@example(name="=?utf-8?b?QmNj?=")
def test_the_senders_name_survives(name: str) -> None:
    """Quotes, other scripts and tricks stay inside the name."""
    message = parsed(fill(MailFrame(from_name=name, from_address="hello@example.com")))
    sender = message["From"]
    assert isinstance(sender, UniqueAddressHeader)
    assert [a.addr_spec for a in sender.addresses] == ["hello@example.com"]
    # The new parser leaves a space between encoded words of a name, against RFC 2047, 6.2; the old one does not.
    raw = message_from_bytes(fill(MailFrame(from_name=name, from_address="hello@example.com")))["From"]
    quoted = parseaddr(re.sub(r"\r\n(?= )", "", raw))[0]
    seen = quoted if shown(name).strip() == quoted else str(make_header(decode_header(quoted)))
    assert seen.strip() == shown(name).strip()


@settings(max_examples=examples(100), deadline=None)
@given(subject=st.text(max_size=2000), name=st.text(max_size=2000), text=st.text(max_size=2000))
@example(subject="\ud83d", name="\udc00", text="\ud83d alone")
def test_every_line_fits_and_is_seven_bit(subject: str, name: str, text: str) -> None:
    """RFC 5322's 998 and RFC 2047's 76 hold for anything, half an emoji included, and nothing ends the mail early."""
    raw = fill(MailFrame(from_name=name, from_address="hello@example.com"), subject=subject, text=text)
    assert raw.isascii()
    lines = raw.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998
    assert max((len(line) for line in lines if b"=?utf-8?" in line), default=0) <= 76
    assert b"." not in lines


def test_the_standing_headers_are_what_mailbox_providers_ask_for() -> None:
    """One-click unsubscribe (RFC 8058), Reply-To, Feedback-ID, a Message-ID that is the key's, the date given."""
    frame = MailFrame(
        from_name="Brand",
        from_address="hello@news.example.com",
        reply_to="care@example.com",
        message_id_domain="mail.example.com",
        headers=(("Feedback-ID", "abandoned_cart"),),
    )
    url = "https://go.example.com/u/" + "t" * 900
    message = parsed(fill(frame, unsubscribe_url=url))
    assert message["List-Unsubscribe"].strip() == f"<{url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Reply-To"] == "care@example.com"
    assert message["Feedback-ID"] == "abandoned_cart"
    assert message["Date"].datetime == _AT.replace(microsecond=0)
    assert message["Message-ID"].endswith("@mail.example.com>")
    assert message["To"] == "sarah@example.com"


def test_the_same_key_is_the_same_message_id() -> None:
    """A repeat is recognisably the same mail, and another key's is not; the key itself is not told."""
    first, again, other = (parsed(fill(key=key))["Message-ID"] for key in ("a/b/cart:9", "a/b/cart:9", "a/b/cart:10"))
    assert first == again != other
    assert "cart" not in first


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "a@example.com\r\nBcc: b@example.com"},
        {"to": "a@example.com, b@example.com"},
        {"to": "Sarah <a@example.com>"},
        {"to": "a@example.com\n"},
        {"to": "nobody"},
        {"to": ""},
        {"unsubscribe_url": "https://go.example.com/>\r\nBcc: b@example.com"},
        {"unsubscribe_url": "https://go.example.com/ü"},
        {"unsubscribe_url": "https://go.example.com/" + "t" * 1000},
        {"unsubscribe_url": ""},
        {"at": datetime(2026, 5, 14)},  # noqa: DTZ001 - naive on purpose
    ],
)
def test_what_could_break_out_of_its_header_is_refused(wrong: dict[str, Any]) -> None:
    """With an error that names nobody."""
    with pytest.raises(ValueError, match=r"address|zone") as caught:
        fill(**wrong)
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    "frame",
    [
        {"headers": (("X-A", "b\r\nBcc: c"),)},
        {"headers": (("X-A: b\r\nBcc", "c"),)},
        {"headers": (("X-A", "ü"),)},
        {"headers": (("X-A", "b" * 1000),)},
        {"from_address": "nobody"},
        {"from_address": "a@example.com\r\nBcc: b"},
        {"from_address": "a@exämple.com"},
        {"reply_to": "a@example.com\r\nBcc: b"},
        {"message_id_domain": "x>\r\nBcc: b"},
    ],
)
def test_a_frame_that_cannot_stand_in_a_mail_is_refused(frame: dict[str, Any]) -> None:
    """A wrong brand file fails at its first mail, loudly."""
    with pytest.raises(ValueError, match=r"header|address"):
        fill(MailFrame(**({"from_name": "Brand", "from_address": "hello@example.com"} | frame)))


def test_an_address_beyond_ascii_is_written_as_it_is() -> None:
    """RFC 6532: only To leaves seven bits, for a connector whose server has SMTPUTF8."""
    raw = fill(to="süsan@example.com")
    assert "To: süsan@example.com\r\n".encode() in raw


@given(st.text(min_size=20).filter(lambda value: not value.isascii()))
def test_no_encoded_word_cuts_through_a_character(value: str) -> None:
    """RFC 2047, 5: each word stands alone, for the mail programs that decode them one by one."""
    for word in encode_header(value).split("\r\n "):
        assert b64decode(word.removeprefix("=?utf-8?b?").removesuffix("?="), validate=True).decode("utf-8")


def test_plain_words_need_no_encoding() -> None:
    """A plain subject stays readable in the source."""
    assert encode_header(_HOSTILE) == _HOSTILE
