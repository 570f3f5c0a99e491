"""The calendar entry that a mail brings, read back by a parser that nobody here wrote."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import icalendar
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segue.contract import Attachment
from segue.render.brand import Brand
from segue.render.calendar_file import calendar_file
from segue.render.errors import TemplateError
from segue.render.links import Tags
from segue.render.templates import Library
from segue.render.voice import Voice

EVENT: dict[str, Any] = {
    "uid": "popup-4",
    "title": "Summer Pop-up",
    "place": "Summer Pop-up, 112 Mercer Street, New York, NY 10012",
    "zone": "America/New_York",
    "starts_at": "2026-05-14T14:00:00+00:00",
    "ends_at": "2026-05-31T23:00:00+00:00",
    "stamp": "2026-05-07T14:00:00.123456+00:00",
    "latitude": 40.7233,
    "longitude": -74.003,
}
TAGS = Tags("email", "popup_invite", "invite/calendar")
_SPOKEN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120)


def parsed(brand: Brand, **changes: Any) -> tuple[Any, bytes]:
    """The one event of the file, and the file."""
    file = calendar_file(EVENT | changes, brand, Voice("en-US", brand.zone, "Size {size}", ""), TAGS)
    calendar = icalendar.Calendar.from_ical(file.data)
    (event,) = calendar.walk("VEVENT")
    assert event.errors == calendar.errors == []
    assert str(calendar["VERSION"]) == "2.0"
    assert {"UID", "DTSTAMP", "DTSTART"} <= set(event)  # what RFC 5545, 3.6.1, demands
    return event, file.data


def test_days_on_end_are_a_banner_over_the_local_days(brand: Brand) -> None:
    """It blocks nobody's time; its end is the first day that is no part of it."""
    event, raw = parsed(brand)
    assert (event.start, event.end) == (date(2026, 5, 14), date(2026, 6, 1))
    assert event["TRANSP"] == "TRANSPARENT"
    assert event["SUMMARY"] == EVENT["title"]
    assert event["LOCATION"] == EVENT["place"]
    assert event["DESCRIPTION"] == "Thursday, May 14 at 10:00 AM EDT - Sunday, May 31 at 7:00 PM EDT"
    assert event["UID"] == "popup-4@saltmere.example.com"
    assert event["GEO"].to_ical() == "40.7233;-74.003"
    assert event["DTSTAMP"].dt == datetime(2026, 5, 7, 14, tzinfo=UTC)
    assert raw.endswith(b"END:VCALENDAR\r\n")


def test_one_day_has_its_hours(brand: Brand) -> None:
    event, _ = parsed(brand, ends_at="2026-05-14T23:00:00+00:00")
    assert (event.start, event.end) == (
        datetime(2026, 5, 14, 14, tzinfo=UTC),
        datetime(2026, 5, 14, 23, tzinfo=UTC),
    )
    assert "TRANSP" not in event


@pytest.mark.parametrize(
    ("zone", "starts", "ends", "first", "last"),
    [
        # The night the clocks go back in London: 24 October, 10:00 BST, to 25 October, 18:00 GMT.
        ("Europe/London", "2026-10-24T09:00+00:00", "2026-10-25T18:00+00:00", (10, 24), (10, 26)),
        # Half past midnight in summer there is the next day.
        ("Europe/London", "2026-10-23T23:30+00:00", "2026-10-25T01:30+00:00", (10, 24), (10, 26)),
        # The other side of the date line, the day after ours.
        ("Pacific/Auckland", "2026-05-13T21:00+00:00", "2026-05-16T05:00+00:00", (5, 14), (5, 17)),
        ("Pacific/Pago_Pago", "2026-05-14T21:00+00:00", "2026-05-17T05:00+00:00", (5, 14), (5, 17)),
        # What ends at midnight has no part in the day that begins.
        ("America/New_York", "2026-05-14T14:00+00:00", "2026-05-17T04:00+00:00", (5, 14), (5, 17)),
    ],
)
def test_days_are_those_of_the_place(
    brand: Brand, zone: str, starts: str, ends: str, first: tuple[int, int], last: tuple[int, int]
) -> None:
    event, _ = parsed(brand, zone=zone, starts_at=starts, ends_at=ends)
    assert (event.start, event.end) == (date(2026, *first), date(2026, *last))


def test_the_night_the_clock_changes_keeps_its_instants(brand: Brand) -> None:
    """A party from 23:00 EDT to 03:00 EST lasts five hours."""
    event, _ = parsed(brand, starts_at="2026-11-01T03:00+00:00", ends_at="2026-11-01T03:59+00:00")
    assert event.end - event.start == timedelta(minutes=59)
    event, _ = parsed(brand, starts_at="2026-11-01T05:30+00:00", ends_at="2026-11-01T06:30+00:00")  # 01:30 twice
    assert event.end - event.start == timedelta(hours=1)


def test_an_unknown_zone_is_the_brands(brand: Brand) -> None:
    for zone in (None, "Atlantis/Centre"):
        event, _ = parsed(brand, zone=zone)
        assert (event.start, event.end) == (date(2026, 5, 14), date(2026, 6, 1))


def test_a_place_without_a_point_has_none(brand: Brand) -> None:
    event, _ = parsed(brand, latitude=None, longitude=None)
    assert "GEO" not in event


@given(title=_SPOKEN, place=_SPOKEN)
@example(title='a;b,c\\d:e"f', place="\\n \\; x")
@example(title="ä" * 80, place="日" * 90)
@example(title="🧤" * 40, place="BEGIN:VEVENT")
def test_any_words_come_back_as_they_were(brand: Brand, title: str, place: str) -> None:
    """In lines of at most 75 octets that are text each by itself."""
    event, raw = parsed(brand, title=title, place=place)
    assert (str(event["SUMMARY"]), str(event["LOCATION"])) == (title, place)
    assert raw.count(b"\r\nBEGIN:VEVENT\r\n") == 1
    for line in raw.split(b"\r\n"):
        assert len(line) <= 75
        line.decode("utf-8")


def test_no_word_breaks_out_of_its_line(brand: Brand) -> None:
    event, raw = parsed(brand, title="A\r\nATTENDEE:mailto:x@example.com\x0b\x00B", place="one\rtwo\nthree")
    assert "ATTENDEE" not in event
    assert str(event["LOCATION"]) == "one\ntwo\nthree"
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)


@pytest.mark.parametrize(
    "wrong", [{"starts_at": "2026-05-14T14:00"}, {"ends_at": "2026-05-13T14:00+00:00"}, {"stamp": "yesterday"}]
)
def test_what_is_no_event_is_refused(brand: Brand, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"offset|before|isoformat"):
        calendar_file(EVENT | wrong, brand, Voice("en-US", brand.zone, "Size {size}", ""), TAGS)


def test_the_mail_brings_it_and_stays_readable(library: Library) -> None:
    """A mail program finds text, HTML and one file that any calendar opens."""
    step = library.step("popup_invite/invite")
    for words in step.samples().values():
        mail = step.email(words, message_id=1)
        raw = mail.mime(key="popup_invite/invite/popup:1:profile:1", to="sarah@example.com", at=datetime.now(UTC))
        message = message_from_bytes(raw, policy=default)
        assert isinstance(message, EmailMessage)
        assert [part.get_content_type() for part in message.walk()] == [
            "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar",
        ]  # fmt: skip
        assert not any(part.defects for part in message.walk())
        html, text = message.get_body(("html",)), message.get_body(("plain",))
        assert html is not None
        assert text is not None
        assert html.get_content().replace("\r\n", "\n") == mail.html.replace("\r\n", "\n")
        assert text.get_content().replace("\r\n", "\n") == mail.text
        (file,) = message.iter_attachments()
        assert str(file.get_filename()).endswith(".ics")
        assert file.get_content_disposition() == "attachment"
        assert file.get_payload(decode=True) == mail.attachments[0].data
        (event,) = icalendar.Calendar.from_ical(file.get_payload(decode=True)).walk("VEVENT")
        assert event["URL"] == (
            "https://www.saltmere.example.com/?utm_source=segue&utm_medium=email"
            "&utm_campaign=popup_invite&utm_content=invite/calendar"
        )
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
        assert raw.isascii()


def test_it_is_made_once_for_everybody(library: Library, brand: Brand) -> None:
    words = library.step("popup_invite/invite").samples()["sample"]
    first, second = (library.step("popup_invite/invite").email(words, message_id=n).attachments[0] for n in (1, 2))
    assert first is second


def test_a_calendar_that_lacks_something_says_what(library: Library) -> None:
    step = library.step("popup_invite/invite")
    words = step.samples()["sample"]
    without = {**words, "calendar": {k: v for k, v in words["calendar"].items() if k != "stamp"}}
    with pytest.raises(TemplateError, match=r"calendar\.stamp is missing"):
        step.email(without, message_id=1)
    with pytest.raises(TemplateError, match="does not fit"):
        step.email({**words, "calendar": words["calendar"] | {"stamp": "never"}}, message_id=1)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a\r\nb.ics", "text/calendar"),
        ('a".ics', "text/calendar"),
        (".ics", "text/calendar"),
        ("x" * 80, "text/calendar"),
        ("a.ics", "text/calendar\r\nBcc: b"),
        ("a.ics", "calendar"),
        ("a.ics", "text/calendar; charset=utf-8; x"),
    ],
)
def test_no_attachment_breaks_out_of_its_header(name: str, media_type: str) -> None:
    with pytest.raises(ValueError, match="attachment"):
        Attachment(name=name, media_type=media_type, data=b"")
