"""Every step rendered with its own sample data: what previews show instead of real people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segue.contract import Channel
from segue.render.templates import Library

#: Sharp enough to read on a screen, small enough for Prefect's database.
_PREVIEW_PPI = 110


#: Where somebody who reads a language might live, and what is paid with there.
_ABROAD = {
    "de": ("de-DE", "Europe/Berlin", "EUR"),
    "es": ("es-ES", "Europe/Madrid", "EUR"),
    "fi": ("fi-FI", "Europe/Helsinki", "EUR"),
}


def abroad(words: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a sample's words as they would be for somebody who reads `language`; the facts stay the same.

    What a person wrote, such as a campaign's note, is the sample's own in that language, where `abroad` in it has one.
    """
    words = {**words, **words.get("abroad", {}).get(language, {})}
    locale, zone, currency = _ABROAD.get(language, (language, None, None))
    moved: dict[str, Any] = _paid_in(words, currency) if currency else dict(words)
    profile = dict(moved["profile"])
    return moved | {"profile": profile | {"locale": locale, "zone": zone or profile.get("zone")}}


def _paid_in(value: Any, currency: str) -> Any:
    if isinstance(value, Mapping):
        return {
            key: currency if key == "currency" and one is not None else _paid_in(one, currency)
            for key, one in value.items()
        }
    return [_paid_in(one, currency) for one in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRender:
    """One step on one channel, filled with one of its samples."""

    #: `journey/step`.
    name: str
    #: Which sample: `sample`, `sample_no_code` ...
    sample: str
    channel: str
    subject: str | None
    text: str
    html: str | None
    #: Billed parts of an SMS.
    segments: int | None
    #: A printed piece as PNG pictures, one a side.
    pages: tuple[bytes, ...] = ()


def sample_renders(
    library: Library,
    names: Iterable[str],
    *,
    transactional: frozenset[str] = frozenset(),
    shows: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] | None = None,
) -> list[SampleRender]:
    """Render each step of `names` on each channel it has words for, with each of its samples.

    `shows` has, by step, what changes in a sample's words, where anything does.
    """
    made: list[SampleRender] = []
    for name in names:
        step = library.step(name, transactional=name in transactional)
        for sample, said in step.samples().items():
            words = shows[name](said) if shows and name in shows else said
            if Channel.EMAIL in step.channels:
                mail = step.email(words, message_id=0)
                made.append(
                    SampleRender(
                        name=name,
                        sample=sample,
                        channel=Channel.EMAIL,
                        subject=mail.subject,
                        text=mail.text,
                        html=mail.html,
                        segments=None,
                    )
                )
            if Channel.SMS in step.channels:
                sms = step.sms(words, message_id=0)
                made.append(
                    SampleRender(
                        name=name,
                        sample=sample,
                        channel=Channel.SMS,
                        subject=None,
                        text=sms.text,
                        html=None,
                        segments=sms.segments,
                    )
                )
            if Channel.PRINT in step.channels:
                card = step.page(words, message_id=0)
                made.append(
                    SampleRender(
                        name=name,
                        sample=sample,
                        channel=Channel.PRINT,
                        subject=None,
                        text="",
                        html=None,
                        segments=None,
                        pages=tuple(card.frame.pictures(card.data, ppi=_PREVIEW_PPI)),
                    )
                )
    return made
