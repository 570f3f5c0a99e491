"""What `make up` promises without a server: one at a time, a free port, nothing left behind, nobody else's Prefect."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.processes import child, descendants
from flows.up import OFFLINE, UpError, environment, free_port, main, only_one, wait_for

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
#: A child whose own child is in a session of its own and deaf to SIGTERM, like a worker's flow run that hangs.
STUBBORN = """
import subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
inner = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True, stdout=subprocess.PIPE)
inner.stdout.readline()
print("ready", flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_a_port_that_is_taken_is_stepped_over() -> None:
    """Somebody else's server keeps its port and we find the next one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) > port


def test_a_folder_is_up_once(tmp_path: Path) -> None:
    """Two servers on one database would both run every schedule; the second is told who was first."""
    with only_one(tmp_path), pytest.raises(UpError, match=rf"already up .*process {os.getpid()}"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_folder_stays_locked_while_a_child_lives_on(tmp_path: Path) -> None:
    """Killed without a chance to tidy up, we leave a server behind: the lock is its, too."""
    with child("sleeper", SLEEP, cwd=tmp_path, env=os.environ, log=tmp_path / "log") as free:
        with only_one(tmp_path) as lock:
            orphan = subprocess.Popen(SLEEP, pass_fds=[lock])
        try:
            with pytest.raises(UpError, match="already up"), only_one(tmp_path):
                pass
        finally:
            orphan.kill()
            orphan.wait()
        assert free.ended is None
        with only_one(tmp_path):
            pass


def test_children_end_with_all_that_they_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow run lives in its own session below the worker, and may not want to go."""
    monkeypatch.setattr("flows.processes.GRACE", 0.5)
    log = tmp_path / "log"
    with child("worker", [sys.executable, "-c", STUBBORN], cwd=tmp_path, env=os.environ, log=log) as running:
        while "ready" not in log.read_text():
            time.sleep(0.05)
        family = [running.process.pid, *descendants(running.process.pid)]
        assert len(family) == 2
    deadline = time.monotonic() + 5
    while any(map(alive, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in family if alive(pid)]


def test_a_server_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    """No waiting for two minutes, and its last words say why."""
    broken = [sys.executable, "-c", "print('port is on fire'); raise SystemExit(3)"]
    with (
        child("Prefect server", broken, cwd=tmp_path, env=os.environ, log=tmp_path / "log") as server,
        pytest.raises(UpError, match=r"exit code 3(.|\n)*port is on fire"),
    ):
        wait_for(server, "http://127.0.0.1:9/api/health")


def test_another_prefect_does_not_get_our_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or address from somebody's shell is dropped, telemetry is off, and our own settings pass."""
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_0")
    monkeypatch.setenv("PREFECT_API_URL", "https://api.example.com")
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    monkeypatch.setenv("SEGUE_HOME", "elsewhere")
    env = environment(root=tmp_path, home=tmp_path, url="http://127.0.0.1:4300")
    assert "PREFECT_API_KEY" not in env
    assert env["PREFECT_API_URL"] == "http://127.0.0.1:4300/api"
    assert OFFLINE.items() <= env.items()
    assert env["SEGUE_HOME"] == "elsewhere"


def test_the_command_says_why_it_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and exit code 1, no traceback."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    try:
        with only_one(tmp_path):
            (tmp_path / "logs").mkdir()
            assert main([]) == 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert "already up" in capsys.readouterr().err
