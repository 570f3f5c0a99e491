"""Composing: the words of the journey, the voucher, the template; one person's failure stays one person's."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from segue.contract import Channel, Key, Message
from segue.outbox.codes import Codes, shown
from segue.outbox.frame import Asked
from segue.outbox.verdicts import Verdict
from segue.policy import Reason
from segue.render import Library, TemplateError
from segue.store.engine import read

_LOG = logging.getLogger(__name__)
#: How long a message waits for its code to be known, or its template to be mended, before it is looked at again.
CODE_WAIT = timedelta(minutes=5)
#: By name: looking a word up in an enum takes longer.
_CHANNELS = {channel.value: channel for channel in Channel}


class _Row(NamedTuple):
    """What composing reads of a frame's row."""

    message_id: int
    profile_id: int
    bucket: int
    run_id: int
    key: str
    channel: str
    email: str | None
    phone: str | None
    first_name: str | None
    locale: str | None
    zone: str | None
    deadline_at: datetime
    valid_until: Any  # or NaT
    state: str
    reason_before: str | None


class Ready(NamedTuple):
    """A composed message and the row it belongs to."""

    message_id: int
    profile_id: int
    bucket: int
    run_id: int | None
    #: Why it was held until now, if it was.
    held_for: str | None
    message: Message
    template_version: str
    #: Her hours end then, or its occasion: from this instant on it is judged again.
    leave_by: datetime
    #: The bucket whose lease it takes besides, where others share its address.
    keeper: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What composing a shard gave."""

    ready: Sequence[Ready]
    #: Rows that cannot leave now: template failures and unpublished codes.
    verdicts: Sequence[Verdict]


def compose(
    engine: Engine,
    rows: pd.DataFrame,
    asked: Asked,
    *,
    library: Library,
    codes: Codes,
    now: datetime,
) -> Composed:
    """Make messages of `rows` (one step's rows that may leave; frame columns plus `channel`, `bucket`, `run_id`).

    `codes` are those of at least these rows.
    """
    try:
        template = library.step(f"{asked.journey.name}/{asked.step.template}", transactional=asked.step.transactional)
    except TemplateError:
        # The template itself is broken: everybody waits for its repair, nobody is given up.
        broken = [
            _verdict(row, "held", Reason.TEMPLATE.value, min(now + CODE_WAIT, row.deadline_at)) for row in _rows(rows)
        ]
        return Composed(ready=(), verdicts=broken)
    said = _words(engine, rows, asked)
    may_promote = rows["promote"].tolist() if asked.step.has_promotion else None
    ready: list[Ready] = []
    verdicts: list[Verdict] = []
    for place, (row, facts) in enumerate(zip(_rows(rows), said, strict=True)):
        offered = codes.of(Key(row.key))
        # A step that tells of a granted code says nothing without one: judged again, its facts know what became of it.
        if not offered.is_published if offered is not None else asked.step.shows_granted_code:
            verdicts.append(_verdict(row, "held", Reason.CODE_UNPUBLISHED.value, min(now + CODE_WAIT, row.deadline_at)))
            continue
        if facts is None:
            verdicts.append(_verdict(row, "skipped", Reason.TEMPLATE.value, None))
            continue
        words = dict(facts)
        words["profile"] = {"first_name": row.first_name, "locale": row.locale, "zone": row.zone}
        words["voucher"] = shown(offered)
        # Whatever a journey says: without a basis of its own nothing promotional is said in a transactional mail.
        if asked.step.transactional and not (may_promote is not None and may_promote[place]):
            words["promotion"] = None
        try:
            channel = _CHANNELS[row.channel]
            content = template.content(channel, words, message_id=row.message_id)
        except TemplateError:
            verdicts.append(_verdict(row, "skipped", Reason.TEMPLATE.value, None))
            continue
        ready.append(
            Ready(
                message_id=row.message_id,
                bucket=row.bucket,
                profile_id=row.profile_id,
                run_id=row.run_id or None,
                held_for=row.reason_before if row.state == "held" else None,
                template_version=template.version,
                leave_by=_leave_by(row),
                message=Message(
                    key=Key(row.key),
                    channel=channel,
                    address=_address(row, channel),
                    content=content,
                    at=now,
                    valid_until=row.valid_until if channel is Channel.SMS else None,
                ),
            )
        )
    return Composed(ready=ready, verdicts=verdicts)


def unserved(rows: pd.DataFrame, now: datetime) -> list[Verdict]:
    """Hold `rows` whose channel no connector serves: until one does, or to their deadline."""
    return [
        _verdict(row, "held", Reason.NO_CONNECTOR.value, min(now + CODE_WAIT, row.deadline_at)) for row in _rows(rows)
    ]


def _words(engine: Engine, rows: pd.DataFrame, asked: Asked) -> Sequence[Mapping[str, Any] | None]:
    """What the journey says to each; None where it fails for somebody, who then fails alone."""
    try:
        with read(engine) as connection:
            return asked.step.words(connection, rows, asked.moment, asked.brief)
    except SQLAlchemyError:
        raise  # the database's trouble is nobody's own: all of it is tried again
    except Exception as error:  # noqa: BLE001 - whatever a journey trips over
        if len(rows) == 1:
            # The kind of error only: its text may quote what is known of her.
            _LOG.error(
                "%s/%s: no words for one message (%s)", asked.journey.name, asked.step.name, type(error).__name__
            )
            return [None]
    middle = len(rows) // 2
    first, second = rows.iloc[:middle], rows.iloc[middle:]
    return [*_words(engine, first, asked), *_words(engine, second, asked)]


def _rows(frame: pd.DataFrame) -> Iterator[_Row]:
    """The frame row by row, without pandas' own way, which makes a class of its own for every frame."""
    return map(_Row._make, zip(*(_values(frame[name]) for name in _Row._fields), strict=True))


def _values(column: pd.Series[Any]) -> Sequence[Any]:
    """A column as plain Python: a time of pandas' own takes a hundred times as long to compare with another."""
    return column.array.to_pydatetime() if isinstance(column.dtype, pd.DatetimeTZDtype) else column.tolist()


def _address(row: _Row, channel: Channel) -> str:
    """Where it goes; paper goes with the parcel."""
    if channel is Channel.PRINT:
        return ""
    return (row.email if channel is Channel.EMAIL else row.phone) or ""


def _leave_by(row: _Row) -> datetime:
    until = row.valid_until
    return row.deadline_at if until is pd.NaT or until > row.deadline_at else until


def _verdict(row: _Row, state: str, reason: str, until: datetime | None) -> Verdict:
    return Verdict(
        message_id=row.message_id,
        run_id=row.run_id or None,
        state=state,
        reason=reason,
        channel=row.channel,
        until=until,
        is_repeat=row.state == state and row.reason_before == reason,
    )
