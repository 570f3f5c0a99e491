"""Who is considered for an audience, and what policy says of each, many people at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from segue.audiences.people import People
from segue.audiences.plan import Wish
from segue.journeys.definition import Moment
from segue.journeys.retargeting import JOURNEY, AudienceRule, RetargetingBrief
from segue.policy.ads import judge_members, judge_people
from segue.policy.law.ads import AdsLaw, shipped_ads_law
from segue.policy.rules import Rules

#: People judged at once.
CHUNK = 10_000
_COLUMNS = ("profile_id", "wanted", "bought", "remaining")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Policy for ads, as the settings have it."""

    rules: Rules
    secret: bytes
    law: AdsLaw

    @classmethod
    def of(cls, rules: Rules, secret: bytes) -> Judge:
        """With the law that ships."""
        return cls(rules=rules, secret=secret, law=shipped_ads_law())

    def wishes(
        self, connection: Connection, rows: pd.DataFrame, *, now: datetime, fields: tuple[str, ...], tally: Tally
    ) -> dict[int, Wish]:
        """Judge considered people; say of each what ought to be, and count the verdicts."""
        people = People(connection, rows["profile_id"].tolist(), now=now, secret=self.secret)
        judged = judge_members(
            rows,
            judge_people(people.frame, now=now, law=self.law),
            share=self.rules.holdout_journey,
            share_everywhere=self.rules.holdout_global,
            salt=self.rules.holdout_salt,
            journey=JOURNEY.name,
        )
        made = {}
        for profile_id, verdict, reason, known in zip(
            rows["profile_id"].tolist(), judged["verdict"], judged["reason"], people.identifiers, strict=True
        ):
            tally.add(verdict, reason)
            identifiers = {kind: known[kind] for kind in fields if kind in known} if verdict == "send" else None
            made[profile_id] = Wish(identifiers, reason)
        return made

    def still_allowed(self, connection: Connection, profile_ids: list[int], now: datetime) -> dict[int, str | None]:
        """Why each of these people may be in no audience at `now`; None where she may."""
        ids = list(dict.fromkeys(profile_ids))
        people = People(connection, ids, now=now, secret=self.secret)
        return dict(zip(ids, judge_people(people.frame, now=now, law=self.law), strict=True))


class Tally:
    """How many were considered, and with what verdict: a sum that always adds up."""

    def __init__(self) -> None:
        self.wanted = 0
        self.control = 0
        self.out: Counter[str] = Counter()

    def add(self, verdict: str, reason: str | None) -> None:
        """Count one person."""
        if verdict == "send":
            self.wanted += 1
        elif verdict == "control":
            self.control += 1
        else:
            self.out[reason or ""] += 1

    @property
    def considered(self) -> int:
        """Everybody the rule named."""
        return self.wanted + self.control + sum(self.out.values())


def considered(
    connection: Connection, rule: AudienceRule, moment: Moment, brief: RetargetingBrief
) -> npt.NDArray[np.int64]:
    """Whom the rule is about: a row a person, `profile_id`, `wanted`, `bought`, `remaining`, in the order of ids."""
    result = connection.execute(rule.considered(moment, brief), execution_options={"yield_per": CHUNK})
    parts = [np.array([tuple(row) for row in part], dtype=np.int64) for part in result.partitions()]
    return np.concatenate(parts) if parts else np.empty((0, len(_COLUMNS)), dtype=np.int64)


def chunks(found: npt.NDArray[np.int64]) -> Iterator[pd.DataFrame]:
    """`considered` in frames of some thousand people."""
    for start in range(0, len(found), CHUNK):
        yield pd.DataFrame(found[start : start + CHUNK], columns=list(_COLUMNS))
