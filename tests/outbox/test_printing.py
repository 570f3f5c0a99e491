"""Print runs: what was spooled is printed once, in packing order, and again with the same codes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from sqlalchemy import insert, select

from segue.contract.fake import FakeOffers
from segue.outbox.connectors import Connectors
from segue.service import Segue
from segue.store.engine import read, write
from segue.store.tables import (
    consent_event,
    fulfilment,
    message,
    voucher,
)
from tests.outbox.printshop import NOON, WAVE, Open, cancel, numbers_in, pick_list, shop, states
from tests.pdf_text import letters_of


def test_one_pdf_and_pick_list_a_location_in_packing_order(opened: Open) -> None:
    segue = opened()
    shop(segue, 6, ("newark", "portland"))
    segue.tick()
    segue.clock.set(WAVE)
    reports = {report.location: report for report in segue.print_run()}
    assert {name: report.pages for name, report in reports.items()} == {"newark": 3, "portland": 3}
    for name, expected in (("newark", ["#102", "#104", "#106"]), ("portland", ["#101", "#103", "#105"])):
        pdf, listed = reports[name].files
        assert (pdf.suffix, listed.suffix) == (".pdf", ".csv")
        assert numbers_in(pdf) == pick_list(listed) == expected
    assert segue.print_run() == []


def test_a_split_shipment_has_one_card(opened: Open) -> None:
    segue = opened()
    shop(segue, 1)
    segue.tick()
    segue.clock.set(WAVE)
    assert [report.pages for report in segue.print_run()] == [1]
    with write(segue.engine) as connection:
        for minute in (1, 2):
            at = WAVE + timedelta(minutes=minute)
            connection.execute(insert(fulfilment).values(order_id=101, kind="packed", occurred_at=at, recorded_at=at))
    segue.clock.set(WAVE + timedelta(days=1))
    segue.tick()
    assert segue.print_run() == []
    assert len(states(segue)) == 1


def test_a_page_is_printed_again_with_the_same_code(opened: Open) -> None:
    segue = opened()
    shop(segue, 3)
    segue.tick()
    segue.clock.set(WAVE)
    cancel(segue, 103, NOON)
    (report,) = segue.print_run()
    with pytest.raises(KeyError, match="for 103;"):
        segue.reprint(["102", " #103 "])
    again = segue.reprint([" #102 "])
    assert numbers_in(again) == ["#102"]
    with read(segue.engine) as connection:
        code = connection.scalar(select(voucher.c.code).where(voucher.c.key == "welcome_insert/insert/order:102"))
    assert code in letters_of(pypdf.PdfReader(again).pages[1])
    assert code in letters_of(pypdf.PdfReader(report.files[0]).pages[3])
    with pytest.raises(KeyError, match="pick list"):
        segue.reprint(["#999"])
    objects(segue, 2)
    with pytest.raises(KeyError, match="for 102;"):
        segue.reprint(["#102"])


def objects(segue: Segue, one: int) -> None:
    """She wrote a letter, some days ago."""
    said = {"channel": "print", "state": "denied", "basis": "objection", "source": "letter", "dedupe": f"letter{one}"}
    with write(segue.engine) as connection:
        connection.execute(
            insert(consent_event).values(profile_id=one, occurred_at=NOON - timedelta(days=3), recorded_at=NOON, **said)
        )


def test_paper_needs_no_consent_but_keeps_objections_holdout_and_the_months_one_card(opened: Open) -> None:
    segue = opened()
    shop(segue, 3)
    objects(segue, 2)
    with write(segue.engine) as connection:
        connection.execute(
            insert(message).values(
                key="other/card/profile:3",
                profile_id=3,
                bucket=3,
                journey="other",
                step="card",
                priority=1,
                state="accepted",
                channel="print",
                connector="elsewhere",
                not_before=NOON,
                deadline_at=NOON,
                promised_at=NOON,
                handed_over_at=NOON - timedelta(days=5),
            )
        )
    segue.tick()
    assert {key: state for key, (state, _) in states(segue).items() if key.startswith("10")} == {
        "101": "accepted",
        "102": "skipped",
        "103": "held",
    }


def test_without_a_printer_the_error_says_what_to_set(opened: Open, tmp_path: Path) -> None:
    segue = opened()
    segue._given_connectors = Connectors(by_channel={}, offers=FakeOffers())
    segue.__dict__.pop("connectors", None)
    with pytest.raises(Exception, match="SEGUE_CONNECTORS"):
        segue.print_run()
