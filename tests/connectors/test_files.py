"""The files connector: what is on the disk afterwards, and after trouble."""

from __future__ import annotations

import csv
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.code_file import guarded, unguarded
from connectors.files import FilesConnector, stem_of
from segue.contract import Channel, ConfigurationError, Key, Outcome, Redemption, UnsupportedError, Voucher
from segue.contract.fake import Answer
from segue.contract.suite import MessageConnectorContract, OfferConnectorContract, send, voucher
from tests.connectors.mails import mail, sms
from tests.processes import CONTEXT


class Folder:
    """The provider's end of a connector that writes files: the folder itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def answer(self, *answers: Answer) -> None:
        if "unauthorised" in answers:
            self.path.write_text("in the way")

    def arrived(self) -> int:
        return sum(1 for path in self.path.rglob("*") if path.suffix in {".eml", ".txt"})

    kept = arrived

    def known(self) -> frozenset[str]:
        return frozenset(self._codes("codes.csv")) - frozenset(self._codes("withdrawn.csv"))

    def redeem(self, code: str, order_id: str, at: datetime) -> None:
        lines = f"code,order_id,redeemed_at\n{code},{order_id},{at.isoformat()}\n"
        (self.path / "redemptions.csv").write_text(lines)

    def _codes(self, name: str) -> list[str]:
        path = self.path / name
        return [row["code"] for row in rows_of(path)] if path.exists() else []


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class TestMail(MessageConnectorContract):
    answers: ClassVar[frozenset[Answer]] = frozenset({"ok", "unauthorised"})

    @pytest.fixture
    def wire(self, tmp_path: Path) -> Folder:
        return Folder(tmp_path / "out")

    @pytest.fixture
    def connector(self, wire: Folder) -> FilesConnector:
        return FilesConnector(folder=wire.path)

    def play(self, wire: Folder, *answers: Answer) -> None:  # type: ignore[override]
        if answers[0] == "ok" and len(answers) > 1:
            pytest.skip("a folder does not change its mind in the middle of a batch")
        super().play(wire, *answers)


class TestSms(TestMail):
    channel = Channel.SMS


class TestCodes(OfferConnectorContract):
    @pytest.fixture
    def till(self, tmp_path: Path) -> Folder:
        return Folder(tmp_path)

    @pytest.fixture
    def connector(self, till: Folder) -> FilesConnector:
        return FilesConnector(folder=str(till.path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def connector(folder: Path) -> Iterator[FilesConnector]:
    made = FilesConnector(folder=folder)
    yield made
    made.close()


def test_a_mail_is_a_file_that_mail_programs_open(connector: FilesConnector, folder: Path) -> None:
    """The whole mail and its HTML part, under a name made of the key."""
    message = mail(9, subject="[a] $5 #import {{ x }}", text="שלום 🧤")
    send(connector, [message])
    stem = stem_of(message.key)
    assert sorted(p.name for p in (folder / "email").iterdir()) == [f"{stem}.eml", f"{stem}.html"]
    read = message_from_bytes((folder / "email" / f"{stem}.eml").read_bytes(), policy=default)
    assert (read["To"], read["Subject"]) == ("reader.9@example.com", "[a] $5 #import {{ x }}")
    assert (folder / "email" / f"{stem}.html").read_text() == "<p>שלום 🧤</p>"
    assert stem.startswith("abandoned_cart_reminder_cart_9-")


def test_a_text_message_is_a_file_that_says_who_it_is_for(connector: FilesConnector, folder: Path) -> None:
    """The number, an empty line, the text and nothing after it."""
    send(connector, [sms(1, text="[a] $5 #import {{ x }} 🧤\n")])
    (path,) = (folder / "sms").iterdir()
    assert path.read_bytes().decode() == "To: +12025550101\n\n[a] $5 #import {{ x }} 🧤\n"


def test_the_first_words_of_a_key_stand(connector: FilesConnector, folder: Path) -> None:
    """A repeat is accepted, leaves nothing and changes nothing."""
    send(connector, [mail(1, text="first")])
    seen = send(connector, [mail(1, text="second")])
    assert (seen.count(), seen.left) == ({Outcome.ACCEPTED: 1}, [])
    (path,) = (folder / "email").glob("*.html")
    assert path.read_text() == "<p>first</p>"


@given(st.text(max_size=300), st.text(max_size=300))
def test_names_are_safe_and_different(one: str, other: str) -> None:
    """Any two keys, two names: also where letter case does not count, and never a path or a hidden file."""
    first, second = stem_of(Key(one)), stem_of(Key(other))
    assert (first.lower() == second.lower()) == (one == other)
    assert set(first) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert len(first) < 200


def test_a_write_cut_short_leaves_no_mail(
    connector: FilesConnector, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever dies between writing and naming the file leaves none that looks whole."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            list(connector.send([mail(1)], lambda _key: None))
    assert [p for p in (folder / "email").iterdir() if not p.name.startswith(".")] == []
    assert send(connector, [mail(1)]).count() == {Outcome.ACCEPTED: 1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_defers_codes_and_is_not_believed_full_for_good(connector: FilesConnector, folder: Path) -> None:
    """Nothing counts as known that is not on the disk."""
    folder.mkdir()
    (folder / "codes.csv").symlink_to("/dev/full")
    with pytest.raises(Exception, match=r"cannot write codes\.csv"):
        list(connector.publish([voucher(1)]))


def test_a_malformed_address_is_rejected_and_the_others_written(connector: FilesConnector) -> None:
    """As with a real provider, it is that message's fate."""
    seen = send(connector, [mail(1, address="a@example.com\r\nBcc: b@example.com"), mail(2)])
    assert [(r.outcome, r.reason) for r in seen.results] == [
        (Outcome.REJECTED, "address_malformed"),
        (Outcome.ACCEPTED, None),
    ]


def test_print_is_not_written(connector: FilesConnector, folder: Path) -> None:
    """Refused before anything is on the disk."""
    from segue.contract.suite import message

    assert isinstance(send(connector, [mail(1), message(1, Channel.PRINT)]).error, UnsupportedError)
    assert not folder.exists()


def test_ten_thousand_mails_take_seconds(connector: FilesConnector, folder: Path) -> None:
    """Generous for a busy machine; it takes about two."""
    began = time.perf_counter()
    for start in range(0, 10_000, 1000):
        send(connector, [mail(n) for n in range(start, start + 1000)])
    assert time.perf_counter() - began < 20
    assert sum(1 for _ in (folder / "email").glob("*.eml")) == 10_000


def test_a_code_is_a_line(connector: FilesConnector, folder: Path) -> None:
    """Money in minor units, times in UTC, and the key of the message that names the code."""
    list(connector.publish([voucher(1), voucher(2)]))
    amount, percent = rows_of(folder / "codes.csv")
    assert amount == {
        "code": "K7QM-0001",
        "percent": "",
        "amount_minor": "1500",
        "currency": "USD",
        "valid_from": "2026-05-14T15:00:00+00:00",
        "valid_until": "2026-05-16T15:00:00+00:00",
        "key": "contract/step/occasion:1",
    }
    assert (percent["percent"], percent["amount_minor"], percent["currency"]) == ("10", "", "")


def other(number: int, **changed: object) -> Voucher:
    """A voucher like `voucher(number)` but for what is given."""
    base = voucher(number)
    fields = {name: getattr(base, name) for name in Voucher.__slots__}
    return Voucher(**(fields | changed))  # type: ignore[arg-type]


def test_a_code_that_stands_for_something_else_is_rejected(connector: FilesConnector, folder: Path) -> None:
    """In the same call as in a later one, and by another instance too."""
    list(connector.publish([voucher(1)]))
    longer = other(1, valid_until=voucher(1).valid_until + timedelta(days=9))
    for publisher in (connector, FilesConnector(folder=folder)):
        assert [r.reason for r in publisher.publish([longer])] == ["code_taken"]
    twice = [voucher(2), other(2, key=Key("a/b/c:2"))]
    assert [r.reason for r in connector.publish(twice)] == [None, "code_taken"]
    assert len(rows_of(folder / "codes.csv")) == 2


def test_no_cell_is_a_formula(connector: FilesConnector, folder: Path) -> None:
    """A code cannot be disguised, so it is refused; other cells are."""
    results = list(connector.publish([other(1, code="=1+1"), other(2, key=Key("@SUM(A1)")), other(3, currency="+USD")]))
    assert [r.reason for r in results] == ["code_not_writable", None, None]
    with (folder / "codes.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    again = FilesConnector(folder=folder).publish([other(2, key=Key("@SUM(A1)"))])
    assert [r.outcome for r in again] == [Outcome.ACCEPTED]


@given(st.text(), st.text())
def test_guarding_is_reversible(one: str, two: str) -> None:
    """Two cells that differ, differ in the file."""
    assert unguarded(guarded(one)) == one
    assert (guarded(one) == guarded(two)) == (one == two)


def test_a_line_break_in_a_key_does_not_tear_a_line(connector: FilesConnector, folder: Path) -> None:
    """It is refused, since a torn line would spoil the next reader's file."""
    results = list(connector.publish([other(1, key=Key("a\nb")), voucher(2)]))
    assert [r.reason for r in results] == ["code_not_writable", None]
    assert len((folder / "codes.csv").read_text().splitlines()) == 2


def test_half_a_line_of_a_dead_writer_is_cut_off(connector: FilesConnector, folder: Path) -> None:
    """Its code never counted as known; the next code starts on a line of its own."""
    list(connector.publish([voucher(1)]))
    with (folder / "codes.csv").open("a") as file:
        file.write("K7QM-0002,10,,,2026-05-1")
    for publisher in (connector, FilesConnector(folder=folder)):
        assert [r.outcome for r in publisher.publish([voucher(2)])] == [Outcome.ACCEPTED]
    assert [row["code"] for row in rows_of(folder / "codes.csv")] == ["K7QM-0001", "K7QM-0002"]


def test_a_file_that_was_taken_away_is_begun_again(connector: FilesConnector, folder: Path) -> None:
    """Whoever empties the outbox gets a whole file the next time, header included."""
    list(connector.publish([voucher(1)]))
    (folder / "codes.csv").unlink()
    list(connector.publish([voucher(1), voucher(2)]))
    assert [row["code"] for row in rows_of(folder / "codes.csv")] == ["K7QM-0001", "K7QM-0002"]


def test_a_file_that_was_exchanged_is_read_anew(connector: FilesConnector, folder: Path) -> None:
    """A restored copy may be as long as the one we knew, and hold other codes."""
    list(connector.publish([voucher(1)]))
    path = folder / "codes.csv"
    restored = path.read_text().replace("K7QM-0001", "K7QM-0003")
    path.rename(folder / "codes.old")
    path.write_text(restored)
    list(connector.publish([voucher(1)]))
    assert [row["code"] for row in rows_of(path)] == ["K7QM-0003", "K7QM-0001"]


def _publish(folder: str, barrier: object) -> None:
    connector = FilesConnector(folder=folder)
    barrier.wait()  # type: ignore[attr-defined]
    for start in range(0, 60, 3):
        results = list(connector.publish([voucher(n) for n in range(start, start + 3)]))
        assert {r.outcome for r in results} == {Outcome.ACCEPTED}


def test_several_processes_write_one_file(folder: Path) -> None:
    """Four at once with the same codes: each code once, each line whole."""
    barrier = CONTEXT.Barrier(4)
    workers = [CONTEXT.Process(target=_publish, args=(str(folder), barrier)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    counted = Counter(row["code"] for row in rows_of(folder / "codes.csv"))
    assert counted == {voucher(n).code: 1 for n in range(60)}


def test_each_withdrawn_code_is_written_once(connector: FilesConnector, folder: Path) -> None:
    """One never published too, for somebody may still mean to; a formula never."""
    list(connector.publish([voucher(1)]))
    for _ in range(2):
        assert list(connector.withdraw(["K7QM-0001", "NEVER-SEEN", "=1+1"])) == ["K7QM-0001", "NEVER-SEEN"]
    assert rows_of(folder / "withdrawn.csv") == [{"code": "K7QM-0001"}, {"code": "NEVER-SEEN"}]


def test_redemptions_are_read_as_far_as_they_can_be(connector: FilesConnector, folder: Path) -> None:
    """Good lines count; bad ones are named by number, not by content; a line still being written is left for later."""
    folder.mkdir()
    (folder / "redemptions.csv").write_text(
        "code,order_id,redeemed_at,till\n"
        "A,order-1,2026-05-14T15:00:00+02:00,3\n"
        "B,order-2,yesterday,3\n"
        "C,order-3,2026-05-14T15:00:00,3\n"
        "D,order-4,2026-05-14T15:00:00Z,3\n"
        "E,order-5,2026-05-1"
    )
    seen: list[Redemption] = []
    with pytest.raises(ConfigurationError, match="line 3, 4;"):
        seen.extend(connector.redemptions())
    read = list(_until_error(connector))
    assert [(r.code, r.order_id) for r in read] == [("A", "order-1"), ("D", "order-4")]
    assert read[0].redeemed_at == datetime(2026, 5, 14, 13, tzinfo=UTC)


def _until_error(connector: FilesConnector) -> Iterator[Redemption]:
    try:
        yield from connector.redemptions()
    except ConfigurationError:
        return
