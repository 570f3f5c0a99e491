"""`make up`: the Prefect server and UI, all deployments and a worker on this machine, until Ctrl-C.

Standard library and `flows.processes` only: everything that needs Prefect runs in a child, whose environment is
settled here first. Offline: nothing on the internet is asked for or told anything.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from flows.processes import Child, child

ROOT = Path(__file__).resolve().parent.parent
FIRST_PORT = 4200
#: Flow runs at once: one is always dispatch_outbox, one the schedule's, one somebody's by hand.
RUNS_AT_ONCE = 3
_WORKER = ("--pool", "segue", "--type", "process", "--name", "this-machine", "--limit", str(RUNS_AT_ONCE))
#: Longest wait for the server, in seconds. An empty database takes about 20 of them on two busy cores.
SERVER_WAIT = 120.0

OFFLINE = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # The second UI reports each page view to an analytics service, whatever the settings above say (seen in 3.9.1).
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
}
#: Runs every five minutes add up; Prefect keeps them for ever unless told otherwise.
RETENTION = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(30 * 24 * 3600),
}
#: Seconds between the worker's looks for something to do. Whoever has just pressed Submit waits for it.
PROMPT = {"PREFECT_WORKER_QUERY_SECONDS": "2"}
#: Set by people who also use another Prefect; here they would lead our runs elsewhere.
FOREIGN = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE", "PREFECT_API_URL")


_VERBS = ("created", "updated", "unchanged")
_NOTICES = "notices: "


class UpError(Exception):
    """The site could not start; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is up: where to look and what runs."""

    url: str
    deployments: tuple[str, ...]
    #: Who is told when a run fails, in a sentence.
    notices: str
    server: Child
    worker: Child
    env: Mapping[str, str]

    def watch(self) -> None:
        """Wait until the server or the worker ends, which neither should; raises UpError with its last words."""
        while True:
            for each in (self.server, self.worker):
                if each.ended is not None:
                    raise UpError(f"The {each.name} ended (exit code {each.ended}):\n{each.last_words()}")
            time.sleep(0.5)


@contextmanager
def site(
    *,
    root: Path = ROOT,
    home: Path | None = None,
    port: int | None = None,
    reset: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Run server, deployments and worker until the block ends.

    `home` holds Prefect's database, storage and logs (default: PREFECT_HOME, else `.prefect` in the project).
    `port` must be free; without it the first free one from 4200 is taken. `settings` are environment variables
    (`SEGUE_HOME` ...) for every flow run, over those of this process. Raises UpError.
    """
    home = (home or Path(os.environ.get("PREFECT_HOME") or root / ".prefect")).absolute()
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lock = stack.enter_context(only_one(home))
        port = port or free_port()
        url = f"http://127.0.0.1:{port}"
        env = {**environment(root=root, home=home, url=url), **(settings or {})}
        python = [sys.executable, "-m"]
        server = stack.enter_context(
            child(
                "Prefect server",
                [*python, "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
                cwd=root,
                env=env,
                log=logs / "server.log",
                keep=[lock],
            )
        )
        wait_for(server, f"{url}/api/health")
        deployments, notices = _prepare(root=root, env=env, log=logs / "prepare.log", reset=reset)
        worker = stack.enter_context(
            child(
                "Prefect worker",
                [*python, "prefect", "worker", "start", *_WORKER],
                cwd=root,
                env=env,
                log=logs / "worker.log",
                keep=[lock],
            )
        )
        yield Site(url=url, deployments=deployments, notices=notices, server=server, worker=worker, env=env)


def environment(*, root: Path, home: Path, url: str) -> dict[str, str]:
    """The environment of every child: ours, less what belongs to another Prefect, and offline."""
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {
        **RETENTION,
        **PROMPT,
        **inherited,
        **OFFLINE,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_UI_API_URL": f"{url}/api",
        "PREFECT_UI_URL": url,
        "PWD": str(root),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def only_one(home: Path) -> Iterator[int]:
    """Hold the folder's lock, so that no two servers share a database; yields the descriptor.

    Children inherit it: should we be killed while they live on, the folder stays locked until they end.
    """
    with (home / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UpError(
                f"Segue is already up in {home}: {lock.read().strip() or 'starting'}. "
                "End that one first (Ctrl-C where it runs, or kill the process)."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        yield lock.fileno()


def free_port(first: int = FIRST_PORT, tries: int = 100) -> int:
    """Return the first port from `first` that nobody on this machine listens on."""
    for port in range(first, first + tries):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise UpError(f"No free port between {first} and {first + tries - 1}; end what listens there or give --port.")


def wait_for(server: Child, address: str, seconds: float = SERVER_WAIT) -> None:
    """Return once `address` answers 200; raises UpError when the server ends or takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.ended is not None:
            raise UpError(f"The {server.name} ended at once (exit code {server.ended}):\n{server.last_words()}")
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - http, our own server
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise UpError(f"The {server.name} did not answer within {seconds:.0f} s; see {server.log}.")


def _prepare(*, root: Path, env: Mapping[str, str], log: Path, reset: bool) -> tuple[tuple[str, ...], str]:
    """Install the store and sync deployments and automations, in a child that sees the settled environment."""
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "flows.prepare", *(["--reset"] if reset else [])]
    with child("preparation", command, cwd=root, env=env, log=log) as running:
        if running.process.wait():
            raise UpError(f"The preparation failed:\n{running.last_words(40)}")
    lines = log.read_text().splitlines()
    notices = next((line.removeprefix(_NOTICES) for line in lines if line.startswith(_NOTICES)), "")
    return tuple(line for line in lines if line.endswith(_VERBS)), notices


def main(arguments: list[str] | None = None) -> int:
    """Start, say where to look, wait for Ctrl-C or SIGTERM, end everything."""
    parser = argparse.ArgumentParser(prog="segue up", description="Run Segue on this machine until Ctrl-C.")
    parser.add_argument("--port", type=int, help=f"port of the UI (default: the first free one from {FIRST_PORT})")
    parser.add_argument(
        "--reset", action="store_true", help="go back to prefect.yaml: schedules, defaults and pauses set in the UI go"
    )
    parser.add_argument("--home", type=Path, help="work on another Segue home, e.g. the demo's out/home")
    parser.add_argument("--now", help="stand the clock at this instant, e.g. 2026-05-31T20:00:00Z: rehearsals only")
    options = parser.parse_args(arguments)
    chosen = {"SEGUE_HOME": str(options.home.absolute()), "SEGUE_DATABASE_URL": ""} if options.home else {}
    chosen |= {"SEGUE_VIRTUAL_NOW": options.now} if options.now else {}
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        _say("Starting Segue: server, deployments, worker. The first time takes about half a minute.")
        with site(port=options.port, reset=options.reset, settings=chosen) as up:
            _say(banner(up))
            up.watch()
    except KeyboardInterrupt:
        _say("Segue has ended. Whatever was on its way is in the outbox and goes on with the next start.")
        return 0
    except UpError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's last word
        return 1
    return 0


def banner(up: Site) -> str:
    """What a person wants to know once it runs."""
    deployments = "\n".join(f"    {line}" for line in up.deployments)
    return f"""
  Segue is up:  {up.url}/deployments

{deployments}

  {up.notices}.

  Try this: open abandoned-cart, choose Run, Custom run, leave the form as it is and submit.
  The run's Artifacts tab shows who would get a message, who would not, and why.
  Nothing in the shop yet? import-shop reads your own. Or look at the sample shop, after `make demo`:
    segue up -- --home out/home --now 2026-05-31T20:00:00Z

  Logs: {up.server.log.parent}
  Ctrl-C ends everything.
"""


def _stop(_number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not cut the tidy end short, or flow runs would be left behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this command talks to a person


if __name__ == "__main__":
    sys.exit(main())
