"""Reads the links that we put into messages, so that a click knows which message brought it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote

from segue.contract import Channel
from segue.intake.errors import BadValueError
from segue.render import BadTokenError, Links

_T = TypeVar("_T")
#: On which channel a word of consent stands that came through a link.
_CONSENT_CHANNEL = {Channel.EMAIL: "email", Channel.SMS: "sms", Channel.PRINT: "print", Channel.AUDIENCE: "ads"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """What a link says of itself; a foreign link says nothing."""

    message_id: int | None = None
    #: Where a click leads to.
    target: str | None = None
    #: The voucher of a landing page.
    code: str | None = None
    #: What an unsubscribe link stops: email, sms, print, ads.
    channel: str | None = None


ReadLink = Callable[[str], Through]
"""Reads a token or an address; raises BadValueError `bad_token` for a token that was not made here."""


def link_reader(links: Links, base_url: str) -> ReadLink:
    """Make the reader of one installation's links, which begin with `base_url`."""
    base = base_url.rstrip("/") + "/"

    def read(text: str) -> Through:
        if not text.startswith(("https://", "http://")):
            return _of_token(links, text)
        if not text.startswith(base):
            return Through(target=text)
        kind, slash, rest = text.removeprefix(base).partition("/")
        rest = rest.split("?")[0].split("#")[0]
        if not slash or kind not in _KINDS:
            return Through(target=text)
        return _KINDS[kind](links, rest)

    return read


def no_links(text: str) -> Through:
    """Read links where nobody knows the secret that signs them: a token says nothing that could be believed."""
    if text.startswith(("https://", "http://")):
        return Through(target=text)
    raise BadValueError("bad_token", "token")


def _of_token(links: Links, token: str) -> Through:
    """A token tells by its signature which kind it is: each kind has a key of its own."""
    for read in (_click, _short, _unsubscribe):
        try:
            return read(links, token)
        except BadValueError:
            continue
    raise BadValueError("bad_token", "token")


def _click(links: Links, token: str) -> Through:
    message_id, target = _read(links.read_click, token)
    return Through(message_id=message_id, target=target)


def _short(links: Links, token: str) -> Through:
    message_id, slot = _read(links.read_short, token)
    return Through(message_id=message_id, target=slot.name.lower())


def _unsubscribe(links: Links, token: str) -> Through:
    message_id, channel = _read(links.read_unsubscribe, token)
    return Through(message_id=message_id, channel=_CONSENT_CHANNEL[channel])


def _landing(_links: Links, code: str) -> Through:
    return Through(code=unquote(code) or None)


_KINDS: dict[str, Callable[[Links, str], Through]] = {
    "c": _click,
    "s": _short,
    "u": _unsubscribe,
    "v": _landing,
}


def _read(read: Callable[[str], _T], token: str) -> _T:
    try:
        return read(token)
    except (BadTokenError, UnicodeDecodeError) as error:
        raise BadValueError("bad_token", "token") from error
