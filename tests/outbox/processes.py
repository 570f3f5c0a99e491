"""Starting workers as processes, and reading what the recorder wrote."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.processes import CONTEXT


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it reached the recorder."""

    key: str
    code: str
    until: str


def start(verb: Callable[..., None], *orders: Any) -> ForkServerProcess:
    """Start `verb(*orders)` in a process of its own."""
    process = CONTEXT.Process(target=verb, args=orders)
    process.start()
    return process


def finish(process: ForkServerProcess, *, seconds: float = 60) -> int:
    """Wait for a process; return its exit code, which is minus the signal that killed it."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"a worker was still busy after {seconds} s")
    code = process.exitcode
    process.close()
    return code


def wait_until_stopped(process: ForkServerProcess, *, seconds: float = 30) -> None:
    """Wait until the process has stopped itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # The state follows the name, which is in parentheses.
        if Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0] == "T":
            return
        time.sleep(0.01)
    raise AssertionError("the worker did not stop")


def go_on(process: ForkServerProcess) -> None:
    """Wake a stopped process."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)


def wait_until_written(port: int, record: Path) -> None:
    """Wait until the recorder has written all that dead workers sent it."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as asking:
        asking.sendall(f"? {record}\n".encode())
        assert asking.recv(16) == b"OK\n"


def deliveries(record: Path) -> list[Delivery]:
    """What reached the recorder, in order."""
    return [Delivery(*line.split("\t")) for line in record.read_text().splitlines()] if record.exists() else []


def keys(record: Path) -> Counter[str]:
    """How often each key reached the recorder."""
    return Counter(one.key for one in deliveries(record))
