"""Many mails as one text with holes: what a template says to everybody is sent once, a person's words fill the holes.

SendGrid puts a personalization's `substitutions` (tag to words) into the content of a request. Mails of one template
share a request if they share a *shape*, the same fixed words in the same order. Tags carry a nonce that is drawn for
each request once its mails stand, so that nothing in them can be taken for a tag.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import compress, groupby
from secrets import choice
from string import ascii_lowercase, digits
from typing import NamedTuple

from segue.contract import EmailContent

#: Bytes of all substitutions of one person, tags and all (SendGrid's specification: 10,000).
MOST_BYTES = 9_900
#: Shorter fixed words go with the person's: a tag would be longer.
_WORTH_A_HOLE = 48
_ALPHABET = ascii_lowercase + digits
#: 82 bits: over the mails of a full request, one chance in 10**16 that it occurs in them.
_NONCE_LENGTH = 16
#: What a tag takes beside what it stands for: two hyphens, the nonce and the hole's number.
_TAG_BYTES = _NONCE_LENGTH + 5


class Body(NamedTuple):
    """One body: which of its pieces are fixed, and their words."""

    is_fixed: tuple[bool, ...]
    words: tuple[str, ...]


#: Between the words for one hole and for the next; a control character that no mail holds.
SEPARATOR = "\x1f"

Shape = tuple[Body, Body]
"""The text part and the HTML part."""


def cut(content: EmailContent) -> tuple[Shape, str] | None:
    """Return a mail's shape and what fills its holes, the text's first; None for a mail that must stay whole."""
    pieces = content.pieces
    # Whoever changed a body and left its pieces as they were must not have the old one sent.
    if pieces is None or pieces.bodies != (content.text, content.html):
        return None
    fixed = _worthwhile(pieces.fixed)
    text, in_text = _cut(pieces.text, fixed)
    html, in_html = _cut(pieces.html, fixed)
    own = SEPARATOR.join((*in_text, *in_html))
    holes = len(in_text) + len(in_html)
    if holes and own.count(SEPARATOR) != holes - 1:  # somebody's words hold a separator
        return None
    size = len(own) if own.isascii() else len(own.encode("utf-8", "replace"))
    return ((text, html), own) if size + _TAG_BYTES * holes <= MOST_BYTES else None


def new_tags(shape: Shape) -> list[str]:
    """New tags for a shape's holes, in order."""
    nonce = "".join(choice(_ALPHABET) for _ in range(_NONCE_LENGTH))
    return [f"-{nonce}{number}-" for number in range(sum(len(_holes(body.is_fixed)) for body in shape))]


def tagged(shape: Shape, tags: Sequence[str]) -> tuple[str, str]:
    """The text and HTML part with `tags` in their holes."""
    following = iter(tags)
    parts = []
    for is_fixed, words in shape:
        fixed = iter(words)
        part = []
        for kind, run in groupby(is_fixed):
            part += [next(fixed) for _ in run] if kind else [next(following)]
        parts.append("".join(part))
    text, html = parts
    return text, html


def _cut(pieces: tuple[str, ...], fixed: frozenset[str]) -> tuple[Body, list[str]]:
    is_fixed = tuple(map(fixed.__contains__, pieces))
    own = [pieces[start] if end == start + 1 else "".join(pieces[start:end]) for start, end in _holes(is_fixed)]
    return Body(is_fixed, tuple(compress(pieces, is_fixed))), own


@lru_cache(maxsize=1024)
def _holes(is_fixed: tuple[bool, ...]) -> tuple[tuple[int, int], ...]:
    """Where the runs of a person's own pieces begin and end."""
    runs = []
    start = 0
    for kind, run in groupby(is_fixed):
        end = start + sum(1 for _ in run)
        if not kind:
            runs.append((start, end))
        start = end
    return tuple(runs)


@lru_cache(maxsize=64)
def _worthwhile(fixed: frozenset[str]) -> frozenset[str]:
    return frozenset(words for words in fixed if len(words) >= _WORTH_A_HOLE)
