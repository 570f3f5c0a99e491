"""Who is held out: the promised share, independent between journeys, the same people for ever."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest

from segue.policy.holdout import _splitmix64, held_out
from segue.policy.judge import judge
from tests.policy.frames import NOW, frame, history, row, rules

PEOPLE = 100_000


def controls(journeys: list[str], people: int = PEOPLE, **settings) -> dict[str, np.ndarray]:
    """Return who of `people` is a control, by journey."""
    found = {}
    template = frame(row())
    many = template.loc[template.index.repeat(people)].reset_index(drop=True)
    many["profile_id"] = np.arange(1, people + 1)
    for journey in journeys:
        many["journey"] = journey
        result = judge(many, now=NOW, history=history(), rules=rules(**settings))
        found[journey] = (result["verdict"] == "control").to_numpy()
    return found


def test_the_share_is_what_the_setting_says():
    """Within four standard deviations over 100,000 people."""
    for share in (0.01, 0.05, 0.5):
        (held,) = controls(["abandoned_cart"], holdout_journey=share).values()
        assert abs(held.mean() - share) < 4 * (share * (1 - share) / PEOPLE) ** 0.5


def test_journeys_are_independent_of_each_other_and_of_the_global_holdout():
    """Half of one half are in the other half."""
    first, second = controls(["abandoned_cart", "popup_invite"], holdout_journey=0.5).values()
    (everywhere,) = controls(["abandoned_cart"], holdout_global=0.5).values()
    for one, other in ((first, second), (first, everywhere), (second, everywhere)):
        assert abs((one & other).mean() - 0.25) < 4 * (0.25 * 0.75 / PEOPLE) ** 0.5


def test_the_global_holdout_is_the_same_for_every_journey():
    first, second = controls(["abandoned_cart", "popup_invite"], people=5_000, holdout_global=0.1).values()
    assert first.any()
    assert (first == second).all()


def test_a_larger_share_only_adds_people():
    (small,) = controls(["abandoned_cart"], people=5_000, holdout_journey=0.05).values()
    (large,) = controls(["abandoned_cart"], people=5_000, holdout_journey=0.2).values()
    assert (small & ~large).sum() == 0


def test_another_salt_is_another_draw():
    (one,) = controls(["abandoned_cart"], people=20_000, holdout_journey=0.5).values()
    (other,) = controls(["abandoned_cart"], people=20_000, holdout_journey=0.5, holdout_salt="spring").values()
    assert abs((one & other).mean() - 0.25) < 0.02


@pytest.mark.parametrize(
    ("settings", "journey", "expected"),
    [
        (
            {"holdout_journey": 0.05},
            "abandoned_cart",
            [13, 21, 26, 32, 69, 84, 88, 96, 106, 115, 144, 156, 169, 184, 192, 198],
        ),
        ({"holdout_journey": 0.05}, "popup_invite", [11, 13, 15, 95, 101, 111, 113, 115, 118, 152, 156, 165, 188]),
        (
            {"holdout_global": 0.05},
            "abandoned_cart",
            [3, 8, 12, 29, 54, 85, 89, 98, 99, 116, 124, 134, 159, 162, 165, 174, 195],
        ),
    ],
)
def test_the_people_held_out_never_change(settings, journey, expected):
    """Pinned: another hash would mix treated and untreated people in every running measurement."""
    (held,) = controls([journey], people=200, **settings).values()
    assert (np.flatnonzero(held) + 1).tolist() == expected


def test_the_hash_is_the_published_one():
    """Written out in plain integers: splitmix64 over the id and a key from salt and journey."""
    mask = 2**64 - 1
    key = int.from_bytes(blake2b(b"segue:journey:abandoned_cart", digest_size=8).digest(), "big")

    def drawn(profile_id: int) -> float:
        x = ((profile_id ^ key) + 0x9E3779B97F4A7C15) & mask
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return ((x ^ (x >> 31)) >> 11) / 2**53

    (held,) = controls(["abandoned_cart"], people=2_000, holdout_journey=0.3).values()
    assert held.tolist() == [drawn(n) < 0.3 for n in range(1, 2_001)]


def test_splitmix64_gives_the_reference_sequence():
    """The first outputs for seed 1234567, as published with the reference implementation."""
    gamma = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + n * gamma) % 2**64 for n in range(3)], dtype=np.uint64)
    assert _splitmix64(states).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_nobody_and_everybody():
    ids = np.arange(1_000, dtype=np.int64)
    assert not held_out(ids, np.uint64(1), 0.0).any()
    assert held_out(ids, np.uint64(1), 1.0).all()
