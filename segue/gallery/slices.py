"""A slice of the sum: everybody of a step, of a group, or of one reason. Every number on a page is one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segue.outbox.summary import ORDER, Summary

_UNSAFE = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A journey's messages, narrowed by step, group and reason; None narrows nothing."""

    journey: str
    step: str | None = None
    group: str | None = None
    #: `""` for those without a reason.
    reason: str | None = None

    def holds(self, step: str, group: str, reason: str | None) -> bool:
        """Tell whether a message of this step, group and reason is in the slice."""
        return (
            (self.step is None or self.step == step)
            and (self.group is None or self.group == group)
            and (self.reason is None or self.reason == (reason or ""))
        )

    def count(self, summary: Summary) -> int:
        """How many the slice holds."""
        return sum(line.count for line in summary.lines if self.holds(line.step, line.group, line.reason))

    @property
    def file_name(self) -> str:
        """The name of its page; reasons may come from providers, so odd ones get a name that is safe and their own."""
        parts = [self.journey, self.step or "all", self.group or "considered"]
        if self.reason is not None:
            parts.append(self.reason or "no-reason")
        name = "--".join(parts)
        safe = _UNSAFE.sub("_", name)[:120]
        if safe != name:
            safe += "-" + hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        return f"{safe}.html"


def steps_of(summary: Summary, order: Sequence[str] = ()) -> list[str]:
    """The steps that considered anybody: those of `order` first, in that order."""
    known = list(dict.fromkeys(line.step for line in summary.lines))
    return [step for step in order if step in known] + [step for step in known if step not in order]


def reasons_of(summary: Summary, whole: Slice) -> Iterator[Slice]:
    """The slices of a group by reason, largest first; none where nothing has a reason."""
    counts: dict[str, int] = {}
    for line in summary.lines:
        if whole.holds(line.step, line.group, line.reason):
            counts[line.reason or ""] = counts.get(line.reason or "", 0) + line.count
    if any(counts):
        for reason in sorted(counts, key=lambda word: (-counts[word], word)):
            yield Slice(journey=whole.journey, step=whole.step, group=whole.group, reason=reason)


def groups_of(summary: Summary, step: str | None) -> list[Slice]:
    """The six groups of a step in reading order, empty ones included."""
    return [Slice(journey=summary.journey, step=step, group=group) for group in ORDER]


def slices_of(summary: Summary) -> Iterator[Slice]:
    """Every slice of a journey that holds anybody."""
    for step in (None, *steps_of(summary)):
        yield Slice(journey=summary.journey, step=step)
        for whole in groups_of(summary, step):
            if whole.count(summary):
                yield whole
                yield from reasons_of(summary, whole)
