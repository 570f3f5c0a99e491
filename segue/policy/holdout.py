"""Who is left untreated on purpose: the same people on every machine and in every run."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from segue.policy.columns import Facts, Mask
from segue.policy.reasons import Reason
from segue.policy.ruling import Ruling

_Hashes = npt.NDArray[np.uint64]


def holdouts(facts: Facts, *, journey: float, everywhere: float, salt: str) -> tuple[Ruling, Ruling]:
    """Return the global and the journey's own holdout, as shares of people from 0 to 1.

    The groups are independent of each other: being held out of one journey says nothing about the next.
    """
    may = facts.in_holdout & ~facts.transactional
    keys = np.array([_key(salt, f"journey:{name}") for name in (*facts.journey.values, "")], dtype=np.uint64)
    return (
        Ruling(may & held_out(facts.profile_id, _key(salt, "global"), everywhere), Reason.HOLDOUT_GLOBAL),
        Ruling(may & held_out(facts.profile_id, keys[facts.journey.codes], journey), Reason.HOLDOUT_JOURNEY),
    )


def held_out(profile_id: npt.NDArray[np.int64], key: np.uint64 | _Hashes, share: float) -> Mask:
    """Tell whose hash under `key` falls into the lowest `share` of all hashes."""
    if share <= 0:
        return np.zeros(len(profile_id), dtype=np.bool_)
    # 53 bits, so that the share is exact as a double.
    drawn = _splitmix64(profile_id.view(np.uint64) ^ key) >> np.uint64(11)
    return drawn < np.uint64(round(share * 2**53))


def held_out_of(profile_id: npt.NDArray[np.int64], *, journey: str, share: float, salt: str) -> Mask:
    """Tell whom `journey` leaves untreated; an empty name means every journey."""
    return held_out(profile_id, _key(salt, f"journey:{journey}" if journey else "global"), share)


def _key(salt: str, name: str) -> np.uint64:
    digest = blake2b(f"{salt}:{name}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "big"))


def _splitmix64(x: _Hashes) -> _Hashes:
    """Mix 64 bits so well that neighbouring ids share nothing (Steele, Lea and Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
