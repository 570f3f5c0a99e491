"""Child processes that end when we say so, and leave nothing behind.

Standard library only: this runs before Prefect is imported, since Prefect reads its environment at import.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

#: How long a child may take to end by itself before it is killed, in seconds.
GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Child:
    """A running process with a name for people and a log file of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.process.poll()

    def last_words(self, lines: int = 15) -> str:
        """The end of its log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@contextmanager
def child(
    name: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, keep: Sequence[int] = ()
) -> Iterator[Child]:
    """Run `command` until the block ends; then it and all that it started are ended, kindly first.

    A session of its own keeps Ctrl-C in the terminal from reaching it before we have decided the order. `keep`
    are file descriptors the child inherits.
    """
    with log.open("ab") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            list(command),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep,
        )
    try:
        yield Child(name, process, log)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its descendants: asked first, killed after `GRACE` seconds.

    Flow runs live in sessions of their own below the worker, so a signal to the worker's group would miss them,
    and the worker waits for them to finish; that is why each descendant is asked by itself.
    """
    family = [process.pid, *descendants(process.pid)]
    for pid in family:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and (process.poll() is None or any(_alive(pid) for pid in family[1:])):
        time.sleep(0.1)
    for pid in {*family, *descendants(process.pid)}:
        _signal(pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, nearest first; POSIX `ps` knows them on Linux and macOS alike."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True)  # noqa: S607
    children: dict[int, list[int]] = {}
    for line in listing.stdout.splitlines():
        own, parent = line.split()
        children.setdefault(int(parent), []).append(int(own))
    found = list(children.get(pid, []))
    for each in found:  # grows while it is walked
        found.extend(children.get(each, []))
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
