"""Points, counted with a pencil: what she kept, followed and mentioned, less what she used up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from tests.shops.known import Known, Then
from tests.shops.recorded import Played, Stretch
from tests.shops.story import PRICES, Fact

_WINDOW = timedelta(days=30)
_FOLLOW, _MENTION = 25, 50


def faults_of_points(played: Played) -> Iterator[str]:
    """Wherever a balance is not the sum of what the shop had told."""
    known = Known(played)
    for stretch in played.stretches:
        if stretch.points is None:
            continue
        for profile_id in sorted({stretch.root[name] for name in known.names if name in stretch.root}):
            names = known.behind(stretch, profile_id)
            had = stretch.points.get(profile_id, (0, 0))
            least, most = _reckon(known, stretch, names)
            if not (least[0] <= had[0] <= most[0] and had[1] == least[1]):
                yield (
                    f"{stretch.until:%d %b %H:%M} {names} has {had[0]} points and {had[1]} pending;"
                    f" reckoned are {least[0]} to {most[0]} and {least[1]}"
                )


def _reckon(known: Known, stretch: Stretch, names: list[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    at, then = stretch.until, Then(stretch.until, stretch.since)
    facts = known.facts_by(then, names, "order", "follow", "mention", "redeem")
    everything = [fact for fact in known.facts if then.knows(fact)]
    earned = pending = 0
    for order in (fact for fact in facts if fact.kind == "order"):
        points = _kept(order, everything) // 100
        if order.at + _WINDOW <= at:
            earned += points
        else:
            pending += points
    followed = {fact.data["what"] for fact in facts if fact.kind == "follow"}
    earned += _FOLLOW * len(followed)
    # Of two mentions in a month one counts. Where she was two people to us at the time, both were promised.
    by_name: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for fact in facts:
        if fact.kind == "mention":
            by_name[fact.who].add((fact.data["what"], f"{fact.at:%Y-%m}"))
    fewest = len(set().union(*by_name.values())) if by_name else 0
    most = sum(len(one) for one in by_name.values())
    used = sum(int(fact.data["what"]) for fact in facts if fact.kind == "redeem")
    # What her points do not cover waits for the next ones.
    return (
        (max(0, earned + _MENTION * fewest - used), pending),
        (max(0, earned + _MENTION * most - used), pending),
    )


def _kept(order: Fact, everything: list[Fact]) -> int:
    """What the order is still worth, in cents."""
    worth = sum(PRICES[sku] for sku in order.data["skus"])
    changes = [fact for fact in everything if fact.data.get("order") == order.data["order"]]
    if any(fact.kind == "cancel" for fact in changes):
        return 0
    back: set[int] = set()
    for fact in changes:
        if fact.kind == "refund":
            named = range(len(order.data["skus"])) if fact.data["what"] == "all" else (0,)
            back |= set(named)
    return worth - sum(PRICES[order.data["skus"][place]] for place in back)
