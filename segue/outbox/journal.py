"""A worker's own diary of what left and what was answered, for the day it is killed.

Between the mark in the database and the recorded answer lies the provider call. The journal notes each
key just before its bytes leave and each answer as it comes, with one plain write each. That survives the kill
of the process, but not the machine's: nothing forces it to the disk, as the database is forced. So the first line
names the kernel's boot, and after a reboot (or on another host, or where boots have no name) a diary tells
nothing: all that its worker marked is uncertain.

The file is locked for as long as the worker lives, so whoever takes its buckets over can tell a dead worker
from a slow one.

Lines are `B boot`, `L key` and `A key outcome provider_id reason`, tab-separated; keys and words only, nobody's
address.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

from segue.contract import Key, Outcome, Result

_ANSWERED, _BOOT, _LEFT = "A", "B", "L"
#: Where the kernel names its boot; only Linux does.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: What somebody would take for the end of a line or of a field, or what is no character at all.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Journal:
    """The open diary of this worker."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._path = folder / f"{self.worker}.journal"
        self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._is_kept = False
        self._head = os.write(self._file, f"{_BOOT}\t{_boot()}\n".encode())

    def leaving(self, key: Key) -> None:
        """Note that the bytes of `key` are about to leave."""
        os.write(self._file, f"{_LEFT}\t{_clean(key)}\n".encode())

    def answered(self, result: Result) -> None:
        """Note the provider's answer."""
        words = (result.key, result.outcome.value, result.provider_id or "", result.reason or "")
        line = "\t".join((_ANSWERED, *map(_clean, words)))
        os.write(self._file, f"{line}\n".encode())

    def clear(self) -> None:
        """Forget a window whose answers are all recorded in the database; the boot stays noted."""
        if not self._is_kept:
            os.ftruncate(self._file, self._head)

    def keep(self) -> None:
        """From here on forget nothing: something went wrong before it was recorded."""
        self._is_kept = True

    def close(self, *, keep: bool) -> None:
        """End the diary; `keep` it if something in it is not recorded yet. Safe to call twice."""
        if self._file < 0:
            return
        os.close(self._file)
        self._file = -1
        if not (keep or self._is_kept):
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """What a dead worker wrote."""

    left: frozenset[Key]
    answers: dict[Key, Result]

    def has_left(self, key: Key) -> bool:
        """Whether the bytes of `key` may have left."""
        return _clean(key) in self.left

    def answer(self, key: Key) -> Result | None:
        """The provider's answer to `key`, if there was one."""
        return self.answers.get(Key(_clean(key)))


def read_if_dead(folder: Path, worker: str) -> Diary | None:
    """Return the diary of `worker` if it is certainly dead and its diary certainly whole.

    None if it lives, ran on another host or before a reboot, left no diary or one that makes no sense.
    """
    try:
        file = os.open(folder / f"{worker}.journal", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        # Shared: the living writer shuts us out, but another reader does not, nor is she taken for the writer.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        with os.fdopen(os.dup(file), encoding="utf-8", newline="\n") as lines:
            return _parse(lines.read())
    except (BlockingIOError, ValueError):
        return None
    finally:
        os.close(file)


def discard(folder: Path, worker: str) -> None:
    """Remove the diary of a dead worker none of whose messages are open any more."""
    (folder / f"{worker}.journal").unlink(missing_ok=True)


def _boot() -> str:
    """The kernel's name for the time since it started; empty where it gives none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _clean(word: str) -> str:
    """`word` with a space for each character that would break its line."""
    return word if word.isascii() and word.isprintable() else _CONTROL.sub(" ", word)


def _parse(text: str) -> Diary | None:
    """Read a diary of this boot; None for one of another. Raises ValueError where a line is malformed."""
    head, *lines = text.split("\n")[:-1] or [""]  # a line without its end was cut by the kill
    boot = _boot()
    if not boot or head != f"{_BOOT}\t{boot}":
        return None
    left: set[Key] = set()
    answers: dict[Key, Result] = {}
    for line in lines:
        kind, *words = line.split("\t")
        if kind == _LEFT:
            (key,) = words
            left.add(Key(key))
        elif kind == _ANSWERED:
            key, outcome, provider_id, reason = words
            answers[Key(key)] = Result(
                key=Key(key), outcome=Outcome(outcome), provider_id=provider_id or None, reason=reason or None
            )
        else:
            raise ValueError("a line of an unknown kind")
    return Diary(left=frozenset(left), answers=answers)
