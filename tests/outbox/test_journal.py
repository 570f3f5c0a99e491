"""The diary: what a killed worker wrote, and whether it is certainly dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.contract import Key, accepted, rejected
from segue.outbox import journal as diaries
from segue.outbox.journal import Journal, discard, read_if_dead

A, B, C = Key("j/s/a"), Key("j/s/b"), Key("j/s/c")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    one = Journal(tmp_path)
    yield one
    discard(tmp_path, one.worker)


def test_what_was_written_is_read_once_the_worker_is_dead(journal: Journal, tmp_path: Path) -> None:
    journal.leaving(A)
    journal.leaving(B)
    journal.answered(accepted(A, "provider\t1\n"))
    journal.answered(rejected(C, "mailbox_unknown"))
    assert read_if_dead(tmp_path, journal.worker) is None, "it lives and holds its lock"
    journal.close(keep=True)
    diary = read_if_dead(tmp_path, journal.worker)
    assert diary is not None
    assert diary.left == {A, B}
    assert diary.answers == {A: accepted(A, "provider 1 "), C: rejected(C, "mailbox_unknown")}


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_last_line_cut_by_the_kill_is_no_answer(journal: Journal, tmp_path: Path, cut: int) -> None:
    journal.leaving(A)
    journal.answered(accepted(A, "provider-1"))
    journal.close(keep=True)
    file = tmp_path / f"{journal.worker}.journal"
    file.write_bytes(file.read_bytes()[:-cut])
    diary = read_if_dead(tmp_path, journal.worker)
    assert diary is not None
    assert diary.left == {A}
    assert diary.answers == {}


def test_a_cleared_window_is_forgotten(journal: Journal, tmp_path: Path) -> None:
    journal.leaving(A)
    journal.clear()
    journal.leaving(B)
    journal.close(keep=True)
    diary = read_if_dead(tmp_path, journal.worker)
    assert diary is not None
    assert diary.left == {B}


@pytest.mark.parametrize("now", ["another boot\n", "", None])
@pytest.mark.parametrize("cleared", [False, True])
def test_after_a_reboot_nothing_is_known(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: str | None, *, cleared: bool
) -> None:
    """What was in the file may have been lost with the power; the database was forced to the disk, it was not."""
    if cleared:
        journal.clear()
    journal.leaving(A)
    journal.close(keep=True)
    boot = tmp_path / "boot_id"
    if now is not None:
        boot.write_text(now)
    monkeypatch.setattr(diaries, "_BOOT_ID", boot)
    assert read_if_dead(tmp_path, journal.worker) is None


def test_where_boots_have_no_name_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two empty names are no proof of one boot."""
    monkeypatch.setattr(diaries, "_BOOT_ID", tmp_path / "none")
    nameless = Journal(tmp_path)
    nameless.leaving(A)
    nameless.close(keep=True)
    assert read_if_dead(tmp_path, nameless.worker) is None


@pytest.mark.parametrize("content", [b"", b"B", b"L\tj/s/a\n"])
def test_a_diary_that_lost_its_boot_tells_nothing(journal: Journal, tmp_path: Path, content: bytes) -> None:
    journal.close(keep=True)
    (tmp_path / f"{journal.worker}.journal").write_bytes(content)
    assert read_if_dead(tmp_path, journal.worker) is None


@pytest.mark.parametrize("line", [b"A\tj/s/a\taccepted\n", b"A\tj/s/a\tperhaps\t\t\n", b"L\n", b"\xff\n", b"\n"])
def test_a_diary_that_makes_no_sense_tells_nothing(journal: Journal, tmp_path: Path, line: bytes) -> None:
    """It raises nothing either: else nobody could ever take the bucket over."""
    journal.leaving(A)
    journal.close(keep=True)
    file = tmp_path / f"{journal.worker}.journal"
    file.write_bytes(file.read_bytes() + line)
    assert read_if_dead(tmp_path, journal.worker) is None


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n", "\t", "\x0b", "\x1c", "\x85", "\u2028", "\x00", "\ud800"])
def test_whatever_a_provider_calls_it_the_answer_is_read_back(journal: Journal, tmp_path: Path, end: str) -> None:
    odd = Key(f"j/s/odd{end}one")
    journal.leaving(odd)
    journal.answered(rejected(odd, f"mailbox{end}unknown"))
    journal.answered(accepted(B, f"p{end}L\tj/s/c{end}"))
    journal.close(keep=True)
    diary = read_if_dead(tmp_path, journal.worker)
    assert diary is not None
    assert diary.has_left(odd)
    assert not diary.has_left(C)
    space = " " * len(end)
    answer = diary.answer(odd)
    assert answer is not None
    assert answer.reason == f"mailbox{space}unknown"
    assert diary.answers[B].provider_id == f"p{space}L j/s/c{space}"


def test_only_a_line_feed_ends_a_line(journal: Journal, tmp_path: Path) -> None:
    journal.close(keep=True)
    file = tmp_path / f"{journal.worker}.journal"
    file.write_bytes(file.read_bytes() + b"A\tj/s/a\taccepted\tp\r1\t\n")
    diary = read_if_dead(tmp_path, journal.worker)
    assert diary is not None
    assert diary.answers[A].provider_id == "p\r1"


def test_who_reads_a_diary_is_not_taken_for_its_writer(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers take over buckets of one dead worker at once; both are told what it wrote."""
    journal.leaving(A)
    journal.close(keep=True)
    told = []

    def meanwhile(text: str) -> diaries.Diary | None:
        monkeypatch.undo()
        told.append(read_if_dead(tmp_path, journal.worker))
        return parse(text)

    parse = diaries._parse
    monkeypatch.setattr(diaries, "_parse", meanwhile)
    first = read_if_dead(tmp_path, journal.worker)
    assert told == [first]
    assert first is not None


def test_without_a_diary_nobody_is_known_to_be_dead(tmp_path: Path) -> None:
    assert read_if_dead(tmp_path, "another-host-1-abc") is None


def test_a_worker_that_ends_well_leaves_no_file(tmp_path: Path) -> None:
    Journal(tmp_path).close(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_after_an_error_nothing_is_forgotten(tmp_path: Path) -> None:
    """What left before the error may be unrecorded; a later window must not wipe it, nor may the end."""
    journal = Journal(tmp_path)
    journal.leaving(Key("a/b/1"))
    journal.keep()
    journal.leaving(Key("a/b/2"))
    journal.clear()
    journal.close(keep=False)
    diary = read_if_dead(tmp_path, journal.worker)
    assert diary is not None
    assert diary.has_left(Key("a/b/1"))
    assert diary.has_left(Key("a/b/2"))
