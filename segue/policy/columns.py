"""The policy frame read once into plain arrays: what every rule looks at.

Instants are int64 microseconds since 1970 in UTC, as in the frame; `NAT` is "no time". Text columns become
codes, so that a rule over a million rows is a table look-up per distinct word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from segue.policy.bases import BASES, CHANNELS

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]
Instants = npt.NDArray[np.int64]

#: Codes of `CHANNELS`; a row without a channel has `NO_CHANNEL`.
EMAIL, SMS, PRINT = range(3)
NO_CHANNEL = -1

OPT_IN = BASES.index("opt_in")
#: She agreed once, and a no without a date came from elsewhere: no law accepts that.
DOUBTED = BASES.index("doubted")
DENIED = BASES.index("denied")
NOTHING_SAID = len(BASES)

#: Codes of a suppression column.
NOT_SUPPRESSED, SUPPRESSED, HARD_BOUNCE, OBJECTION = range(4)

NAT = int(np.iinfo(np.int64).min)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

COLUMNS = (
    "profile_id", "key", "journey", "transactional", "has_promotion", "answers_a_cart", "in_cap", "in_holdout",
    "over_budget", "channels", "priority", "deadline_at", "ready_at", "country", "region", "zone", "email", "phone",
    "email_basis", "sms_basis", "print_basis", "email_suppressed", "sms_suppressed", "print_suppressed",
    "converted", "gone", "sold_out", "broken", "paused",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Labels:
    """A column as codes into its distinct values; -1 where it says nothing."""

    codes: npt.NDArray[np.intp]
    values: tuple[str, ...]

    def translated(self, words: Mapping[str, int], *, other: int, nothing: int) -> Codes:
        """Return `words[value]` a row, `other` for a value that is not in `words`, `nothing` for none."""
        table = [words.get(value, other) for value in self.values]
        return np.array([*table, nothing], dtype=np.int8)[self.codes]  # code -1 reads the last entry


@dataclass(frozen=True, slots=True)
class Facts:
    """The columns of the policy frame, one entry a row."""

    profile_id: npt.NDArray[np.int64]
    key: pd.Series[str]
    journey: Labels
    transactional: Mask
    has_promotion: Mask
    answers_a_cart: Mask
    in_cap: Mask
    in_holdout: Mask
    drops: Mask
    #: The distinct channel orders as codes, and which of them each row has.
    orders: tuple[tuple[int, ...], ...]
    order: npt.NDArray[np.intp]
    priority: npt.NDArray[np.int64]
    deadline_at: Instants
    ready_at: Instants
    country: Labels
    region: Labels
    zone: Labels
    #: By channel code; paper needs no address, it goes where the parcel goes.
    has_address: tuple[Mask, Mask, Mask]
    basis: tuple[Codes, Codes, Codes]
    suppressed: tuple[Codes, Codes, Codes]
    converted: Mask
    gone: Mask
    sold_out: Mask
    broken: Mask
    paused: Mask

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.profile_id)


def read_facts(frame: pd.DataFrame) -> Facts:
    """Read a policy frame; raises ValueError naming a column that is missing or a channel nobody knows."""
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise ValueError(f"the policy frame lacks {', '.join(missing)}; docs/architecture.md lists its columns")
    orders, order = _channel_orders(frame["channels"])
    return Facts(
        profile_id=frame["profile_id"].to_numpy(dtype=np.int64),
        key=frame["key"],
        journey=labels(frame["journey"]),
        transactional=_flags(frame["transactional"]),
        has_promotion=_flags(frame["has_promotion"]),
        answers_a_cart=_flags(frame["answers_a_cart"]),
        in_cap=_flags(frame["in_cap"]),
        in_holdout=_flags(frame["in_holdout"]),
        drops=labels(frame["over_budget"]).translated({"drop": 1}, other=0, nothing=0).astype(np.bool_),
        orders=orders,
        order=order,
        priority=frame["priority"].to_numpy(dtype=np.int64),
        deadline_at=instants(frame["deadline_at"]),
        ready_at=instants(frame["ready_at"]),
        country=labels(frame["country"]),
        region=labels(frame["region"]),
        zone=labels(frame["zone"]),
        has_address=(_filled(frame["email"]), _filled(frame["phone"]), np.ones(len(frame), dtype=np.bool_)),
        basis=(_basis(frame["email_basis"]), _basis(frame["sms_basis"]), _basis(frame["print_basis"])),
        suppressed=(
            _suppression(frame["email_suppressed"]),
            _suppression(frame["sms_suppressed"]),
            _suppression(frame["print_suppressed"]),
        ),
        converted=_flags(frame["converted"]),
        gone=_flags(frame["gone"]),
        sold_out=_flags(frame["sold_out"]),
        broken=_flags(frame["broken"]),
        paused=_flags(frame["paused"]),
    )


def instant(at: datetime) -> int:
    """Return `at` in microseconds; raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone means nothing; give an aware datetime, e.g. one in UTC")
    return (at - _EPOCH) // _MICROSECOND


def instants(column: pd.Series[pd.Timestamp]) -> Instants:
    """Read a column of times, whatever its unit; a column of nothing but None is all `NAT`."""
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        column = pd.to_datetime(column, utc=True)
    return column.to_numpy(dtype="datetime64[us]").view(np.int64)


def labels(column: pd.Series[str]) -> Labels:
    """Read a column of few distinct words."""
    codes, values = pd.factorize(column)
    return Labels(codes, tuple(values))


def _flags(column: pd.Series[bool]) -> Mask:
    """Read a column of booleans; a missing one is false."""
    if column.dtype == np.bool_:
        return column.to_numpy()
    return column.isin((True,)).to_numpy()


def _filled(column: pd.Series[str]) -> Mask:
    """Tell where an address is on file."""
    filled: Mask = (column.notna() & column.ne("")).to_numpy(dtype=np.bool_)
    return filled


def _basis(column: pd.Series[str]) -> Codes:
    words = {name: code for code, name in enumerate(BASES)}
    return labels(column).translated(words, other=NOTHING_SAID, nothing=NOTHING_SAID)


def _suppression(column: pd.Series[str]) -> Codes:
    words = {"hard_bounce": HARD_BOUNCE, "objection": OBJECTION}
    return labels(column).translated(words, other=SUPPRESSED, nothing=NOT_SUPPRESSED)


def _channel_orders(column: pd.Series[str]) -> tuple[tuple[tuple[int, ...], ...], npt.NDArray[np.intp]]:
    codes, orders = pd.factorize(column.to_numpy(dtype=object), use_na_sentinel=False)
    numbers = {channel.value: code for code, channel in enumerate(CHANNELS)}
    for order in orders:
        unknown = [str(name) for name in order if str(name) not in numbers]
        if unknown:
            raise ValueError(f"a step names the channel {unknown[0]}; a message travels by {', '.join(numbers)}")
    return tuple(tuple(numbers[str(name)] for name in order) for order in orders), codes
