"""How many rows a second the policy judges, all rules on: `python bench/policy.py [rows ...]`."""

from __future__ import annotations

import sys
import time
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from segue.policy import Rules
from segue.policy.judge import judge

NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
RULES = Rules.of(
    caps={"email": ["1/24h", "4/7d"], "sms": ["1/24h", "2/7d", "6/30d"], "print": ["1/30d"]},
    cart_second_email=True,
    holdout_journey=0.05,
    holdout_global=0.01,
    holdout_salt="bench",
    email_quiet="21:00-07:00",
    home_zone="America/New_York",
)


def shard(rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a frame of `rows` messages and the history of half as many, with a bit of everything in it."""
    rng = np.random.default_rng(7)
    at = pd.Timestamp(NOW).as_unit("us")

    def pick(values: list[object], weights: list[float]) -> np.ndarray:
        made = np.empty(len(values), dtype=object)
        made[:] = values
        return made[rng.choice(len(values), rows, p=weights)]

    orders = np.empty(2, dtype=object)
    orders[:] = [("email",), ("sms", "email")]
    people = rng.integers(1, max(2, rows), rows)
    frame = pd.DataFrame(
        {
            "message_id": np.arange(rows),
            "profile_id": people,
            "key": [f"abandoned_cart/reminder/cart:{n}" for n in range(rows)],
            "journey": pick(["abandoned_cart", "popup_invite"], [0.7, 0.3]),
            "step": "reminder",
            "transactional": rng.random(rows) < 0.05,
            "has_promotion": rng.random(rows) < 0.05,
            "answers_a_cart": rng.random(rows) < 0.5,
            "in_cap": True,
            "in_holdout": True,
            "over_budget": pick(["hold", "drop"], [0.8, 0.2]),
            "channels": orders[rng.integers(0, 2, rows)],
            "priority": rng.integers(1, 4, rows),
            "deadline_at": at + pd.to_timedelta(rng.integers(-2, 48, rows), unit="h"),
            "ready_at": pd.Series(pd.NaT, index=range(rows), dtype="datetime64[us, UTC]"),
            "country": pick(["US", "DE", "GB", "CA", "FR", None], [0.5, 0.2, 0.1, 0.1, 0.05, 0.05]),
            "region": pick(["NY", "CA", "TX", None], [0.2, 0.2, 0.1, 0.5]),
            "zone": pick(["America/New_York", "America/Chicago", "Europe/Berlin", None], [0.4, 0.2, 0.2, 0.2]),
            "email": pick(["someone@example.com", None], [0.95, 0.05]),
            "phone": pick(["+12025550101", None], [0.5, 0.5]),
            "email_basis": pick(
                ["double_opt_in", "opt_in", "soft_opt_in", "denied", None], [0.3, 0.3, 0.2, 0.05, 0.15]
            ),
            "sms_basis": pick(["opt_in", None], [0.3, 0.7]),
            "print_basis": None,
            "email_suppressed": pick(["unsubscribe", "hard_bounce", None], [0.03, 0.02, 0.95]),
            "sms_suppressed": pick(["stop", None], [0.02, 0.98]),
            "print_suppressed": None,
            "converted": rng.random(rows) < 0.05,
            "sold_out": rng.random(rows) < 0.02,
            "paused": False,
        }
    )
    half = rows // 2
    history = pd.DataFrame(
        {
            "profile_id": rng.integers(1, max(2, rows), half),
            "channel": np.array(["email", "sms"], dtype=object)[rng.integers(0, 2, half)],
            "handed_over_at": at - pd.to_timedelta(rng.integers(0, 30 * 24 * 60, half), unit="min"),
        }
    )
    return frame, history


def main(sizes: list[int]) -> None:
    for rows in sizes:
        frame, history = shard(rows)
        judge(frame, now=NOW, history=history, rules=RULES)  # reads the zones
        times = []
        for _ in range(3 if rows > 50_000 else 30):
            start = time.perf_counter()
            judge(frame, now=NOW, history=history, rules=RULES)
            times.append(time.perf_counter() - start)
        tracemalloc.start()
        judge(frame, now=NOW, history=history, rules=RULES)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        best, middle = min(times), sorted(times)[len(times) // 2]
        print(
            f"{rows:>9,} rows  best {best * 1000:8.2f} ms  median {middle * 1000:8.2f} ms"
            f"  {rows / best:12,.0f} rows/s  peak {peak / rows:6.0f} B/row"
        )


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [500, 4_000, 100_000])
