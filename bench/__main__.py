"""Measure everything the README quotes: `make bench`, or `python -m bench [--quick] [--only send memory]`.

Each part runs in a process of its own, one after the other, and can be run alone: `python -m bench.send --help`.
Prints one table, and writes `bench/results.json` and the table in `bench/README.md` from it unless told not to.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.figures import Figure, table

_HERE = Path(__file__).parent
PARTS = ("ledger", "send", "selection", "memory", "intake", "cards", "http")
#: Small enough for a look in about a minute; the ratios are rough.
_QUICK = {
    "ledger": ("--people", "2000", "--rounds", "1"),
    "send": ("--people", "1000", "--rounds", "1"),
    "selection": ("--carts", "20000", "--due", "1000", "--rounds", "1"),
    "memory": ("--people", "1000", "--times", "3", "--rounds", "1"),
    "intake": ("--rows", "2000", "--rounds", "1"),
    "cards": ("--cards", "100", "--rounds", "1"),
    "http": ("--people", "2000", "--rounds", "1"),
}
_TABLE = re.compile(r"(?<=<!-- results -->\n).*(?=<!-- end of results -->)", re.DOTALL)


def main() -> None:
    """Run the parts, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts; the others keep theirs")
    parser.add_argument("--quick", action="store_true", help="small and rough, and nothing is written")
    options = parser.parse_args()
    kept: dict[str, Any] = {}
    results = _HERE / "results.json"
    if results.exists() and not options.quick:
        kept = json.loads(results.read_text("utf-8"))["parts"]
    for part in options.only:
        load = os.getloadavg()[0]
        print(f"{part} ...", file=sys.stderr, flush=True)
        kept[part] = {"load_before": round(load, 1), "figures": _figures(part, _QUICK[part] if options.quick else ())}
        if not options.quick:  # after each part, so that a later one's failure loses nothing
            results.write_text(json.dumps({"machine": _machine(), "parts": kept}, indent=2) + "\n", "utf-8")
    figures = [Figure(**one) for part in PARTS if part in kept for one in kept[part]["figures"]]
    print(table(figures))
    if options.quick:
        return
    readme = _HERE / "README.md"
    text = readme.read_text("utf-8")
    said = f"{_machine_line(_machine(), kept)}\n\n{table(figures)}\n"
    readme.write_text(_TABLE.sub(lambda _: said, text), "utf-8")


def _figures(part: str, arguments: tuple[str, ...]) -> list[dict[str, Any]]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, "-W", "ignore", "-m", f"bench.{part}", "--json", file.name, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        figures: list[dict[str, Any]] = json.loads(Path(file.name).read_text("utf-8"))
        return figures


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.system(),
    }


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    if file.exists():
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _machine_line(machine: dict[str, Any], parts: dict[str, Any]) -> str:
    loads = [part["load_before"] for part in parts.values()]
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['system']}, Python {machine['python']}, "
        f"SQLite {machine['sqlite']}; load before the parts {min(loads)} to {max(loads)}."
    )


if __name__ == "__main__":
    main()
