"""Publishing vouchers in a Shopify shop: look the codes up, queue those the shop lacks, and tell each one's state.

Codes are unique in a shop, so asking twice cannot make two: what a crash left behind is found by the look-up, and
a code that was queued twice fails the second time and is then found. Nothing needs to be remembered for that; the
jobs that are remembered only spare questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from connectors.shopify_discounts import Discounts
from connectors.shopify_documents import MOST_CODES
from connectors.shopify_shelf import Found, JobForgottenError, Refusals, Shelf
from segue.contract import ConfigurationError, Result, Voucher, accepted, deferred, rejected

#: A job adds a few hundred codes in seconds.
_SOON: Final = timedelta(seconds=5)
#: Shopify's own limit for a code.
_MOST_LETTERS: Final = 255
#: A second attempt may go through: the shop failed, or the code was taken when the job ran and is free now.
_PASSING: Final = frozenset({"INTERNAL_ERROR", "TAKEN", "DUPLICATE"})


@dataclass(slots=True)
class Memory:
    """What one connector instance remembers between calls; losing it costs questions, nothing else."""

    jobs: dict[str, str] = field(default_factory=dict)
    discounts: dict[str, str] = field(default_factory=dict)
    currency: str = ""


def is_writable(code: str) -> bool:
    """Whether a code can be added and searched for as it is."""
    return (
        0 < len(code) <= _MOST_LETTERS and code.isprintable() and code == code.strip() and not set(code) & set("\"'\\")
    )


class Publication:
    """One call's vouchers on their way into the shop."""

    def __init__(self, shelf: Shelf, discounts: Discounts, memory: Memory, vouchers: Sequence[Voucher]) -> None:
        self._shelf = shelf
        self._discounts = discounts
        self._memory = memory
        self._by_code: dict[str, list[Voucher]] = {}
        for voucher in vouchers:
            self._by_code.setdefault(voucher.code, []).append(voucher)
        #: Codes whose change is under way; after a lost answer nobody knows their state.
        self.leaving: frozenset[str] = frozenset()

    def results(self) -> Iterator[Result]:
        """Yield one result a voucher as it becomes known; raises as `AdminLine.ask`."""
        yield from self._refused()
        yield from self._in_jobs()
        yield from self._looked_up(list(self._by_code))
        groups: dict[str, list[Voucher]] = {}
        for voucher in (one for ones in self._by_code.values() for one in ones[:1]):
            groups.setdefault(self._discounts.title_of(voucher), []).append(voucher)
        for title, group in groups.items():
            yield from self._added(title, group)

    def _refused(self) -> Iterator[Result]:
        """Vouchers that cannot be expressed, and second vouchers of one code that are worth something else."""
        if not self._memory.currency and any(one.amount_minor is not None for one in self._open()):
            self._memory.currency = self._shelf.currency()
        for code, (first, *others) in list(self._by_code.items()):
            if not is_writable(code):
                yield from self._settle(code, "code_not_writable")
            elif first.amount_minor is not None and first.currency != self._memory.currency:
                yield from self._settle(code, "currency_not_the_shops")
            else:
                title = self._discounts.title_of(first)
                strange = [one for one in others if self._discounts.title_of(one) != title]
                self._by_code[code] = [one for one in (first, *others) if one not in strange]
                yield from (rejected(one.key, "code_taken") for one in strange)

    def _in_jobs(self) -> Iterator[Result]:
        """Codes an earlier call queued."""
        jobs: dict[str, list[str]] = {}
        for code in self._by_code:
            if job := self._memory.jobs.get(code):
                jobs.setdefault(job, []).append(code)
        for job, codes in jobs.items():
            try:
                yield from self._after_job(job, codes)
            except JobForgottenError:
                self._forget(job)

    def _after_job(self, job: str, codes: Sequence[str]) -> Iterator[Result]:
        failures = self._shelf.failures(job)
        if failures is None:
            self._memory.jobs.update(dict.fromkeys(codes, job))
            for code in codes:
                yield from (deferred(one.key, "pending", _SOON) for one in self._by_code.pop(code))
            return
        self._forget(job)
        for code in codes:
            if code not in failures:
                yield from self._settle(code)
        yield from self._looked_up([code for code in codes if code in failures])
        for code in codes:
            if code in self._by_code:
                yield from self._failed(code, failures[code])

    def _looked_up(self, codes: Sequence[str]) -> Iterator[Result]:
        """Codes that the shop has: ours as they should be, or not."""
        for code, found in self._shelf.find(codes).items():
            title = self._discounts.title_of(self._by_code[code][0])
            reason = self._reason(found, title)
            if reason is None:
                self._memory.discounts[title] = found.discount_id
            yield from self._settle(code, reason, found.discount_id)

    def _reason(self, found: Found, title: str) -> str | None:
        if found.title == self._discounts.withdrawn:
            return "code_withdrawn"
        if found.title != title:
            return "code_taken"
        return "discount_ended" if found.has_ended else None

    def _added(self, title: str, group: Sequence[Voucher]) -> Iterator[Result]:
        discount = self._memory.discounts.get(title) or self._shelf.discount_titled(title)
        codes = [voucher.code for voucher in group]
        if discount is None:
            first = codes.pop(0)
            self.leaving = frozenset({first})
            discount, refusals = self._shelf.create(self._discounts.wanted(group[0]))
            self.leaving = frozenset()
            if discount is None:
                yield from self._looked_up([first])
                yield from self._failed(first, refusals.by_position.get(0, frozenset()))
                yield from self._put_off(codes)
                return
            yield from self._settle(first, None, discount)
        self._memory.discounts[title] = discount
        for start in range(0, len(codes), MOST_CODES):
            yield from self._queued(discount, title, codes[start : start + MOST_CODES])

    def _queued(self, discount: str, title: str, codes: Sequence[str]) -> Iterator[Result]:
        self.leaving = frozenset(codes)
        job, refusals = self._shelf.add(discount, codes)
        self.leaving = frozenset()
        if job is not None:
            self._memory.jobs.update(dict.fromkeys(codes, job))
            yield from self._after_job(job, codes)
            return
        if None in refusals.by_position:  # the discount itself: somebody deleted or changed it
            self._memory.discounts.pop(title, None)
        yield from self._refused_at_once(codes, refusals)

    def _refused_at_once(self, codes: Sequence[str], refusals: Refusals) -> Iterator[Result]:
        """One code at fault keeps the whole lot out: it is named, the others are tried again without it."""
        if not refusals:
            raise ConfigurationError("Shopify neither took codes nor said why; check `api_version`")
        yield from self._looked_up(codes)
        for position, code in enumerate(codes):
            if position in refusals.by_position:
                yield from self._failed(code, refusals.by_position[position])
        yield from self._put_off(codes)

    def _failed(self, code: str, errors: frozenset[str]) -> Iterator[Result]:
        """A code that was not added and that the shop still does not have."""
        if code in self._by_code:
            yield from self._put_off([code]) if errors & _PASSING else self._settle(code, "code_refused")

    def _put_off(self, codes: Sequence[str]) -> Iterator[Result]:
        for code in codes:
            yield from (deferred(one.key, "pending", _SOON) for one in self._by_code.pop(code, ()))

    def _settle(self, code: str, reason: str | None = None, discount: str | None = None) -> Iterator[Result]:
        self._memory.jobs.pop(code, None)
        for one in self._by_code.pop(code):
            yield accepted(one.key, discount) if reason is None else rejected(one.key, reason)

    def _forget(self, job: str) -> None:
        for code in [code for code, its in self._memory.jobs.items() if its == job]:
            del self._memory.jobs[code]

    def _open(self) -> Iterator[Voucher]:
        return (one for ones in self._by_code.values() for one in ones)
