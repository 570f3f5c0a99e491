"""A worker's own diary of what left and what was answered, for the day it is killed.

Between the mark in the database and the recorded answer lies the provider call. The journal notes each
key just before its bytes leave and each answer as it comes, with one plain write each: it survives the kill
of the process (not of the machine). The file is locked for as long as the worker lives, so whoever takes
its buckets over can tell a dead worker from a slow one.

Lines are `L key` and `A key outcome provider_id reason`, tab-separated; keys and words only, nobody's address.
"""

from __future__ import annotations

import fcntl
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

from segue.contract import Key, Outcome, Result

_ANSWERED, _LEFT = "A", "L"


class Journal:
    """The open diary of this worker."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._path = folder / f"{self.worker}.journal"
        self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def leaving(self, key: Key) -> None:
        """Note that the bytes of `key` are about to leave."""
        os.write(self._file, f"{_LEFT}\t{key}\n".encode())

    def answered(self, result: Result) -> None:
        """Note the provider's answer."""
        line = f"{_ANSWERED}\t{result.key}\t{result.outcome}\t{result.provider_id or ''}\t{result.reason or ''}\n"
        if line.count("\t") != 4 or line.count("\n") != 1:  # a provider's id with more in it than an id
            words = (_ANSWERED, result.key, result.outcome, result.provider_id or "", result.reason or "")
            line = "\t".join(word.replace("\t", " ").replace("\n", " ") for word in words) + "\n"
        os.write(self._file, line.encode())

    def clear(self) -> None:
        """Forget a window whose answers are all recorded in the database."""
        os.ftruncate(self._file, 0)

    def close(self, *, keep: bool) -> None:
        """End the diary; `keep` it if something in it is not recorded yet. Safe to call twice."""
        if self._file < 0:
            return
        os.close(self._file)
        self._file = -1
        if not keep:
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """What a dead worker wrote."""

    left: frozenset[Key]
    answers: dict[Key, Result]


def read_if_dead(folder: Path, worker: str) -> Diary | None:
    """Return the diary of `worker` if it is certainly dead; None if it lives, ran elsewhere, or left no diary."""
    try:
        file = os.open(folder / f"{worker}.journal", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with os.fdopen(os.dup(file), encoding="utf-8") as lines:
            return _parse(lines.read())
    except BlockingIOError:
        return None
    finally:
        os.close(file)


def discard(folder: Path, worker: str) -> None:
    """Remove the diary of a dead worker none of whose messages are open any more."""
    (folder / f"{worker}.journal").unlink(missing_ok=True)


def _parse(text: str) -> Diary:
    left: set[Key] = set()
    answers: dict[Key, Result] = {}
    for line in text.split("\n")[:-1]:  # a line without its end was cut by the kill
        kind, _, rest = line.partition("\t")
        if kind == _LEFT:
            left.add(Key(rest))
        elif kind == _ANSWERED:
            key, outcome, provider_id, reason = rest.split("\t")
            answers[Key(key)] = Result(
                key=Key(key), outcome=Outcome(outcome), provider_id=provider_id or None, reason=reason or None
            )
    return Diary(left=frozenset(left), answers=answers)
