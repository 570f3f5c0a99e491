"""Memory and growth: ten times the people in one send must not need ten times the room, nor longer for each.

    python -m bench.memory [--people 10000] [--times 10]

Each send runs in a fresh process that finds its database filled; what is told is that process's highest resident
memory, and its seconds a message from the promise to the last recorded answer. The mails are built and dropped.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.carts import fill_carts
from bench.figures import Figure, best, pin, run
from bench.whole import MimeConnector, send_everything
from segue.store.engine import open_engine

_CHILD = "import sys; from bench.memory import child; child(*sys.argv[1:])"


def measure(options: argparse.Namespace) -> list[Figure]:
    """Two ratios of the large send to the small one: peak memory, and seconds a message."""
    pin(0)
    sizes = {"small": options.people, "large": options.people * options.times}
    peaks: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, people in sizes.items():
            engine = open_engine(f"sqlite:///{folder}/{name}.db")
            fill_carts(engine, people)
            engine.dispose()

        def send(name: str) -> float:
            done = subprocess.run(
                [sys.executable, "-c", _CHILD, f"{folder}/{name}.db", f"{folder}/home", str(sizes[name])],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            seen = json.loads(done.stdout)
            peaks[name] = min(peaks.get(name, seen["peak_kib"]), seen["peak_kib"])
            return float(seen["seconds"])

        seconds = best(options.rounds, {"small": lambda: send("small"), "large": lambda: send("large")})
    each = {name: seconds[name] / people * 1e6 for name, people in sizes.items()}
    sent = {"small": sizes["small"], "large": sizes["large"]}
    return [
        Figure(
            name="memory",
            value=round(peaks["large"] / peaks["small"], 3),
            unit="times the small send's",
            limit=1.3,
            more_is_better=False,
            parts=sent | {"small MiB": peaks["small"] // 1024, "large MiB": peaks["large"] // 1024},
        ),
        Figure(
            name="growth",
            value=round(each["large"] / each["small"], 3),
            unit="times the small send's",
            limit=1.2,
            more_is_better=False,
            parts=sent | {"small us": round(each["small"]), "large us": round(each["large"])},
        ),
    ]


def child(filled: str, home: str, people: str) -> None:
    """Send once and print seconds and the peak."""
    seconds, accepted = send_everything(Path(filled), Path(home), MimeConnector(), percent=0)
    if accepted != int(people):
        raise SystemExit(f"of {people} messages {accepted} were accepted")
    print(json.dumps({"seconds": seconds, "peak_kib": peak_kib()}))


def peak_kib() -> int:
    """The highest resident memory of this process so far, in KiB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent's memory from before the exec
        for line in status.read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


if __name__ == "__main__":
    run(
        __doc__,
        measure,
        {
            "--people": {"type": int, "default": 10_000, "help": "people in the small send (default 10000)"},
            "--times": {"type": int, "default": 10, "help": "how many times more in the large one (default 10)"},
        },
    )
