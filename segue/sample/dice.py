"""Seeded chance: every part of the shop rolls dice of its own, so that one part's change leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def dice(seed: int, part: str) -> Random:
    """Return the dice of one part of the shop; the same seed and part always roll the same."""
    # Seeding with text goes through SHA-512, so PYTHONHASHSEED has no say.
    return Random(f"saltmere/{seed}/{part}")  # noqa: S311 - a made-up shop needs chance, not secrecy


def weighted(rng: Random, weights: Mapping[T, float]) -> T:
    """Return one key, each as likely as its weight says."""
    return rng.choices(list(weights), list(weights.values()))[0]


def chance(rng: Random, share: float) -> bool:
    """Return true in `share` of all cases."""
    return rng.random() < share


def deal(rng: Random, shares: Mapping[T, float], total: int, *, rest: T) -> list[T]:
    """Return `total` keys in random order: each share rounded but at least one, the remainder `rest`."""
    hand: list[T] = []
    for kind, share in shares.items():
        hand.extend([kind] * max(1, round(share * total)))
    hand = hand[:total]
    hand.extend([rest] * (total - len(hand)))
    rng.shuffle(hand)
    return hand


def shuffled(rng: Random, things: Iterable[T]) -> list[T]:
    """Return `things` in random order."""
    deck = list(things)
    rng.shuffle(deck)
    return deck


def pick(rng: Random, things: Sequence[T]) -> T:
    """Return one of `things`, all equally likely."""
    return things[int(rng.random() * len(things))]
