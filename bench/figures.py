"""What a bench says: figures with their limits, printed as a table and kept as JSON."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure."""

    name: str
    value: float
    unit: str
    #: What it must reach: at least this where more is better, at most this where less is.
    limit: float | None = None
    more_is_better: bool = True
    #: What it was made of: counts, seconds, rates.
    parts: Mapping[str, Any]

    @property
    def wanted(self) -> str:
        """The limit in words."""
        if self.limit is None:
            return ""
        return f"at {'least' if self.more_is_better else 'most'} {self.limit:g}"

    @property
    def met(self) -> bool:
        """Whether the limit is reached; a figure without one always is."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.more_is_better else self.value <= self.limit


Measure = Callable[[argparse.Namespace], Sequence[Figure]]


def run(doc: str | None, measure: Measure, options: Mapping[str, Mapping[str, Any]]) -> None:
    """The command line of one part: read options, measure, print, and keep JSON where asked.

    `options` are arguments of `add_argument` by flag; `--rounds` and `--json` are always there.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, settings in options.items():
        parser.add_argument(flag, **settings)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the best counts (default 3)")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    given = parser.parse_args()
    figures = measure(given)
    print(table(figures))
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", "utf-8")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, with what the ratios were made of."""
    lines = ["| figure | measured | wanted | made of |", "|---|---:|---|---|"]
    for figure in figures:
        made_of = ", ".join(f"{name} {_short(value)}" for name, value in figure.parts.items())
        wanted = figure.wanted if figure.met else f"{figure.wanted} (missed)"
        lines.append(f"| {figure.name} | {_short(figure.value)} {figure.unit} | {wanted} | {made_of} |")
    return "\n".join(lines)


def best(rounds: int, racers: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Let `racers` run in turn, `rounds` times; each returns its seconds, and its fewest count.

    Whatever else the machine does slows baseline and subject alike, since they take turns within one run.
    """
    times: dict[str, list[float]] = {name: [] for name in racers}
    for _ in range(rounds):
        for name, racer in racers.items():
            times[name].append(racer())
    return {name: min(seconds) for name, seconds in times.items()}


def pin(core: int) -> None:
    """Keep this process on one core where the system can and there is more than one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[core % len(cores)]})


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
