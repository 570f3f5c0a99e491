"""Links: every address that Segue puts into a message is made, tagged, signed and read here.

    {base}/c/<token>   a click: carries the message and the target itself (e-mail, print)
    {base}/s/<token>   a short click: carries the message and the name of a place in it (SMS)
    {base}/v/<code>    a voucher's landing page (print): the code is a secret of 50 bits itself
    {base}/r/<code>    where a friend learns what she gets: the link that somebody shares, so it tells of no message
    {base}/u/<token>   an unsubscribe: carries the message and the channel

Short, landing and friends' links hold no tags: `segue.service.leading` says where each leads, and tags that.

A token is base64url of a fixed head (and, for a click, the target) followed by base64url of a
truncated HMAC-SHA256 over that text. Signing the text, not the bytes, leaves no second spelling of a
token; every piece is a multiple of three bytes, so pieces can be encoded apart and joined. Each kind
signs with a key of its own, so a token of one kind is nothing to another.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from urllib.parse import quote

from segue.contract import Channel
from segue.render.errors import BadTokenError

_VERSION = 1
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = str.maketrans("-_", "+/")
_HEAD = struct.Struct(">BQ")  # version or version+channel, message id
_MAC_CHARS = 16  # 12 bytes
_SHORT_MAC_CHARS = 12  # 9 bytes: an SMS pays by the character
_SHORT_ID_BYTES = 5
_CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.PRINT, Channel.AUDIENCE)

Sign = Callable[[bytes], bytes]


class Slot(IntEnum):
    """Places that a short link can lead to; the message's own words say where exactly. Never renumber."""

    HOME = 0
    CART = 1
    ITEM = 2
    ACCOUNT = 3
    #: The page that the message is about, where it has one of its own.
    PAGE = 4


@dataclass(frozen=True)
class Tags:
    """What web analytics should book a visit under."""

    #: A channel, or `referral` where a friend told of us.
    medium: str
    campaign: str
    content: str
    #: Who sent her: we did, unless an ad platform is known.
    source: str = "segue"

    @cached_property
    def query(self) -> str:
        """The UTM parameters as they stand in an address."""
        pairs = (
            ("utm_source", self.source),
            ("utm_medium", str(self.medium)),
            ("utm_campaign", self.campaign),
            ("utm_content", self.content),
        )
        return "&".join(f"{name}={quote(value, safe='/')}" for name, value in pairs)


@lru_cache(maxsize=256)
def tags_of(template: str, medium: str, campaign: str | None = None) -> Tags:
    """What visits through the template `journey/step` are booked under; a campaign's name stands for the journey's."""
    journey, _, step = template.partition("/")
    return Tags(medium, campaign=campaign or journey, content=step)


class Links:
    """Makes and reads the links of one installation."""

    def __init__(self, base_url: str, secret: bytes) -> None:
        """`base_url` is where the web edge answers; `secret` has at least 16 bytes and signs everything."""
        if len(secret) < 16:
            raise ValueError("the secret that signs links needs at least 16 bytes; set SEGUE_SECRET_KEY")
        if not base_url.startswith(("https://", "http://")):
            raise ValueError("the base URL of links must start with https://; set SEGUE_BASE_URL")
        base = base_url.rstrip("/")
        self._click_base, self._short_base, self._unsubscribe_base = (f"{base}/{kind}/" for kind in "csu")
        self._landing_base, self._referral_base = f"{base}/v/", f"{base}/r/"
        self._sign_click = _signer(secret, b"click", 12)
        self._sign_short = _signer(secret, b"short", 9)
        self._sign_unsubscribe = _signer(secret, b"unsubscribe", 12)

    def click(self, message_id: int, target: str, tags: Tags) -> str:
        """Return a self-contained link to `target`, which is tagged on the way."""
        return self.clicks(message_id, tags)(target)

    def clicks(self, message_id: int, tags: Tags) -> Callable[[str], str]:
        """Return the function that wraps the targets of one message: what `click` does, but cheaper by the dozen."""
        head = b2a_base64(_HEAD.pack(_VERSION, message_id), newline=False).translate(_TO_URL)
        sign, base, query = self._sign_click, self._click_base, tags.query

        def click(target: str) -> str:
            body = head + _encoded_target(target, query)
            return base + (body + sign(body)).decode("ascii")

        return click

    def short(self, message_id: int, slot: Slot) -> str:
        """Return a link of a few characters; raises OverflowError for a message id over 2**40."""
        body = _encode(bytes((_VERSION << 5 | slot,)) + message_id.to_bytes(_SHORT_ID_BYTES, "big"))
        return self._short_base + (body + self._sign_short(body)).decode("ascii")

    def landing(self, code: str) -> str:
        """Return the page where whoever holds `code` finds what it is worth; short, for a QR code."""
        return self._landing_base + quote(code, safe="")

    def referral(self, code: str) -> str:
        """Return the link that whoever owns the referral code gives to her friends."""
        return self._referral_base + quote(code, safe="")

    def unsubscribe(self, message_id: int, channel: Channel) -> str:
        """Return the address whose POST stops `channel` for whoever got this message."""
        body = _encode(_HEAD.pack(_VERSION << 5 | _CHANNELS.index(channel), message_id))
        return self._unsubscribe_base + (body + self._sign_unsubscribe(body)).decode("ascii")

    def read_click(self, token: str) -> tuple[int, str]:
        """Return message id and target; raises BadTokenError for anything not made by `click`."""
        raw = _verified(token, self._sign_click, _MAC_CHARS)
        version, message_id = _HEAD.unpack_from(raw)
        if version != _VERSION:
            raise BadTokenError("a click token of an unknown version")
        return message_id, raw[_HEAD.size :].rstrip(b" ").decode("utf-8")

    def read_short(self, token: str) -> tuple[int, Slot]:
        """Return message id and slot; raises BadTokenError for anything not made by `short`."""
        raw = _verified(token, self._sign_short, _SHORT_MAC_CHARS)
        try:
            return int.from_bytes(raw[1:], "big"), Slot(_versioned(raw[0]))
        except ValueError:
            raise BadTokenError("a short token for an unknown slot") from None

    def read_unsubscribe(self, token: str) -> tuple[int, Channel]:
        """Return message id and channel; raises BadTokenError for anything not made by `unsubscribe`."""
        raw = _verified(token, self._sign_unsubscribe, _MAC_CHARS)
        first, message_id = _HEAD.unpack_from(raw)
        try:
            return message_id, _CHANNELS[_versioned(first)]
        except IndexError:
            raise BadTokenError("an unsubscribe token for an unknown channel") from None


def tagged(target: str, query: str) -> str:
    """Return `target` with the UTM tags of `query` in its query, before any fragment; its own tags win.

    Raises ValueError for anything but http and https: a signed link must not become a way to anything else.
    """
    target = target.strip()
    if not target.startswith(("https://", "http://")):
        raise ValueError("a link's target must start with https://; join paths with the brand's page()")
    address, hash_mark, fragment = target.partition("#")
    if "utm_source=" in address:
        return target
    return f"{address}{'&' if '?' in address else '?'}{query}{hash_mark}{fragment}"


@lru_cache(maxsize=65_536)
def _encoded_target(target: str, query: str) -> bytes:
    """The tagged target in base64url, padded with spaces (which no address ends in) to whole groups."""
    raw = tagged(target, query).encode("utf-8")
    return _encode(raw + b" " * (-len(raw) % 3))


def _encode(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False).translate(_TO_URL)


def _versioned(first: int) -> int:
    if first >> 5 != _VERSION:
        raise BadTokenError("a token of an unknown version")
    return first & 0b11111


def _verified(token: str, sign: Sign, mac_chars: int) -> bytes:
    """Return the signed bytes of a token; compares in constant time before looking at anything in it."""
    body, mac = token[:-mac_chars].encode("utf-8", "surrogatepass"), token[-mac_chars:].encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(sign(body), mac):
        raise BadTokenError("a token that was not made here")
    try:
        return a2b_base64(body.decode("ascii").translate(_FROM_URL), strict_mode=True)
    except (Base64Error, UnicodeDecodeError):
        raise BadTokenError("a token of an unknown shape") from None


def _signer(secret: bytes, kind: bytes, size: int) -> Sign:
    """Return HMAC-SHA256 with a key derived for `kind`, truncated to `size` bytes, as base64url.

    RFC 2104 written out: copying two prepared SHA-256 states costs half of `hmac.HMAC.copy()`, and a
    mail holds a dozen links. A test holds it against the standard library's HMAC.
    """
    key = derived_key(secret, kind).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def sign(body: bytes) -> bytes:
        first = inner.copy()
        first.update(body)
        second = outer.copy()
        second.update(first.digest())
        return b2a_base64(second.digest()[:size], newline=False).translate(_TO_URL)

    return sign


def derived_key(secret: bytes, kind: bytes) -> bytes:
    """Return the key that signs links of one kind."""
    return hmac.digest(secret, b"segue/link/" + kind, "sha256")
