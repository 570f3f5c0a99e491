"""Freezing: what a preview showed, written down under a hash, so that a yes is for exactly that.

The hash is over the terms (brief, templates, offers, house rules, policy settings) and every key with its would-be
verdict. The rows stay until nobody needs them; the hash stays with the run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, literal, select, update

from segue.journeys.definition import Brief, Journey, Moment
from segue.outbox.promise import candidates
from segue.settings import Settings
from segue.store.bulk import insert_new
from segue.store.tables import message, run, run_audience

if TYPE_CHECKING:
    from segue.render import Library

#: What the run may send, as the preview showed it; policy may only remove from it.
TO_SEND = ("send", "hold")
#: Frozen rows of runs that nobody agreed to are kept this long.
KEPT = timedelta(days=30)
#: The settings that decide who may be sent what, and through whom.
_SETTINGS = (
    "home_zone",
    "holdout_journey",
    "holdout_global",
    "holdout_salt",
    "caps",
    "cart_second_email",
    "email_quiet",
    "pick_wave",
    "connectors",
    "base_url",
    "house",
)

Shown = Sequence[tuple[str, str]]
"""Keys, each with the verdict it was shown with."""


def terms(connection: Connection, journey: Journey, brief: Brief, *, settings: Settings, library: Library) -> str:
    """Everything besides the people that decides what a run says and to whom, as one text.

    `journey` is as `brief` turns it. A template's version covers the brand. Raises TemplateError for a broken one:
    nobody can agree to what cannot be shown.
    """
    told = {
        "journey": journey.name,
        "brief": brief.model_dump(mode="json"),
        "templates": {
            step.name: library.step(f"{journey.name}/{step.template}", transactional=step.transactional).version
            for step in journey.steps
        },
        "offers": {
            step.name: None if (offer := step.offer(brief) if step.offer else None) is None else asdict(offer)
            for step in journey.steps
        },
        "settings": settings.model_dump(mode="json", include=set(_SETTINGS)),
        "told": None if journey.terms is None else journey.terms(connection, brief),
    }
    return json.dumps(told, sort_keys=True, default=str)


def digest_of(told: str, shown: Shown) -> str:
    """SHA-256 over the terms and the keys in their order, each with its verdict; in hexadecimal."""
    digest = hashlib.sha256(told.encode("utf-8"))
    for key, verdict in sorted(shown):
        digest.update(f"\n{key}\t{verdict}".encode())
    return digest.hexdigest()


def keep_frozen(connection: Connection, run_id: int, rows: list[tuple[str, int, str]]) -> None:
    """Write down key, profile and verdict of everybody shown, in place of what the run had frozen before."""
    connection.execute(delete(run_audience).where(run_audience.c.run_id == run_id))
    insert_new(
        connection,
        run_audience,
        [{"run_id": run_id, "key": key, "profile_id": who, "verdict": verdict} for key, who, verdict in rows],
        ("run_id", "key"),
    )


def frozen_of(connection: Connection, run_id: int) -> Shown:
    """What a run has frozen."""
    rows = connection.execute(select(run_audience.c.key, run_audience.c.verdict).where(run_audience.c.run_id == run_id))
    return [(key, verdict) for key, verdict in rows]


def forget_old(connection: Connection, now: datetime) -> None:
    """Drop what runs of long ago froze and nobody agreed to."""
    first_kept = select(func.min(run.c.id)).where(run.c.started_at >= now - KEPT).scalar_subquery()
    agreed = select(run.c.id).where(run.c.approved_at.is_not(None))
    connection.execute(
        delete(run_audience).where(run_audience.c.run_id < first_kept, run_audience.c.run_id.not_in(agreed))
    )


def run_row(connection: Connection, run_id: int) -> Row[Any]:
    """The run's row; raises LookupError where there is none."""
    row = connection.execute(select(run).where(run.c.id == run_id)).one_or_none()
    if row is None:
        raise LookupError(f"there is no run {run_id}; its number stands at the top of the run's page")
    return row


class LargeRunError(Exception):
    """More became due than may be promised without asking; nothing was promised."""


class ApprovalError(Exception):
    """A run may not send; the text says which, why, and what to do. Holds no personal data."""


def permitted(connection: Connection, run_id: int, now: datetime) -> ColumnElement[bool]:
    """True of the rows of `run_audience` that the run may promise.

    That is all it froze where nobody was asked; else what was agreed to, without those who were to be left out, and
    nothing once the yes has run out. Raises ApprovalError where somebody was asked and has not agreed.
    """
    row = run_row(connection, run_id)
    mine = run_audience.c.run_id == run_id
    if row.approval_until is None:
        return mine
    if row.approved_at is None:
        raise ApprovalError(f"run {run_id} waits for somebody's yes and sends nothing before it")
    # Who is shown as the comparison group is promised too: that is where it is written down.
    return and_(mine, run_audience.c.verdict != "skip", literal(row.approval_until > now))


def has_promised(connection: Connection, run_id: int) -> bool:
    """True where a run has promised something of what it froze."""
    mine = exists().where(
        run_audience.c.run_id == run_id, message.c.run_id == run_id, message.c.key == run_audience.c.key
    )
    return bool(connection.scalar(select(mine)))


def missing(connection: Connection, journey: Journey, brief: Brief, moment: Moment, run_id: int) -> tuple[int, int]:
    """How many of the keys that were to be sent are due no more, and how many there were."""
    key, frozen = run_audience.c.key, run_audience.c
    shown = and_(frozen.run_id == run_id, frozen.verdict.in_(TO_SEND))
    total = connection.scalar(select(func.count()).where(shown)) or 0
    still = 0
    for step in journey.steps:
        if not step.transactional:
            due = candidates(journey, step, brief, moment).subquery("still_due")
            found = select(func.count()).select_from(run_audience).join(due, due.c.key == key).where(shown)
            still += connection.scalar(found) or 0
    return total - still, total


def waiting_runs(connection: Connection, journey: str, now: datetime) -> list[int]:
    """Runs of a journey that wait for a yes, were refused, or may still act on one: what they froze is theirs."""
    return list(
        connection.scalars(
            select(run.c.id).where(run.c.journey == journey, run.c.approval_until > now).order_by(run.c.id)
        )
    )


def ask(connection: Connection, run_id: int, *, digest: str, until: datetime | None) -> None:
    """Write down the run's hash, and until when a yes counts if one is asked for; an earlier yes counts no more."""
    connection.execute(
        update(run)
        .where(run.c.id == run_id)
        .values(digest=digest, approval_until=until, approved_at=None, approved_by=None)
    )
