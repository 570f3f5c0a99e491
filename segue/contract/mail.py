"""A mail frame: everything of an e-mail that is the same for everybody, built once per template.

`EmailMessage` per person costs eight times the rendering of the words; filling a frame costs a
fraction of it. The result is what `email.message` would have made: multipart/alternative with a
text and an HTML part, both base64 (safe for any script, any line length and any relay); with files
attached, multipart/mixed around that.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache
from struct import Struct

_CRLF = "\r\n"
_BOUNDARY = "=_segue_alternative"  # base64 holds neither "=_" nor "--", so no part can hold it
_MIXED = "=_segue_mixed"
_LINE = 76  # characters of a base64 line (RFC 2045, 6.8)
_FIRST_WORD = 39  # bytes in the first encoded word: a line with one has 76 characters, "Subject: " among them
_WORD = 45  # bytes in the others (RFC 2047, 2)
_LONGEST_LINE = 998  # RFC 5322, 2.1.1; without the CRLF

#: Anything a mail reader could take for the end of a line, and every other control character.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: One address as the world uses them; quoted local parts and address literals are not written to.
_ADDRESS = re.compile(
    r"[^\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff()<>\[\]:;,@\\\"]{1,64}@"
    r"[^\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff()<>\[\]:;,@\\\"]{1,255}"
)
_URL = re.compile(r"[!-;=?-~]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+(; [a-z]+=[A-Za-z0-9._-]+){0,4}")
_HEADER_NAME = re.compile(r"[!-9;-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that comes with a mail. Many mails may share one: it is encoded once."""

    #: What the reader sees, e.g. `invite.ics`: ASCII letters, digits, `.`, `-` and `_`.
    name: str
    #: E.g. `text/calendar; charset=utf-8`.
    media_type: str
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse, with ValueError, what could break out of a header."""
        if not _FILE_NAME.fullmatch(self.name) or len(self.name) > _LINE:
            raise ValueError("an attachment's name has characters other than letters, digits, '.', '-' and '_'")
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise ValueError("an attachment's media type is not one such as `text/calendar; charset=utf-8`")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFrame:
    """Sender and standing headers of one template's mails."""

    from_name: str
    from_address: str
    reply_to: str | None = None
    #: Right-hand side of Message-ID; the sender's domain if empty.
    message_id_domain: str = ""
    #: Standing headers, e.g. `("Feedback-ID", "abandoned_cart")`; ASCII.
    headers: tuple[tuple[str, str], ...] = ()

    def fill(
        self,
        *,
        key: str,
        to: str,
        at: datetime,
        subject: str,
        text: str,
        html: str,
        unsubscribe_url: str | None,
        attachments: tuple[Attachment, ...] = (),
    ) -> bytes:
        """Return one complete message, CRLF line ends; 7-bit clean, but for a `to` that is not (RFC 6532).

        Raises ValueError, without naming anybody, if `to` or `unsubscribe_url` could break out of its
        header, if `at` has no time zone, or if the frame itself cannot stand in a mail.
        """
        head, between, domain = _fixed(self)
        require_address(to)
        lines = [
            head,
            f"To: {to}",
            f"Date: {_date(at)}",
            f"Message-ID: <{_message_id(key)}@{domain}>",
            f"Subject: {encode_header(subject)}",
        ]
        if unsubscribe_url is not None:
            # Folded: the address has a line of its own, however long its token is.
            (name, value), (post, click) = unsubscribe_headers(unsubscribe_url)
            lines += [f"{name}:{_CRLF} {value}", f"{post}: {click}"]
        if attachments:
            lines.append(_MIXED_HEAD)
        lines.append(between)
        parts = (_CRLF.join(lines).encode(), _part(text), _HTML_HEAD, _part(html), _END)
        if not attachments:
            return b"".join(parts)
        return b"".join((*parts, *map(_attached, attachments), _MIXED_END))

    def check(self) -> None:
        """Raise ValueError, naming what is wrong, if the frame cannot stand in any mail; `fill` does so by itself."""
        _fixed(self)


_TEXT_HEAD = (
    f"{_CRLF}--{_BOUNDARY}{_CRLF}"
    f"Content-Type: text/plain; charset=utf-8{_CRLF}Content-Transfer-Encoding: base64{_CRLF}{_CRLF}"
)
_HTML_HEAD = (
    f"--{_BOUNDARY}{_CRLF}Content-Type: text/html; charset=utf-8{_CRLF}Content-Transfer-Encoding: base64{_CRLF}{_CRLF}"
).encode("ascii")
_END = f"--{_BOUNDARY}--{_CRLF}".encode("ascii")
_MIXED_HEAD = f'Content-Type: multipart/mixed; boundary="{_MIXED}"{_CRLF}{_CRLF}--{_MIXED}'
_MIXED_END = f"--{_MIXED}--{_CRLF}".encode("ascii")


@lru_cache(maxsize=64)
def _attached(file: Attachment) -> bytes:
    """One attached file as a part of a mail."""
    head = (
        f"--{_MIXED}{_CRLF}Content-Type: {file.media_type}; name={file.name}{_CRLF}"
        f"Content-Disposition: attachment; filename={file.name}{_CRLF}"
        f"Content-Transfer-Encoding: base64{_CRLF}{_CRLF}"
    )
    return head.encode("ascii") + _folded(b2a_base64(file.data, newline=False))


def require_address(address: str) -> None:
    """Raise ValueError, without naming it, if `address` is not one plain address such as `a@example.com`."""
    if not _ADDRESS.fullmatch(address):
        raise ValueError("not one plain e-mail address")


def unsubscribe_headers(url: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two headers of one-click unsubscribe (RFC 8058), as (name, value).

    Raises ValueError, without naming it, for an address that could break out of its header.
    """
    if not _URL.fullmatch(url) or len(url) > _LONGEST_LINE - 3:
        raise ValueError("the unsubscribe address is not a plain URL that fits on a line")
    return ("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


@lru_cache(maxsize=256)
def _fixed(frame: MailFrame) -> tuple[str, str, str]:
    """The frame's constant text: before the personal headers, after them, and the Message-ID's domain."""
    head = ["MIME-Version: 1.0", f"From: {_mailbox(frame.from_name, frame.from_address)}"]
    if frame.reply_to:
        head.append(f"Reply-To: {_mailbox('', frame.reply_to)}")
    for name, value in frame.headers:
        line = f"{name}: {value}"
        if not _HEADER_NAME.fullmatch(name) or not value.isascii() or _CONTROL.search(value):
            raise ValueError(f"the standing header {name!r} is not plain ASCII on one line")
        if len(line) > _LONGEST_LINE:
            raise ValueError(f"the standing header {name!r} is longer than a mail's line may be")
        head.append(line)
    domain = frame.message_id_domain or frame.from_address.rpartition("@")[2]
    require_address(f"id@{domain}")
    between = f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"{_CRLF}{_TEXT_HEAD}'
    return _CRLF.join(head), between, domain


def _mailbox(name: str, address: str) -> str:
    """`name <address>` for From and Reply-To; the shop's own addresses are ASCII, so that any relay takes them."""
    try:
        spec = str(Address(addr_spec=address))
    except (HeaderParseError, ValueError, IndexError) as error:
        raise ValueError("the sender's or reply address is not a plain e-mail address") from error
    if not spec.isascii():
        raise ValueError("the sender's or reply address is not ASCII; write its domain in the xn-- form")
    clean = one_line(name).strip()
    if not clean:
        return spec
    if not clean.isascii() or "=?" in clean or len(clean) > _LINE:
        return f"{_encoded_words(clean)}{_CRLF} <{spec}>"
    quoted = clean.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{spec}>'


def _part(text: str) -> bytes:
    """Base64 of `text` with CRLF line ends inside and lines of 76 characters outside."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _folded(b2a_base64(text.replace("\n", "\r\n").encode("utf-8", "replace"), newline=False))


def _folded(encoded: bytes) -> bytes:
    """Base64 in lines of 76 characters."""
    full, rest = divmod(len(encoded), _LINE)
    if rest or not full:
        return b"\r\n".join((*_lines(full)(encoded), encoded[full * _LINE :], b""))
    return b"\r\n".join((*_lines(full)(encoded), b""))


@lru_cache(maxsize=1024)
def _lines(count: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """Cut off `count` full lines: struct does it in C, three times as fast as encoding line by line."""
    return Struct(f"{_LINE}s" * count).unpack_from


def encode_header(value: str) -> str:
    """Return `value` as header text: as it is if plain ASCII, else as folded RFC 2047 words.

    Control characters (line breaks among them) become spaces, so nothing can break out of its header.
    """
    clean = one_line(value)
    if clean.isascii() and len(clean) <= 900 and "=?" not in clean and clean == clean.strip():
        return clean
    return _encoded_words(clean)


def one_line(value: str) -> str:
    """`value` with each control character, line breaks among them, made a space."""
    return value if value.isprintable() else _CONTROL.sub(" ", value)


def _encoded_words(value: str) -> str:
    """RFC 2047 words, one a line, never cutting through a character."""
    raw = value.encode("utf-8", "replace")
    words: list[str] = []
    start, room = 0, _FIRST_WORD
    while start < len(raw):
        end = min(start + room, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # a continuation byte: step back to its character
            end -= 1
        words.append(f"=?utf-8?b?{b2a_base64(raw[start:end], newline=False).decode('ascii')}?=")
        start, room = end, _WORD
    return f"{_CRLF} ".join(words)


def _message_id(key: str) -> str:
    """A stable, opaque left-hand side: the same key is the same mail."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(maxsize=64)
def _date(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("the mail's date has no time zone")
    return format_datetime(at.replace(microsecond=0))
