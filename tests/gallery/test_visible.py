"""Nobody's name steers a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group

from segue.gallery.explain import _person
from segue.gallery.facts import Entry
from segue.gallery.timeline import Timeline
from segue.gallery.visible import visible


@given(st.text(st.characters(codec="utf-8", categories=["Cc", "Lu"])))
def test_no_control_character_is_left(text: str) -> None:
    assert visible(text).isprintable()


def test_a_name_with_an_escape_is_shown_and_not_obeyed() -> None:
    evil = "Eve\x1b]0;owned\x07\x9b2J\u202e"
    entry = Entry(at=datetime(2026, 5, 1, tzinfo=UTC), kind="look", title=evil, detail=evil)
    timeline = Timeline(profile_id=1, name=evil, zone="UTC", addresses=(("email", evil),), entries=(entry,))
    console = Console(width=200, color_system=None, force_terminal=False)
    with console.capture() as shown:
        console.print(Group(*_person(timeline, "UTC")))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown.get())
    assert shown.get().count("Eve␛") == 4
