"""The print connector: what lies in its folder afterwards, and after trouble."""

from __future__ import annotations

import csv
import fcntl
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from pypdf import PdfReader

from connectors.print_insert import PrintInsertConnector
from connectors.print_spool import Spool
from segue.contract import (
    Channel,
    ConfigurationError,
    Key,
    Message,
    Outcome,
    PrintContent,
    TransientError,
    UnsupportedError,
)
from segue.contract.suite import message, send, texts_of
from segue.contract.suite_parts import PAGE, card
from tests.connectors.mails import mail
from tests.processes import CONTEXT

OTHER_PAGE = replace(PAGE, source=PAGE.source.replace("105mm", "205mm"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "print"


@pytest.fixture
def connector(folder: Path) -> Iterator[PrintInsertConnector]:
    made = PrintInsertConnector(folder=folder)
    yield made
    made.close()


def page(number: int, **changed: object) -> Message:
    fields: dict[str, object] = {
        "frame": PAGE,
        "data": card(number),
        "location": "boston",
        "order": f"#{number}",
        "packing": (("first name", f"Reader {number}"), ("things", "4")),
    }
    return replace(message(number, Channel.PRINT), content=PrintContent(**(fields | changed)))  # type: ignore[arg-type]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def words_of(pdf: Path) -> list[str]:
    return [one.extract_text() for one in PdfReader(pdf).pages]


def test_the_pick_list_is_in_the_order_of_the_pages(connector: PrintInsertConnector) -> None:
    """Position, order number, and what the packer was told; a card that was not told something has an empty cell."""
    batch = [page(1), page(2, packing=(("first name", "Zoë"), ("code", "K7QM"))), page(3)]
    send(connector, batch)
    pdf, pick_list = connector.close_spool("boston", [batch[1].key, batch[0].key], name="monday")
    assert rows_of(pick_list) == [
        {"position": "1", "order": "#2", "first name": "Zoë", "code": "K7QM", "things": ""},
        {"position": "2", "order": "#1", "first name": "Reader 1", "code": "", "things": "4"},
    ]
    assert words_of(pdf)[1::2] == ["#2", "#1"]


def test_no_cell_of_the_pick_list_is_a_formula_or_tears_its_line(connector: PrintInsertConnector) -> None:
    """Names come from strangers and are opened in a spreadsheet."""
    names = ["=1+1", "@SUM(A1)", "+1", "-1", "\t=1", "a\r\nb", "'quoted'"]
    batch = [page(n, packing=(("=first name", name),)) for n, name in enumerate(names)]
    send(connector, batch)
    _, pick_list = connector.close_spool("boston", [m.key for m in batch], name="monday")
    with pick_list.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(names) + 1
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [row[2] for row in rows[1:]] == ["'=1+1", "'@SUM(A1)", "'+1", "'-1", " =1", "a  b", "''quoted'"]


def test_a_template_that_changed_between_two_pages_keeps_both_as_they_were(connector: PrintInsertConnector) -> None:
    """One PDF in packing order; each page in the template it was spooled with, in another process, too."""
    batch = [page(1), page(2, frame=OTHER_PAGE), page(3), page(4)]
    send(connector, batch)
    later = PrintInsertConnector(folder=connector._folder)
    pdf, _ = later.close_spool("boston", [m.key for m in batch], name="monday")
    widths = [round(float(one.mediabox.width) / 72 * 25.4) for one in PdfReader(pdf).pages]
    assert widths == [105, 105, 205, 205, 105, 105, 105, 105]
    assert words_of(pdf)[1::2] == ["#1", "#2", "#3", "#4"]


def test_a_reprint_is_the_first_print_to_the_byte(connector: PrintInsertConnector, folder: Path) -> None:
    """The same code, the same words, whatever was sent under the key since."""
    batch = [page(n) for n in range(3)]
    send(connector, batch)
    keys = [m.key for m in batch]
    pdf, _ = connector.close_spool("boston", keys, name="monday")
    send(connector, [page(n, data=card(n + 50), location="elsewhere") for n in range(3)])
    again = PrintInsertConnector(folder=folder).reprint(keys, name="torn")
    assert again.read_bytes() == pdf.read_bytes()
    assert again != pdf


def test_a_repeat_leaves_nothing(connector: PrintInsertConnector) -> None:
    """The journal must not say that a page left which was there already."""
    assert send(connector, [page(1)]).left == [page(1).key]
    assert send(connector, [page(1)]).left == []


def test_a_card_that_cannot_be_printed_is_refused_alone(connector: PrintInsertConnector) -> None:
    """Data that is no JSON, or a link no telephone would read; the others are spooled."""
    bad = [page(1, data="{"), page(2, data='{"card": {"link": "https://x.example.com/' + "a" * 400 + '"}}')]
    seen = send(connector, [*bad, page(3)])
    assert [(r.outcome, r.reason) for r in seen.results] == [
        (Outcome.REJECTED, "content_malformed"),
        (Outcome.REJECTED, "content_malformed"),
        (Outcome.ACCEPTED, None),
    ]
    assert seen.left == [page(3).key]


def test_mail_is_not_printed(connector: PrintInsertConnector, folder: Path) -> None:
    """Refused before anything is on the disk."""
    assert isinstance(send(connector, [page(1), mail(1)]).error, UnsupportedError)
    assert not folder.exists()


def test_a_template_with_a_fault_says_which_and_prints_nothing(connector: PrintInsertConnector, folder: Path) -> None:
    """The error is the shop's to mend; it quotes no card."""
    fault = replace(PAGE, name="shop/faulty", source="#panic(json(bytes(sys.inputs.pages)).first().words)")
    send(connector, [page(1, frame=fault)])
    with pytest.raises(ConfigurationError, match="shop/faulty") as told:
        connector.close_spool("boston", [page(1).key], name="monday")
    assert "leggings" not in texts_of(told.value)
    assert [path for path in folder.rglob("*") if path.suffix in {".pdf", ".csv"}] == []


def test_nothing_to_print_again_is_an_error(connector: PrintInsertConnector) -> None:
    with pytest.raises(UnsupportedError, match="at least one"):
        connector.reprint([], name="torn")


def test_any_key_has_a_page(connector: PrintInsertConnector) -> None:
    """Keys are opaque: quotes, line ends and half characters among them."""
    keys = [Key(text) for text in ("a'b", 'a"b', "a\nb", "\ud800", "ü" * 300, "", "a\0b", "A'B")]
    batch = [replace(page(n), key=key) for n, key in enumerate(keys)]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: len(keys)}
    pdf, _ = connector.close_spool("boston", keys, name="monday")
    assert words_of(pdf)[1::2] == [f"#{n}" for n in range(len(keys))]


def test_a_spool_that_is_held_too_long_defers(
    connector: PrintInsertConnector, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was spooled, nothing is lost, and the batch may come again."""
    send(connector, [page(1)])
    monkeypatch.setattr("connectors.print_spool._PATIENCE", 0.05)
    holder = sqlite3.connect(folder / "spool.db", isolation_level=None)
    holder.execute("begin immediate")
    seen = send(connector, [page(2)])
    assert isinstance(seen.error, TransientError)
    assert seen.left == []
    holder.rollback()
    holder.close()
    assert send(connector, [page(2)]).count() == {Outcome.ACCEPTED: 1}


def test_a_file_that_is_no_spool_is_left_alone(connector: PrintInsertConnector, folder: Path) -> None:
    folder.mkdir()
    (folder / "spool.db").write_text("somebody's notes, longer than the head of a database: " + "x" * 200)
    assert isinstance(send(connector, [page(1)]).error, ConfigurationError)
    assert (folder / "spool.db").read_text().startswith("somebody's notes")


def test_a_print_cut_short_leaves_the_earlier_file(
    connector: PrintInsertConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever dies while writing leaves no half PDF under the name that the packer opens."""
    send(connector, [page(1), page(2)])
    pdf, _ = connector.close_spool("boston", [page(1).key], name="monday")
    before = pdf.read_bytes()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            connector.close_spool("boston", [page(2).key], name="monday")
    assert pdf.read_bytes() == before
    assert sorted(path.name for path in pdf.parent.iterdir()) == ["monday.csv", "monday.pdf"]


def _spool(folder: str, barrier: object, process: int) -> None:
    connector = PrintInsertConnector(folder=folder)
    barrier.wait()  # type: ignore[attr-defined]
    for start in range(0, 200, 20):
        seen = send(connector, [page(n, order=f"#{process}") for n in range(start, start + 20)])
        assert seen.count() == {Outcome.ACCEPTED: 20}


def test_two_processes_spool_the_same_keys_once(folder: Path) -> None:
    """Each key has one page, whole, from one of them."""
    barrier = CONTEXT.Barrier(3)
    workers = [CONTEXT.Process(target=_spool, args=(str(folder), barrier, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with sqlite3.connect(folder / "spool.db") as database:
        assert database.execute("select count(*), count(distinct key) from page").fetchone() == (200, 200)
        assert database.execute("select count(*) from frame").fetchone() == (1,)
    database.close()


def test_a_new_spool_is_set_up_by_one_at_a_time(folder: Path) -> None:
    """Who changes its journal mode makes others fail instead of wait; so they wait before it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "spool.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        spooling = threading.Thread(target=send, args=(PrintInsertConnector(folder=folder), [page(1)]))
        spooling.start()
        spooling.join(1.0)
        assert spooling.is_alive()
        fcntl.flock(other, fcntl.LOCK_UN)
    spooling.join()
    with sqlite3.connect(folder / "spool.db") as database:
        assert database.execute("pragma journal_mode").fetchone() == ("wal",)
        assert database.execute("select count(*) from page").fetchone() == (1,)
    database.close()


def _spool_for_ever(folder: str, told: Connection) -> None:
    connector = PrintInsertConnector(folder=folder)
    for start in count(0, 40):
        for result in connector.send([page(n) for n in range(start, start + 40)], lambda key: None):
            told.send(result.key)


@pytest.mark.parametrize("after", [3, 60, 211])
def test_a_kill_loses_no_accepted_page_and_leaves_no_half_one(folder: Path, after: int) -> None:
    """SIGKILL while spooling: whatever was accepted prints; whatever was not is whole or not there."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    child = CONTEXT.Process(target=_spool_for_ever, args=(str(folder), theirs))
    child.start()
    theirs.close()
    accepted = [ours.recv() for _ in range(after)]
    child.kill()
    with suppress(EOFError, OSError):  # its last word may be half a word
        while True:
            accepted.append(ours.recv())
    ours.close()
    child.join()
    connector = PrintInsertConnector(folder=folder)
    pdf, _ = connector.close_spool("boston", accepted, name="monday")
    assert words_of(pdf)[1::2] == [f"#{key.rpartition(':')[2]}" for key in accepted]
    everything = [page(n) for n in range(len(accepted) + 100)]
    there = Spool(folder).pages([m.key for m in everything])
    assert all(one.data == card(int(key.rpartition(":")[2])) for key, one in there.items())
    assert send(connector, everything).count() == {Outcome.ACCEPTED: len(everything)}


def test_spooling_2500_pages_takes_a_moment(connector: PrintInsertConnector) -> None:
    """Generous for a busy machine; it takes about a quarter of a second."""
    batch = [page(n) for n in range(2500)]
    began = time.perf_counter()
    for start in range(0, 2500, 500):
        send(connector, batch[start : start + 500])
    assert time.perf_counter() - began < 10
