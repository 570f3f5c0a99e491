"""What every sample says in every language, in a few characters: whether a template changed, told without fonts."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from segue.contract import Channel
from segue.render.samples import abroad
from segue.render.templates import Library, StepTemplate


def sample_digests(library: Library, *, transactional: Collection[str] = ()) -> dict[str, str]:
    """Return a digest of each step's samples by `journey/step language`.

    Equal templates give equal digests on every machine, as long as the library's links are signed with the same secret.
    """
    digests = {}
    for name in library.names():
        step = library.step(name, transactional=name in transactional)
        for language in sorted(step.languages):
            digest = hashlib.sha256()
            for part in _parts(step, language):
                digest.update(part.encode("utf-8") + b"\0")
            digests[f"{name} {language}"] = digest.hexdigest()[:16]
    return digests


def _parts(step: StepTemplate, language: str) -> Iterator[str]:
    for sample, said in sorted(step.samples().items()):
        words = abroad(said, language)
        yield sample
        if Channel.EMAIL in step.channels:
            mail = step.email(words, message_id=1)
            yield from (mail.subject, mail.text, mail.html)
        if Channel.SMS in step.channels:
            yield step.sms(words, message_id=1).text
        if Channel.PRINT in step.channels:
            card = step.page(words, message_id=1)
            yield from (card.data, card.frame.source)
