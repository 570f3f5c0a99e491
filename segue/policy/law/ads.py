"""What each country demands before somebody may be put in an ad audience, as data: `ads.csv` beside this file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

Demand = Literal["opt_in", "opt_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdsLaw:
    """`opt_in`: only with her consent for ads; `opt_out`: until she says no. By ISO 3166-1 alpha-2 code."""

    demands: Mapping[str, Demand]

    def demand(self, country: str | None) -> Demand:
        """Return what a country demands; one that is unknown, or not listed, demands consent."""
        return self.demands.get("" if country is None else country.upper(), "opt_in")


@cache
def shipped_ads_law() -> AdsLaw:
    """Return the table beside this file, read once."""
    return load_ads_law(files("segue.policy.law"))


def load_ads_law(folder: Traversable) -> AdsLaw:
    """Read a shop's own `ads.csv` from a folder (a `Path` will do). Raises ValueError naming the country at fault."""
    lines = [
        line
        for line in (folder / "ads.csv").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    demands: dict[str, Demand] = {}
    for row in csv.DictReader(lines, restval="", strict=True):
        code, basis = row["country"], row["basis"]
        if code in demands:
            raise ValueError(f"ads.csv: {code} is listed twice")
        if basis == "opt_in":
            demands[code] = "opt_in"
        elif basis == "opt_out":
            demands[code] = "opt_out"
        else:
            raise ValueError(f"ads.csv, {code}: {basis!r} must be opt_in or opt_out")
    return AdsLaw(demands=demands)
