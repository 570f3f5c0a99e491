"""Writes the gallery: reads the store once, then page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

from segue.gallery.busiest import busiest_day
from segue.gallery.cards import KeptCard, Progress, draw_cards
from segue.gallery.chapter import Chapter, read_chapters
from segue.gallery.considered import Considered, on_day
from segue.gallery.facts import Entry, HashAddress
from segue.gallery.frames import Pictures, framed
from segue.gallery.kept import KeptMail, KeptText, read_kept
from segue.gallery.site import ROOM, Site, day_page, frame_page, message_page, people_page, person_page
from segue.gallery.slices import slices_of
from segue.gallery.story import side_by_side
from segue.gallery.timeline import Timeline, profile_of, timelines
from segue.journeys.definition import Journey
from segue.render import Brand
from segue.store.engine import read

#: Which kind of fact a reason rests on.
_GROUNDS: Final = {
    "denied": "refusal",
    "suppressed": "refusal",
    "converted": "order",
    "budget": "message",
    "over_budget": "message",
    "occasion_gone": "cart",
}


def write_gallery(
    folder: Path,
    *,
    engine: Engine,
    messages: Path,
    brand: Brand,
    journeys: Mapping[str, Journey],
    story: Sequence[str],
    now: datetime,
    title: str = "Segue",
    pictures: Path | None = None,
    prints: Path | None = None,
    hash_address: HashAddress | None = None,
    noted: Iterable[tuple[int, Entry]] = (),
    progress: Progress = lambda _done, _all: None,
) -> Path:
    """Write `folder/index.html` and the pages behind it; return the front page. Holds personal data.

    `messages` is the files connector's folder, `prints` the print connector's, and `pictures` where the pictures in
    mails lie; `progress` hears how many cards are drawn. `story` names by address two people whose timelines are
    laid side by side, and `noted` goes into timelines as told there. Without `hash_address` nobody can tell whose the
    suppressed addresses are. Raises FileExistsError if `folder/gallery` is not ours.
    """
    with read(engine) as connection:
        chapters = read_chapters(connection, list(journeys.values()), zone=brand.zone, until=now)
        cast = [found for address in story if (found := profile_of(connection, address)) is not None]
        people = {row.profile_id for chapter in chapters for row in chapter.rows} | set(cast)
        told = timelines(connection, people, until=now, journeys=journeys, hash_address=hash_address, noted=noted)
    pair = [told[profile_id] for profile_id in cast] if len(cast) == 2 else []
    site = Site(folder, brand, title, has_story=bool(pair))
    site.open()
    book = _Book(site, chapters, told, messages=messages, pictures=pictures)
    if prints is not None:
        book.show_cards(prints, progress)
    book.write(pair)
    site.close()
    return folder / "index.html"


class _Book:
    """The pages of one gallery."""

    def __init__(
        self,
        site: Site,
        chapters: Sequence[Chapter],
        told: Mapping[int, Timeline],
        *,
        messages: Path,
        pictures: Path | None,
    ) -> None:
        self._site = site
        self._chapters = chapters
        self._told = told
        self._pictures = Pictures(site.brand.asset_url, pictures, site=site)
        self._sent = [row for chapter in chapters for row in chapter.rows if row.has_left]
        self._sent.sort(key=lambda row: (row.at, row.id))
        self._kept: dict[int, KeptMail | KeptText | KeptCard | None] = {
            row.id: read_kept(messages, row.channel, row.provider_id) for row in self._sent
        }

    def show_cards(self, prints: Path, progress: Progress) -> None:
        """Draw what was printed, so that it is shown like any other message."""
        wanted = {row.id: row.key for row in self._sent if row.channel == "print"}
        self._kept.update(draw_cards(self._site, prints, wanted, progress=progress))

    def write(self, pair: Sequence[Timeline]) -> None:
        """Write every page; `pair` is nobody or two people to lay side by side."""
        self._find_logo()
        busiest = busiest_day(
            self._told.values(),
            zone=self._site.brand.zone,
            journey_of={row.id: row.journey for chapter in self._chapters for row in chapter.rows},
        )
        self._page("index.html", "index.html.j2", chapters=self._chapters, pair=pair, busiest=busiest)
        if busiest is not None:
            self._page(f"{ROOM}/busiest.html", "busiest.html.j2", busiest=busiest)
        self._page(f"{ROOM}/messages/index.html", "messages.html.j2")
        if pair:
            left, right = pair
            self._page(f"{ROOM}/story.html", "story.html.j2", left=left, right=right, moments=side_by_side(left, right))
        for chapter in self._chapters:
            self._write_people(chapter)
        self._write_persons()
        for before, row, after in zip([None, *self._sent], self._sent, [*self._sent[1:], None], strict=False):
            self._write_message(row, before, after)

    def _page(self, address: str, template: str, **words: Any) -> None:
        self._site.page(address, template, kept=self._kept, told=self._told, sent=self._sent, **words)

    def _find_logo(self) -> None:
        brand, page = self._site.brand, self._site.folder / "index.html"
        light = self._pictures.beside(page, brand.logo_url)
        dark = self._pictures.beside(page, brand.logo_on_dark_url)
        if light and dark:
            self._site.show_logo(light, dark)

    # ------------------------------------------------------------ people

    def _write_people(self, chapter: Chapter) -> None:
        for chosen in slices_of(chapter.summary):
            rows = [row for row in chapter.rows if chosen.holds(row.step, row.group, row.reason)]
            self._list(people_page(chosen), chapter.title_of(chosen), rows, chapter, group=chosen.group)
        find = partial(on_day, chapter.rows, first_step=chapter.steps[0], zone=self._site.brand.zone)
        for day in chapter.days:
            for what, said in (("left", "Came up"), ("sent", "Sent")):
                if rows := find(day.day, what):
                    title = f"{said} on {day.day.day} {day.day:%B %Y}"
                    self._list(day_page(chapter.journey.name, day.day, what), title, rows, chapter, group=None)

    def _list(
        self, address: str, title: str, rows: Sequence[Considered], chapter: Chapter, *, group: str | None
    ) -> None:
        people = len({row.profile_id for row in rows})
        self._page(
            address, "people.html.j2", title=title, chapter=chapter, group=group, rows=rows, people=people,
            history=self._history, grounds=self._grounds,
        )  # fmt: skip

    def _history(self, row: Considered) -> list[Entry]:
        """Every verdict about a message, and what became of it."""
        return [entry for entry in self._told[row.profile_id].entries if entry.message_id == row.id]

    def _grounds(self, row: Considered) -> Entry | None:
        """The fact that the latest verdict rests on, where there is one to show."""
        kind = _GROUNDS.get(row.reason or "")
        decided = next((entry for entry in reversed(self._history(row)) if entry.reason == row.reason), None)
        if kind is None or decided is None:
            return None
        earlier = (entry for entry in reversed(self._told[row.profile_id].entries) if entry.at <= decided.at)
        return next((entry for entry in earlier if entry.kind == kind), None)

    def _write_persons(self) -> None:
        mine: dict[int, list[tuple[Considered, tuple[str, ...]]]] = {}
        for chapter in self._chapters:
            for row in chapter.rows:
                mine.setdefault(row.profile_id, []).append((row, chapter.channels(row.step)))
        for timeline in self._told.values():
            rows = mine.get(timeline.profile_id, [])
            self._page(person_page(timeline.profile_id), "person.html.j2", timeline=timeline, rows=rows)

    # ------------------------------------------------------------ messages

    def _write_message(self, row: Considered, before: Considered | None, after: Considered | None) -> None:
        kept = self._kept[row.id]
        if isinstance(kept, KeptMail):
            self._write_frames(row, kept)
        timeline = self._told[row.profile_id]
        self._page(
            message_page(row.id), "message.html.j2", row=row, copy=kept, timeline=timeline, before=before, after=after,
            is_mail=isinstance(kept, KeptMail), is_text=isinstance(kept, KeptText),
            is_card=isinstance(kept, KeptCard),
            because=list(_because(row, timeline.entries)),
        )  # fmt: skip

    def _write_frames(self, row: Considered, kept: KeptMail) -> None:
        for dress in ("day", "night"):
            address = frame_page(row.id, dress)
            page = self._site.folder / address
            asset_url = self._site.brand.asset_url
            html = framed(kept.html, pictures=self._pictures, page=page, asset_url=asset_url, night=dress == "night")
            self._site.raw(address, html)


def _because(row: Considered, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Why it was sent: the last thing that happened with the occasion, the consent it rests on, the code it brings."""
    before = [entry for entry in entries if entry.at <= row.at]
    about = row.occasion.partition(":")[0]
    occasions = [entry for entry in before if entry.kind == about and entry.at <= row.promised_at]
    consents = [entry for entry in before if entry.kind == "consent" and entry.channel == row.channel]
    codes = [entry for entry in before if entry.kind == "code" and entry.at == row.at]
    for found in (occasions, consents, codes):
        if found:
            yield found[-1]
