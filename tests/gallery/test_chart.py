"""The charts: they add up, they stand alone, and hostile words do not break them."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from segue.gallery.chart import bars_of, sum_chart
from segue.gallery.days import Day, day_chart
from segue.gallery.slices import Slice, slices_of
from segue.outbox.summary import Summary, lines_of

_SVG = "{http://www.w3.org/2000/svg}"


def _drawn(svg: str) -> ET.Element:
    """Parse a picture of our own; what is not well-formed raises."""
    return ET.fromstring(svg)  # noqa: S314 - our own picture, not a stranger's


@pytest.fixture
def summary() -> Summary:
    rows = [
        ("reminder", "accepted", None, "email", 60),
        ("reminder", "skipped", "no_consent", None, 25),
        ("reminder", "skipped", "denied", None, 10),
        ("reminder", "handed_over", None, "email", 3),
        ("reminder", "rejected", '<b>"odd\x00 & </b>', "email", 2),
        ("last_call", "accepted", None, "sms", 7),
    ]
    return Summary(journey="abandoned_cart", run_id=None, preview=False, lines=lines_of(rows), examples={})


def test_each_bar_begins_where_the_one_before_ended(summary: Summary) -> None:
    """Groups fill the whole without gap or overlap; reasons fill their group."""
    bars = bars_of(summary, step="reminder", channels=("email",))
    whole, groups = bars[0], [bar for bar in bars[1:] if not bar.inner]
    assert whole.count == 100
    assert groups[0].start == 0
    assert all(before.start + before.count == after.start for before, after in pairwise(groups))
    assert groups[-1].start + groups[-1].count == whole.count
    skipped = next(bar for bar in groups if bar.slice.group == "skipped")
    reasons = [bar for bar in bars if bar.inner and bar.slice.group == "skipped"]
    assert [bar.count for bar in reasons] == [25, 10]
    assert reasons[0].start == skipped.start
    assert reasons[1].start == skipped.start + 25
    assert reasons[0].label == "never agreed to marketing e-mail"


def test_those_without_a_reason_are_a_slice_of_their_own(summary: Summary) -> None:
    """Where some of a group have a reason and others none, both are counted, each once."""
    rows = [("reminder", "held", "budget", "email", 4), ("reminder", "queued", None, None, 3)]
    mixed = Summary(journey=summary.journey, run_id=None, preview=False, lines=lines_of(rows), examples={})
    counts = {
        chosen.reason: chosen.count(mixed) for chosen in slices_of(mixed) if chosen.step and chosen.reason is not None
    }
    assert counts == {"budget": 4, "": 3}


@pytest.mark.parametrize("width", [920, 340])
def test_a_chart_is_well_formed_and_says_what_it_shows(summary: Summary, width: int) -> None:
    """It stands alone as a picture, with a name and its numbers for those who cannot see it."""
    root = _drawn(sum_chart(summary, width=width))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "107 considered"
    told = root.findtext(f"{_SVG}desc") or ""
    assert "Sent: 67" in told
    assert "Left out: 35" in told


def test_a_linked_chart_leads_from_each_bar_to_its_slice(summary: Summary) -> None:
    """One link a bar, and the picture no longer hides what is inside it."""
    root = _drawn(sum_chart(summary, step="reminder", link=lambda chosen: chosen.file_name))
    links = [link.attrib["href"] for link in root.iter(f"{_SVG}a")]
    assert root.attrib["role"] == "group"
    assert links == [bar.slice.file_name for bar in bars_of(summary, step="reminder", channels=())]


def test_file_names_of_slices_are_safe_and_their_own(summary: Summary) -> None:
    """A reason made by a provider names no other folder and no other slice's page."""
    names = [chosen.file_name for chosen in slices_of(summary)]
    names += [
        Slice(journey="a", step="b", group="rejected", reason=odd).file_name for odd in ("../x", "..?x", "../X", "")
    ]
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.") and ".." not in name for name in names)


def test_the_days_are_drawn_to_one_scale() -> None:
    """Twice as many make a column twice as high; nothing sent draws nothing."""
    days = [
        Day(day=date(2026, 5, 1), left=10, sent={"email": 3, "sms": 2}),
        Day(day=date(2026, 5, 2), left=20, sent={}),
    ]
    root = _drawn(day_chart(days))
    boxes = [(float(box.attrib["y"]), float(box.attrib["height"])) for box in root.iter(f"{_SVG}rect")]
    assert len(boxes) == 4
    first, email, sms, second = boxes
    assert second[1] == pytest.approx(2 * first[1], rel=0.01)
    assert sms[0] + sms[1] == pytest.approx(email[0], abs=0.2)  # stacked, neither hides the other
    assert "1 May: 10 came up, 5 sent" in (root.findtext(f"{_SVG}desc") or "")


def test_no_days_are_no_columns() -> None:
    """An empty season is a chart without columns, not an error."""
    assert not list(_drawn(day_chart([])).iter(f"{_SVG}rect"))
