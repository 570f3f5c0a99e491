"""A pop-up from its wave to the mails that lie in the outbox: who got one, who came too late, and what it brings."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import icalendar
from sqlalchemy import delete, update

from segue.service import Segue
from segue.store.engine import write
from segue.store.tables import consent_event, profile
from tests.journeys.counter import NOON, shop
from tests.journeys.popups import DAY, popup, visit

PEOPLE = 9


def invite(segue: Segue) -> int:
    """One run: a wave, and everything that may leave of it."""
    journey = segue.journeys["popup_invite"]
    plan = segue.start_run(journey, journey.brief())
    segue.drain_run(plan)
    return plan.promised


def letters(segue: Segue) -> list[EmailMessage]:
    found = []
    for file in sorted(segue.settings.outbox.glob("email/popup_invite*.eml")):
        message = message_from_bytes(file.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def test_from_the_wave_to_the_mail(database_url: str, tmp_path: Path) -> None:
    """Everybody near is wanted: who never agreed is skipped, who was there is too, and nobody is asked twice."""
    with shop(database_url, tmp_path, people=PEOPLE) as segue:
        # The reader is in New York, the pop-up beyond the date line: its own time is what counts.
        popup(
            segue.engine, 7, capacity=4, latitude=-18.14, longitude=178.44, zone="Pacific/Fiji",
            name="Suva, by the sea", address="1 Victoria Parade, Suva", opens_at=NOON + DAY, closes_at=NOON + 3 * DAY,
        )  # fmt: skip
        with write(segue.engine) as connection:
            connection.execute(update(profile).values(home_latitude=-18.1, home_longitude=-179.9))
            connection.execute(
                update(profile).where(profile.c.id <= 6).values(home_latitude=-18.15, home_longitude=178.5)
            )
            connection.execute(delete(consent_event).where(consent_event.c.profile_id == 2))
        visit(segue.engine, 3, 7)

        assert invite(segue) == 6
        assert invite(segue) == 0
        sums = Counter()
        for line in segue.journey_summary("popup_invite").lines:
            sums[line.group, line.reason] += line.count
        assert sums == {("accepted", None): 4, ("skipped", "no_consent"): 1, ("skipped", "converted"): 1}

        mails = letters(segue)
        assert {str(mail["To"]) for mail in mails} == {f"p{who}@example.com" for who in (1, 4, 5, 6)}
        for mail in mails:
            text = mail.get_body(("plain",))
            assert text is not None
            said = " ".join(text.get_content().split())
            assert "From Thursday, May 14 at 4:00 AM UTC+12 Until Saturday, May 16 at 4:00 AM UTC+12" in said
            assert "Not far from you" in said
            (file,) = mail.iter_attachments()
            (event,) = icalendar.Calendar.from_ical(file.get_payload(decode=True)).walk("VEVENT")
            assert (event.start.isoformat(), event.end.isoformat()) == ("2026-05-14", "2026-05-17")
            assert event["LOCATION"] == "Suva, by the sea, 1 Victoria Parade, Suva"


def test_a_preview_names_the_next_wave_and_promises_nobody(database_url: str, tmp_path: Path) -> None:
    with shop(database_url, tmp_path, people=3) as segue:
        popup(segue.engine, 7)
        with write(segue.engine) as connection:
            connection.execute(update(profile).values(home_latitude=40.72, home_longitude=-74.0))
        journey = segue.journeys["popup_invite"]
        assert segue.preview(journey, journey.brief()).count("accepted") == 3
        assert segue.preview(journey, journey.brief()).count("accepted") == 3
        assert invite(segue) == 3
        assert segue.preview(journey, journey.brief()).considered == 0
