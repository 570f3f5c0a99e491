"""Many mails as one text with holes: what a template says to everybody is sent once, a person's words fill the holes.

SendGrid puts a personalization's `substitutions` (tag to words) into the content of a request. Mails of one template
share a request if they share a *shape*, the same fixed words in the same order. Tags carry a nonce that occurs in none
of the mails, so that nothing a person is called can be taken for a tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from secrets import token_hex

from segue.contract import EmailContent

#: Bytes of all substitutions of one person, tags and all (SendGrid's specification: 10,000).
MOST_BYTES = 9_900
#: Shorter fixed words go with the person's: a tag would be longer.
_WORTH_A_HOLE = 24
#: What a tag takes beside what it stands for: two hyphens, the nonce and the hole's number.
_TAG_BYTES = 20

Body = tuple[str | None, ...]
"""One body: fixed words, and None for each hole."""
Shape = tuple[Body, Body]
"""The text part and the HTML part."""


def cut(content: EmailContent) -> tuple[Shape, tuple[str, ...]]:
    """Return a mail's shape and what fills its holes, the text's first; a mail that must stay whole has no holes."""
    pieces = content.pieces
    # Whoever changed a body and left its pieces as they were must not have the old one sent.
    if pieces is not None and "".join(pieces.html) == content.html and "".join(pieces.text) == content.text:
        fixed = _worthwhile(pieces.fixed)
        own: list[str] = []
        shape = _cut(pieces.text, fixed, own), _cut(pieces.html, fixed, own)
        if sum(map(_bytes, own)) + _TAG_BYTES * len(own) <= MOST_BYTES:
            return shape, tuple(own)
    return ((content.text,), (content.html,)), ()


def new_nonce(texts: Iterable[str], draw: Callable[[], str] = lambda: token_hex(6)) -> str:
    """Return hexadecimal digits that occur in none of `texts`."""
    texts = tuple(texts)
    while True:
        nonce = draw()
        if not any(nonce in text for text in texts):
            return nonce


def tags(shape: Shape, nonce: str) -> list[str]:
    """The tags of a shape's holes, in order."""
    return [f"-{nonce}{number}-" for number in range(sum(body.count(None) for body in shape))]


def tagged(shape: Shape, names: Sequence[str]) -> tuple[str, str]:
    """The text and HTML part with `names` in their holes."""
    following = iter(names)
    text, html = ("".join(next(following) if part is None else part for part in body) for body in shape)
    return text, html


def _cut(pieces: Sequence[str], fixed: frozenset[str], own: list[str]) -> Body:
    found: list[str | None] = []
    for is_fixed, run in groupby(pieces, fixed.__contains__):
        words = "".join(run)
        if is_fixed:
            found.append(words)
        else:
            found.append(None)
            own.append(words)
    return tuple(found)


@lru_cache(maxsize=64)
def _worthwhile(fixed: frozenset[str]) -> frozenset[str]:
    return frozenset(words for words in fixed if len(words) >= _WORTH_A_HOLE)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
