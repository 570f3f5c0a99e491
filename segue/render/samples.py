"""Every step rendered with its own sample data: what previews show instead of real people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segue.contract import Channel

if TYPE_CHECKING:
    from segue.render.templates import Library, StepTemplate

#: Sharp enough to read on a screen, small enough for Prefect's database.
_PREVIEW_PPI = 110
#: Of a step's samples the fullest, which stands for all, and the barest.
MAIN, BARE = "sample", "sample_bare"


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
    #: Whom the sample stands for, in words: `Sarah, size 8, 108 points`.
    who: str = ""


def sample_renders(
    library: Library,
    names: Iterable[str],
    *,
    transactional: frozenset[str] = frozenset(),
    shows: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] | None = None,
    channels: Mapping[str, Collection[Channel]] | None = None,
    at_most: int | None = None,
    languages: Collection[str] = (),
) -> list[SampleRender]:
    """Render each step of `names` on each channel it has words for, with each of its samples.

    `shows` has, by step, what changes in a sample's words, where anything does; `channels`, by step, those that count.
    `at_most`: so many samples of a step, the fullest first, then the barest. The fullest comes once more in each of
    `languages` that the step speaks besides the brand's own.
    """
    made: list[SampleRender] = []
    for name in names:
        step = library.step(name, transactional=name in transactional)
        change = (shows or {}).get(name, dict)
        wanted = step.channels if channels is None else step.channels & frozenset(channels[name])
        for sample, who, words in _chosen(step, change, at_most, languages):
            made += [_rendered(step, channel, sample, who, words) for channel in Channel if channel in wanted]
    return made


def who_in(words: Mapping[str, Any]) -> str:
    """Say whom a sample stands for: its own `who`, else what can be told from its words."""
    if words.get("who"):
        return str(words["who"])
    things = len(words.get("items") or ())
    name = words.get("profile", {}).get("first_name") or "no name"
    return f"{name}, {things} thing{'' if things == 1 else 's'}" if things else str(name)


def _chosen(
    step: StepTemplate,
    change: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    at_most: int | None,
    languages: Collection[str],
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, reader and words of the samples that are asked for."""
    from segue.render.voice import language_name  # noqa: PLC0415 - what a render is, is asked without one

    samples = step.samples()
    for name in sorted(samples, key=lambda one: (one != MAIN, one != BARE))[:at_most]:
        yield name, who_in(samples[name]), change(samples[name])
    for language in languages:
        words = change(abroad(samples[MAIN], language))
        # Where somebody wrote words of her own, all is said in the language of these, whoever reads.
        if language in step.languages and language != step.language and words.get("written_in") is None:
            yield MAIN, f"{who_in(samples[MAIN])}; reads {language_name(language)}", words


def _rendered(step: StepTemplate, channel: Channel, sample: str, who: str, words: Mapping[str, Any]) -> SampleRender:
    subject, text, html, segments = None, "", None, None
    pages: tuple[bytes, ...] = ()
    if channel is Channel.EMAIL:
        mail = step.email(words, message_id=0)
        subject, text, html = mail.subject, mail.text, mail.html
    elif channel is Channel.SMS:
        sms = step.sms(words, message_id=0)
        text, segments = sms.text, sms.segments
    else:
        card = step.page(words, message_id=0)
        pages = tuple(card.frame.pictures(card.data, ppi=_PREVIEW_PPI))
    return SampleRender(
        name=step.name,
        sample=sample,
        channel=channel,
        subject=subject,
        text=text,
        html=html,
        segments=segments,
        pages=pages,
        who=who,
    )
