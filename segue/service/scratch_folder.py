"""Where a rehearsal keeps its copy of the customers' data: in the home, closed to others, and not after its end.

A process that is killed cannot clear up. The next rehearsal does: a folder whose lock can be had is nobody's any more.
"""

from __future__ import annotations

import fcntl
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

_FOLDER: Final = "rehearsals"
_LOCK: Final = "lock"


@contextmanager
def scratch_folder(home: Path) -> Iterator[Path]:
    """Make a folder for one rehearsal, and remove it at the end, also where the process is asked to end (SIGTERM)."""
    root = home.absolute() / _FOLDER
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (root / _LOCK).open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # one at a time sweeps, and makes a folder with its lock
        _sweep(root)
        folder = Path(tempfile.mkdtemp(dir=root))  # mode 0700
        lock = (folder / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with lock, _ended_in_order():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path) -> None:
    """Remove what dead rehearsals left."""
    for folder in root.iterdir():
        if folder.is_dir() and not _is_held(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM unwind what is under way, where nobody else has a say about it."""
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if mine:
        signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
