"""Judges what finance relies on: codes that exist once, and sums that add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from segue.contract import Voucher
from tests.shops.recorded import Played, Stretch

_COOLDOWN = timedelta(days=90)
_STATES = {"queued", "held", "deferred", "handed_over", "accepted", "rejected", "uncertain", "skipped", "control"}


class Accounts:
    """The codes and sums of a played story."""

    def __init__(self, played: Played) -> None:
        self._played = played

    def faults(self) -> Iterator[str]:
        """Whatever does not add up."""
        yield from self._of_codes()
        yield from self._of_sums()

    def _of_codes(self) -> Iterator[str]:
        """One live personal code a person, one cart code in 90 days; a code has one key and one use."""
        vouchers = self._played.vouchers
        keys = Counter(voucher.key for voucher in vouchers.values())
        yield from (f"{key} has {count} codes" for key, count in keys.items() if count > 1)
        personal = [one for one in vouchers.values() if not one.key.startswith("referral_followup/")]
        seen: set[str] = set()
        for stretch in self._played.stretches:
            minted = [one for one in personal if one.code not in seen and one.key in stretch.owner]
            minted = [one for one in minted if one.valid_from <= stretch.until]
            seen |= {one.code for one in minted}
            for new in minted:
                owner = stretch.owner[new.key]
                for other in personal:
                    if other is new or other.key not in stretch.owner or stretch.owner[other.key] != owner:
                        continue
                    if other.valid_from > new.valid_from or (
                        other.valid_from == new.valid_from and other.code > new.code
                    ):
                        continue
                    if self._is_live(other, new.valid_from, stretch):
                        yield f"{new.key} got a code while that of {other.key} is live"
                    if all(one.key.startswith("abandoned_cart/") for one in (new, other)) and (
                        other.valid_from > new.valid_from - _COOLDOWN
                    ):
                        yield f"{new.key} and {other.key} got a code each within 90 days"
        used = {
            fact.data["code"]
            for fact in self._played.facts
            if fact.kind == "order" and fact.data.get("code") in vouchers
        }
        if self._played.redeemed != len(used):
            yield f"{self._played.redeemed} codes are redeemed, and orders named {len(used)}"

    def _is_live(self, voucher: Voucher, at: datetime, stretch: Stretch) -> bool:
        code, until = voucher.code, voucher.valid_until
        if until <= at or code in stretch.withdrawn:
            return False
        return not any(
            fact.kind == "order" and fact.data.get("code") == code and fact.known_at <= at
            for fact in self._played.facts
        )

    def _of_sums(self) -> Iterator[str]:
        """All considered are somewhere, at the end of every day; what a journey says it sent is what arrived."""
        reached: defaultdict[str, set[str]] = defaultdict(set)
        for stretch in self._played.stretches:
            for one in stretch.handed:
                reached[one.key.partition("/")[0]].add(one.key)
        for journey, told in self._played.summaries.items():
            parts = sum(count for group, count in told.items() if group != "considered")
            if told["considered"] != parts:
                yield f"{journey}: considered {told['considered']}, and its parts make {parts}"
            sent = told["accepted"] + told["uncertain"] + told["rejected"]
            if journey != "welcome_insert" and sent > len(reached[journey]):
                yield f"{journey}: says {sent} left, and {len(reached[journey])} did"
            if journey != "welcome_insert" and sent + told["pending"] + told["skipped"] < len(reached[journey]):
                yield f"{journey}: {len(reached[journey])} left, and it knows of {sent}"
        yield from self._of_days()

    def _of_days(self) -> Iterator[str]:
        """Nobody vanishes from one day to the next, and nobody is anywhere else than told."""
        last: dict[str, int] = {}
        for day, states in sorted(self._played.sums.items()):
            totals: Counter[str] = Counter()
            for (journey, state), count in states.items():
                totals[journey] += count
                if state not in _STATES:
                    yield f"{day:%d %b} {journey}: {count} are {state}"
                if state == "handed_over":
                    yield f"{day:%d %b} {journey}: {count} are handed over and nobody asks"
            for journey, before in last.items():
                if totals[journey] < before:
                    yield f"{day:%d %b} {journey}: {before} were considered, and now {totals[journey]}"
            last = dict(totals)
