"""The run's page: every number in its place, readable words, pictures that a browser can draw."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from flows.forms import Mode
from flows.pictures import COLOURS, Bar, bars, mail_card, mail_picture, sms_card
from flows.popup_invite import PopupInviteForm
from flows.report import agreed_by, page, refreshed, report_of, sentence, table
from flows.xhtml import to_xhtml
from segue.outbox.results import Group, Results
from segue.outbox.summary import GROUPS, Line, Summary
from segue.policy.reasons import Reason
from segue.render.samples import SampleRender
from segue.service import words

SUMMARY = Summary(
    journey="abandoned_cart",
    run_id=7,
    preview=False,
    lines=(
        Line(step="reminder", group="accepted", reason=None, channel="email", count=1380),
        Line(step="reminder", group="skipped", reason="no_consent", channel=None, count=12),
        Line(step="last_call", group="pending", reason="quiet_hours", channel="sms", count=3),
    ),
    examples={"reminder/skipped/no_consent": (4, 17), "reminder/accepted/email": (2,)},
)
MAIL = SampleRender(
    name="abandoned_cart/reminder",
    sample="sample",
    channel="email",
    subject="Still <here> & yours",
    text="Hello",
    html='<html><body onload="x()"><style>a>b{}</style><p>5 < 6 &amp; 7<br>open'
    '<img src="https://x.example.com/a.png" alt="Hat">',
    segments=None,
)


def drawn(address: str) -> ET.Element:
    """Parse the picture as a browser does: strictly."""
    return ET.fromstring(base64.b64decode(address.partition("base64,")[2]))  # noqa: S314 - ours


def test_the_sentence_and_the_table_add_up() -> None:
    """Both state the whole, with its parts."""
    assert sentence(SUMMARY) == "1,395 considered = 1,380 sent + 3 waiting + 12 left out"
    assert "**1,395 considered** = 1,380 sent" in page("Abandoned cart", SUMMARY, [])
    rows = table(SUMMARY).splitlines()
    counts = [int(row.split("|")[1].strip(" *").replace(",", "")) for row in rows[2:]]
    assert sum(counts[:-1]) == counts[-1] == SUMMARY.considered
    assert "| 12 | Reminder | Left out | never agreed to marketing messages | 4, 17 |" in rows
    assert "| 1,380 | Reminder, e-mail | Sent |  | 2 |" in rows


def test_one_step_needs_no_column_and_ids_are_few() -> None:
    """The page cuts what is wider than it is."""
    line = Line(step="invite", group="accepted", reason=None, channel="email", count=9)
    one = replace(SUMMARY, lines=(line,), examples={"invite/accepted/email": (1, 2, 3, 4, 5)})
    assert table(one).splitlines()[0] == "| How many | What became of them | Why | Profile ids |"
    assert "| 9 | Sent, e-mail |  | 1, 2, 3 |" in table(one)
    assert {row.count("|") for row in table(one).splitlines()} == {5}
    assert {row.count("|") for row in table(SUMMARY).splitlines()} == {6}


def test_what_was_chosen_stands_on_the_page_and_stays_there() -> None:
    """Whatever was typed is no markup; what was left as it is, is not repeated."""
    asked = PopupInviteForm(popup="A *tent* (P)", places=40, mode=Mode.SEND).asked()
    assert asked == r"Asked for: Pop-up: **A \*tent\* (P)**; Places: **40**"
    assert PopupInviteForm().asked() is None
    said = agreed_by("Ann Example", 1031)
    assert said == "Agreed to by Ann Example. 1,031 more were shown as left out; a later run looks at them again."
    none = Group(people=0, buyers=0, orders=0, worth={})
    results = Results(run_id=7, sent=0, news={}, treated=none, control=none, until=None)
    old = page("Pop-up invite", SUMMARY, [MAIL], asked=asked)
    new = refreshed(old, "Pop-up invite", SUMMARY, results, said=said)
    assert new == page("Pop-up invite", SUMMARY, [MAIL], asked=asked, said=said, results=results)


def test_the_report_keeps_the_sum() -> None:
    """What the flow returns is the same sum."""
    report = report_of(SUMMARY)
    assert (report.run_id, report.considered) == (7, sum(report.groups.values()))


def test_a_page_with_people_shows_the_design_and_an_empty_one_stays_small() -> None:
    """A run finds nobody hundreds of times a day; its page must not cost what a campaign's costs."""
    full = page("Abandoned cart", SUMMARY, [MAIL])
    nobody = Summary(journey="abandoned_cart", run_id=8, preview=False, lines=(), examples={})
    empty = page("Abandoned cart", nobody, [MAIL])
    assert len(re.findall("data:image", full)) == 2
    assert "Nobody was due" in empty
    assert len(re.findall("data:image", empty)) == 1
    assert "foreignObject" not in base64.b64decode(empty.partition("base64,")[2].partition(")")[0]).decode()


def test_each_sample_is_named_and_its_text_part_stands_once() -> None:
    bare = replace(MAIL, sample="sample_bare", who="no name")
    text = page("Abandoned cart", SUMMARY, [replace(MAIL, who="Sarah, size 8"), bare])
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == [
        "Reminder, e-mail: Sarah, size 8", "Reminder, e-mail: no name"
    ]  # fmt: skip
    assert text.count("Its text part") == 1


def test_a_preview_speaks_in_the_conditional() -> None:
    """Nobody should think that something was sent."""
    preview = Summary(journey="x", run_id=None, preview=True, lines=SUMMARY.lines, examples={})
    text = page("Abandoned cart", preview, [])
    assert "preview, nothing was sent" in text
    assert "Would be sent" in text
    assert "| Sent |" not in text


@pytest.mark.parametrize(
    "address",
    [
        bars("Sum <&>", [Bar("Left out", 3, "skipped"), Bar("Waiting", 0, "pending")]),
        mail_card("A 'subject' & \x00 more", "text\x0b <b>"),
        sms_card("Segue: 5 < 6 & \U0001f9e3"),
        mail_picture("S", MAIL.html or ""),
    ],
    ids=["bars", "card", "sms", "mail"],
)
def test_pictures_are_well_formed_whatever_is_in_them(address: str) -> None:
    """One bad character would show a broken picture instead of the chart."""
    assert drawn(address).tag.endswith("svg")


def test_a_mail_is_drawn_wide_and_by_day_wherever_it_is_looked_at() -> None:
    """Inside a picture a browser measures the picture, and would lay the mail out for a telephone."""
    styles = "@media only screen and (max-width:479px){a{}}@media (min-width: 480px){b{}}"
    styles += "@media (prefers-color-scheme: dark){c{}}"
    picture = base64.b64decode(mail_picture("S", f"<style>{styles}</style>").partition("base64,")[2]).decode()
    assert "(max-width:0px)" in picture
    assert "(min-width:0px)" in picture
    assert "(prefers-color-scheme: never)" in picture


def test_equal_counts_have_equal_bars_and_none_has_none() -> None:
    """Lengths are the counts' proportions."""
    picture = drawn(bars("x", [Bar("a", 10, "accepted"), Bar("b", 5, "skipped"), Bar("c", 0, "control")]))
    widths = [
        int(rect.get("width", "0"))
        for rect in picture.iter("{http://www.w3.org/2000/svg}rect")
        if rect.get("rx") == "3"
    ]
    assert widths[0] == 2 * widths[1]
    assert widths[2] == 0


def test_a_mail_in_a_picture_loads_and_runs_nothing() -> None:
    """Pictures become grey fields, scripts and event attributes go, what was open is closed."""
    written = to_xhtml((MAIL.html or "") + "<script>alert(1)</script><p>after")
    root = ET.fromstring(f"<div>{written}</div>")  # noqa: S314 - ours
    assert "https://" not in written
    assert "onload" not in written
    assert "alert" not in written
    assert [image.get("src", "")[:18] for image in root.iter("img")] == ["data:image/svg+xml"]
    assert "".join(root.itertext()).endswith("after")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_of_the_policy_has_words_for_a_marketer(reason: Reason) -> None:
    """A new rule without words would show as `zone_unknown`."""
    assert reason.value in words.REASONS


def test_every_group_has_words_and_a_colour() -> None:
    """The chart draws them all."""
    assert set(GROUPS.values()) == set(words.GROUPS) == set(COLOURS)
