"""Print runs: what was spooled is printed once, in packing order, and not for a parcel that is no more."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
from sqlalchemy import func, insert, select, update

from connectors.files import FilesConnector
from connectors.print_insert import PrintInsertConnector
from segue.clock import VirtualClock
from segue.contract import Channel, Key, Redemption, TransientError
from segue.contract.fake import FakeOffers
from segue.contract.fake_print import FakePrint
from segue.offers import record_redemptions
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.tables import (
    consent_event,
    fulfilment,
    location,
    message,
    order,
    print_page,
    print_run,
    profile,
    voucher,
)
from tests.outbox.merges import found

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)  # two hours before the pick wave in New York
WAVE = NOON + timedelta(hours=2)

Open = Callable[..., Segue]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Iterator[Open]:
    """Open Segue on the test's database at an instant; closed at the end."""
    made: list[Segue] = []

    def make(at: datetime = NOON, printer: Any = None) -> Segue:
        settings = Settings(
            home=tmp_path / "home",
            database_url=database_url,
            outbox=tmp_path / "outbox",
            print_folder=tmp_path / "print",
            holdout_journey=0,
            pick_wave="14:00",
            secret_key="a secret for tests only",
        )
        printer = printer or PrintInsertConnector(folder=tmp_path / "print")
        connectors = Connectors(by_channel={Channel.PRINT: printer}, offers=FilesConnector(folder=tmp_path / "outbox"))
        segue = open_segue(settings, VirtualClock(at), connectors=connectors)
        made.append(segue.__enter__())
        made[-1].install()
        made[-1].switch_on("welcome_insert", NOON - timedelta(days=1))
        return made[-1]

    yield make
    for segue in made:
        segue.close()


def shop(segue: Segue, count: int, places: Sequence[str] = ("newark",)) -> None:
    """`count` people with an order each, packed in `places` in turn."""
    people = range(1, count + 1)
    with write(segue.engine) as connection:
        connection.execute(
            insert(location),
            [
                {"id": n, "external_id": name, "kind": "warehouse", "name": name}
                for n, name in enumerate(places, start=1)
            ],
        )
        connection.execute(
            insert(profile), [{"id": n, "first_name": f"Sam{n}", "country": "US", "created_at": NOON} for n in people]
        )
    for n in people:
        add_order(segue, 100 + n, n, place=1 + n % len(places))


def add_order(segue: Segue, number: int, person: int, place: int = 1, at: datetime = NOON) -> None:
    with write(segue.engine) as connection:
        connection.execute(
            insert(order).values(
                id=number,
                external_id=str(number),
                number=f"#{number}",
                profile_id=person,
                sales_channel="web",
                location_id=place,
                delivery="ship",
                currency="USD",
                total_minor=100,
                occurred_at=at,
                paid_at=at - timedelta(minutes=5),
                recorded_at=at,
            )
        )


def cancel(segue: Segue, number: int, at: datetime) -> None:
    with write(segue.engine) as connection:
        connection.execute(update(order).where(order.c.id == number).values(cancelled_at=at))


def states(segue: Segue) -> dict[str, tuple[str, str | None]]:
    with read(segue.engine) as connection:
        rows = connection.execute(select(message.c.key, message.c.state, message.c.reason).order_by(message.c.key))
        return {row.key.rpartition(":")[2]: (row.state, row.reason) for row in rows}


def pick_list(file: Path) -> list[str]:
    """The order numbers of a pick list, in its order."""
    rows = csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))
    return [row["order"] for row in rows]


def numbers_in(file: Path) -> list[str]:
    """The order numbers printed on the backs of a PDF's cards, in order."""
    pages = pypdf.PdfReader(file).pages
    return ["#" + page.extract_text().rpartition("#")[2].split()[0] for page in pages[1::2]]


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


def test_a_cancelled_order_is_taken_out_its_code_revoked_and_her_next_parcel_gets_a_card(opened: Open) -> None:
    segue = opened()
    shop(segue, 3)
    segue.tick()
    cancel(segue, 102, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (2, {"occasion_gone": 1})
    assert pick_list(report.files[1]) == ["#101", "#103"]
    assert states(segue)["102"] == ("skipped", "occasion_gone")
    summary = segue.journey_summary("welcome_insert")
    assert summary.considered == sum(summary.by_group().values()) == 3
    with read(segue.engine) as connection:
        revoked = connection.execute(select(voucher.c.key, voucher.c.revoked_at)).all()
    assert {row.key[-3:]: row.revoked_at is not None for row in revoked} == {"101": False, "102": True, "103": False}

    segue.clock.set(WAVE + timedelta(hours=1))
    add_order(segue, 202, 2, at=WAVE + timedelta(minutes=30))
    segue.tick()
    assert states(segue)["202"] == ("accepted", None)
    segue.clock.set(WAVE + timedelta(days=1))
    (again,) = segue.print_run()
    assert pick_list(again.files[1]) == ["#202"]


def tell(segue: Segue, person: int, state: str, at: datetime, **values: Any) -> None:
    """Another journey's message to somebody, which may have shown her code."""
    row = {"key": f"other/mail/{person}", "profile_id": person, "bucket": person, "journey": "other", "step": "mail"}
    row |= {"priority": 1, "state": state, "channel": "email", "handed_over_at": at, "not_before": NOON}
    with write(segue.engine) as connection:
        connection.execute(insert(message).values(row | {"deadline_at": WAVE, "promised_at": NOON} | values))


@pytest.mark.parametrize(
    ("state", "after", "is_revoked"),
    [
        ("accepted", timedelta(minutes=30), False),
        ("uncertain", timedelta(minutes=30), False),
        ("handed_over", timedelta(minutes=30), False),
        ("deferred", timedelta(minutes=30), False),
        ("accepted", timedelta(minutes=-30), False),  # judged before, composed after the code was made
        ("accepted", timedelta(minutes=-90), True),
        ("rejected", timedelta(minutes=30), True),
        ("skipped", timedelta(minutes=30), True),
    ],
)
def test_the_code_of_a_page_taken_out_lives_on_where_another_message_may_have_told_it(
    opened: Open, state: str, after: timedelta, *, is_revoked: bool
) -> None:
    """Journeys show the live code somebody holds: hers may be in a mail by now."""
    segue = opened()
    shop(segue, 2)
    segue.tick()
    tell(segue, 1, state, NOON + after)
    tell(segue, 2, "accepted", NOON - timedelta(days=2))
    for number in (101, 102):
        cancel(segue, number, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert report.taken_out == {"occasion_gone": 2}
    with read(segue.engine) as connection:
        rows = connection.execute(select(voucher.c.profile_id, voucher.c.revoked_at)).all()
    assert {row.profile_id: row.revoked_at is not None for row in rows} == {1: is_revoked, 2: True}


@pytest.mark.parametrize("cancelled", [None, 101, 102])
def test_two_who_became_one_get_one_of_the_cards_that_wait_for_them(opened: Open, cancelled: int | None) -> None:
    """The other page is taken out; its code may have been shown by then, and stays good."""
    segue = opened()
    shop(segue, 2)
    segue.tick()
    found(segue.engine, (1, 2))
    assert segue.merge_found() == 1
    if cancelled:
        cancel(segue, cancelled, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    # The first of her cards counts, and it is gone with its order; the next parcel gets its own, later.
    assert (report.pages, report.taken_out["occasion_gone"]) == ((0, 2) if cancelled == 101 else (1, 1))
    if cancelled != 101:
        assert pick_list(report.files[1]) == ["#101"]
    with read(segue.engine) as connection:
        revoked = connection.scalars(select(voucher.c.message_key).where(voucher.c.revoked_at.is_not(None))).all()
    assert len(revoked) == (2 if cancelled == 101 else 0)


def test_a_card_that_was_printed_before_the_merge_is_the_one_she_had(opened: Open) -> None:
    segue = opened()
    shop(segue, 2, ("newark", "portland"))
    segue.tick()
    segue.clock.set(WAVE)
    (first,) = segue.print_run("newark")
    assert pick_list(first.files[1]) == ["#102"]
    found(segue.engine, (1, 2))
    assert segue.merge_found() == 1
    (report,) = segue.print_run()
    assert (report.location, report.pages, report.taken_out) == ("portland", 0, {"occasion_gone": 1})


def test_the_code_of_a_page_is_found_under_the_key_its_message_has_since_a_merge(opened: Open) -> None:
    segue = opened()
    shop(segue, 1)
    segue.tick()
    with write(segue.engine) as connection:
        connection.execute(update(voucher).values(key="as the shop was told it"))
    cancel(segue, 101, NOON + timedelta(hours=1))
    segue.clock.set(WAVE)
    segue.print_run()
    with read(segue.engine) as connection:
        assert connection.scalar(select(voucher.c.revoked_at)) == WAVE


def test_a_parcel_packed_meanwhile_and_one_whose_wave_is_long_gone_are_taken_out(opened: Open) -> None:
    segue = opened()
    shop(segue, 2)
    segue.tick()
    with write(segue.engine) as connection:
        connection.execute(
            insert(fulfilment).values(
                order_id=101, kind="packed", occurred_at=NOON + timedelta(minutes=5), recorded_at=NOON
            )
        )
    segue.clock.set(WAVE + timedelta(hours=2))
    (report,) = segue.print_run()
    assert report.files == ()
    assert report.taken_out == {"occasion_gone": 1, "too_late": 1}
    assert states(segue) == {"101": ("skipped", "occasion_gone"), "102": ("skipped", "too_late")}


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


class Jams(FakePrint):
    """A printer that fails the first time it is closed, before or after the paper came out."""

    def __init__(self, folder: Path, *, after: bool) -> None:
        super().__init__(folder=folder)
        self._after = after
        self.closed: list[tuple[str, tuple[Key, ...], str]] = []

    def close_spool(self, location: str, keep: Sequence[Key], *, name: str) -> Sequence[Path]:
        self.closed.append((location, tuple(keep), name))
        if len(self.closed) == 1:
            if self._after:
                super().close_spool(location, keep, name=name)
            raise TransientError("paper jam")
        return super().close_spool(location, keep, name=name)


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_died_is_finished_with_the_same_pages_under_the_same_name(
    opened: Open, tmp_path: Path, *, after: bool
) -> None:
    printer = Jams(tmp_path / "paper", after=after)
    segue = opened(printer=printer)
    shop(segue, 3)
    segue.tick()
    segue.clock.set(WAVE)
    (jammed,) = segue.print_run()
    assert (jammed.pages, jammed.problem) == (0, "paper jam")
    add_order(segue, 209, 3, at=WAVE)  # something new must not slip into the old run
    (report,) = segue.print_run()
    assert report.pages == 3
    assert printer.closed[0] == printer.closed[1]
    assert segue.print_run() == []
    (file,) = (tmp_path / "paper").iterdir()
    assert len(json.loads(file.read_text("utf-8"))) == 3


def test_what_was_cancelled_since_a_run_died_is_not_in_it_any_more(opened: Open, tmp_path: Path) -> None:
    segue = opened(printer=Jams(tmp_path / "paper", after=False))
    shop(segue, 2)
    segue.tick()
    segue.clock.set(WAVE)
    segue.print_run()
    cancel(segue, 101, WAVE + timedelta(hours=1))
    segue.clock.set(WAVE + timedelta(days=1))
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (1, {"occasion_gone": 1})
    assert states(segue)["101"] == ("skipped", "occasion_gone")


class NeverIn(PrintInsertConnector):
    """A printer that is out of order in one place."""

    place = "newark"

    def close_spool(self, location: str, keep: Sequence[Key], *, name: str) -> Sequence[Path]:
        if location == self.place:
            raise TransientError("out of toner")
        return super().close_spool(location, keep, name=name)


def test_one_places_trouble_stops_no_other(opened: Open, tmp_path: Path) -> None:
    segue = opened(printer=NeverIn(folder=tmp_path / "print"))
    shop(segue, 4, ("newark", "portland"))
    segue.tick()
    segue.clock.set(WAVE)
    for expected in ({"newark": 0, "portland": 2}, {"newark": 0}):
        reports = segue.print_run()
        assert {report.location: report.pages for report in reports} == expected
        assert [report.problem for report in reports if report.location == "newark"] == ["out of toner"]


def test_a_page_that_is_lost_costs_its_own_card_only(opened: Open, tmp_path: Path) -> None:
    """A spool that came back from a backup without one of its pages."""
    printer = FakePrint(folder=tmp_path / "paper")
    segue = opened(printer=printer)
    shop(segue, 5)
    segue.tick()
    del printer.spooled[Key("welcome_insert/insert/order:103")]
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out, report.problem) == (4, {"template": 1}, None)
    assert states(segue)["103"] == ("skipped", "template")
    printed = [card["card"]["order"] for file in report.files for card in json.loads(file.read_text("utf-8"))]
    assert printed == ["#101", "#102", "#104", "#105"]
    assert segue.print_run() == []


def test_who_objects_before_the_wave_gets_no_card(opened: Open) -> None:
    """To paper, or to direct marketing as such; a no to e-mail is none to paper."""
    segue = opened()
    shop(segue, 4)
    segue.tick()
    with write(segue.engine) as connection:
        for person, channel in ((1, "print"), (2, "all"), (3, "email")):
            connection.execute(
                insert(consent_event).values(
                    profile_id=person,
                    channel=channel,
                    state="denied",
                    basis="objection",
                    source="letter",
                    occurred_at=NOON + timedelta(minutes=10),
                    recorded_at=NOON + timedelta(minutes=10),
                    dedupe=f"letter:{person}",
                )
            )
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (2, {"denied": 2})
    assert pick_list(report.files[1]) == ["#103", "#104"]


def test_a_code_that_was_used_or_taken_back_is_not_printed(opened: Open) -> None:
    segue = opened()
    shop(segue, 3)
    segue.tick()
    with read(segue.engine) as connection:
        codes = dict(connection.execute(select(voucher.c.profile_id, voucher.c.code)).tuples().all())
    segue.clock.set(NOON + timedelta(minutes=30))
    segue.revoke([codes[1]])
    with write(segue.engine) as connection:
        used = Redemption(code=codes[2], order_id="till-1", redeemed_at=NOON + timedelta(minutes=20))
        record_redemptions(connection, [used], source="till", now=NOON + timedelta(minutes=30))
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (1, {"code_spent": 2})
    assert pick_list(report.files[1]) == ["#103"]


@pytest.mark.parametrize("after_printing", [False, True])
def test_who_cancels_and_orders_again_gets_the_card_in_the_parcel_that_leaves(
    opened: Open, *, after_printing: bool
) -> None:
    segue = opened()
    shop(segue, 1)
    segue.tick()
    if after_printing:
        segue.clock.set(WAVE)
        assert [report.pages for report in segue.print_run()] == [1]
    cancelled_at = segue.clock.now() + timedelta(minutes=10)
    cancel(segue, 101, cancelled_at)
    segue.clock.set(cancelled_at + timedelta(minutes=10))
    add_order(segue, 201, 1, at=segue.clock.now())
    segue.tick()
    assert states(segue) == {"101": ("skipped", "occasion_gone"), "201": ("accepted", None)}
    segue.clock.set(WAVE + timedelta(days=1 if after_printing else 0))
    (report,) = segue.print_run()
    assert pick_list(report.files[1]) == ["#201"]
    with pytest.raises(KeyError, match="101"):
        segue.reprint(["#101"])


def test_two_print_runs_at_one_instant_print_each_card_once(opened: Open, tmp_path: Path) -> None:
    printer = FakePrint(folder=tmp_path / "paper")
    first = opened(printer=printer)
    shop(first, 40, ("newark", "portland"))
    first.tick()
    pair = [first, opened(printer=printer)]
    for segue in pair:
        segue.clock.set(WAVE)
        _ = segue.engine, segue.journeys
    barrier, reports, errors = threading.Barrier(2), [], []

    def run(segue: Segue) -> None:
        barrier.wait()
        try:
            reports.extend(segue.print_run())
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(segue,)) for segue in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with read(first.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(print_page)) == 40
        assert connection.scalar(select(func.count()).where(print_run.c.closed_at.is_(None))) == 0
    printed = [card["card"]["order"] for f in (tmp_path / "paper").iterdir() for card in json.loads(f.read_text())]
    assert sorted(printed) == sorted(f"#{100 + n}" for n in range(1, 41))


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
    assert code in pypdf.PdfReader(again).pages[1].extract_text()
    assert code in pypdf.PdfReader(report.files[0]).pages[3].extract_text()
    with pytest.raises(KeyError, match="pick list"):
        segue.reprint(["#999"])


def test_paper_needs_no_consent_but_keeps_objections_holdout_and_the_months_one_card(opened: Open) -> None:
    segue = opened()
    shop(segue, 3)
    with write(segue.engine) as connection:
        connection.execute(
            insert(consent_event).values(
                profile_id=2,
                channel="print",
                state="denied",
                basis="objection",
                source="letter",
                occurred_at=NOON - timedelta(days=3),
                recorded_at=NOON,
                dedupe="letter",
            )
        )
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
