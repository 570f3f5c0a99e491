"""The diary: what a killed worker wrote, and whether it is certainly dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.contract import Key, accepted, rejected
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


def test_without_a_diary_nobody_is_known_to_be_dead(tmp_path: Path) -> None:
    assert read_if_dead(tmp_path, "another-host-1-abc") is None


def test_a_worker_that_ends_well_leaves_no_file(tmp_path: Path) -> None:
    Journal(tmp_path).close(keep=False)
    assert list(tmp_path.iterdir()) == []
