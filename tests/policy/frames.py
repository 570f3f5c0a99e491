"""Frames for the policy tests: one row that may be sent, and changes to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from segue.policy import Rules
from segue.policy.judge import judge

#: Wednesday, 10:00 in New York, 16:00 in Berlin: an hour at which everything is allowed.
NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
#: Wednesday, 22:30 in New York and 04:30 in Berlin.
NIGHT = datetime(2026, 11, 19, 3, 30, tzinfo=UTC)

_TIMES = ("deadline_at", "ready_at")
_SENDABLE: dict[str, Any] = {
    "profile_id": 1,
    "journey": "abandoned_cart",
    "step": "reminder",
    "transactional": False,
    "has_promotion": False,
    "answers_a_cart": False,
    "in_cap": True,
    "in_holdout": True,
    "over_budget": "hold",
    "channels": ("email",),
    "priority": 50,
    "deadline_at": NOW + timedelta(days=60),
    "ready_at": None,
    "country": "US",
    "region": "NY",
    "zone": "America/New_York",
    "email": "sarah@example.com",
    "phone": "+12025550101",
    "email_basis": "double_opt_in",
    "sms_basis": "double_opt_in",
    "print_basis": None,
    "email_suppressed": None,
    "sms_suppressed": None,
    "print_suppressed": None,
    "converted": False,
    "gone": False,
    "broken": False,
    "sold_out": False,
    "paused": False,
}


def row(**changes: Any) -> dict[str, Any]:
    unknown = changes.keys() - _SENDABLE.keys() - {"key"}
    assert not unknown, f"the policy frame has no column {unknown}"
    return {**_SENDABLE, **changes}


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """Build a policy frame; a row without a key gets one that sorts by position."""
    made = pd.DataFrame(
        [{"message_id": n, "key": f"abandoned_cart/reminder/cart:{n:06}", **r} for n, r in enumerate(rows)],
        columns=["message_id", "key", *_SENDABLE],
    )
    for name in _TIMES:
        made[name] = pd.to_datetime(made[name], utc=True).astype("datetime64[us, UTC]")
    return made


def history(*handed_over: tuple[int, str, datetime]) -> pd.DataFrame:
    return pd.DataFrame(list(handed_over), columns=["profile_id", "channel", "handed_over_at"])


def rules(**changes: Any) -> Rules:
    settings: dict[str, Any] = {
        "caps": {"email": ["1/24h", "4/7d"], "sms": ["1/24h", "2/7d", "6/30d"], "print": ["1/30d"]},
        "cart_second_email": True,
        "holdout_journey": 0.0,
        "holdout_global": 0.0,
        "holdout_salt": "segue",
        "email_quiet": "21:00-07:00",
        "home_zone": "America/New_York",
    }
    return Rules.of(**{**settings, **changes})


RULES = rules()


def judged(
    *rows: dict[str, Any], now: datetime = NOW, past: pd.DataFrame | None = None, by: Rules = RULES
) -> list[dict[str, Any]]:
    """Return the verdicts as plain dicts, `until` and `valid_until` as datetimes or None."""
    result = judge(frame(*rows), now=now, history=history() if past is None else past, rules=by)
    return [plain(verdict) for verdict in result.to_dict("records")]


def plain(verdict: dict[str, Any]) -> dict[str, Any]:
    times = {
        name: None if pd.isna(verdict[name]) else verdict[name].to_pydatetime() for name in ("until", "valid_until")
    }
    return {**verdict, **times}


def fate(changes: dict[str, Any], **how: Any) -> str:
    """Return `send` or the reason, for one row."""
    verdict = judged(row(**changes), **how)[0]
    return verdict["reason"] or verdict["verdict"]
