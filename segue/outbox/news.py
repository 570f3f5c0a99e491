"""What news of a message changes about the message: one that nobody could be sure of is known at last.

Imports only append news (`delivery_event`). Whatever is decided here follows from all of it, so it ends alike in
whatever order, in however many files and however often the news came.

- A provider that speaks of what it did with a message has had it: `uncertain` becomes `accepted`, and so does one that
  waits for another try, which would write to her twice.
- Where all we hear is that it was dropped, it never left: `uncertain` becomes `rejected`. Should we hear of a delivery
  after all, it becomes `accepted`.
- Every other state stays. Above all nothing that is queued, held or in a worker's hands is touched: that worker's own
  answer comes first, and if it never comes, the message is uncertain by then.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, and_, exists, func, or_, select, update

from segue.store.engine import read, write
from segue.store.tables import delivery_event, message

#: The reason of a message that the provider says it never sent.
DROPPED = "provider_dropped"
#: The provider did not let it out of the house; of everything else it has had the message.
_NOT_SENT = ("dropped", "failed")
#: A text message's news may come before its sender has written down the provider's id. After this long it will not.
_LATE = timedelta(days=7)


def settle_news(engine: Engine, now: datetime) -> int:
    """Find the messages of news that came too early, and settle what news decides; return how many messages changed.

    Safe at any time, in several processes at once, and after any crash: nothing is decided twice.
    """
    with read(engine) as connection:
        if connection.execute(select(delivery_event.c.id).limit(1)).first() is None:
            return 0
    with write(engine) as connection:
        _find_messages(connection, now)
        accepted = connection.execute(
            update(message)
            .where(
                or_(
                    message.c.state == "uncertain",
                    and_(message.c.state == "deferred", message.c.handed_over_at.is_not(None)),
                    and_(message.c.state == "rejected", message.c.reason == DROPPED),
                ),
                _heard(~delivery_event.c.kind.in_(_NOT_SENT)),
            )
            .values(state="accepted", reason=None, answered_at=_answered())
        ).rowcount
        rejected = connection.execute(
            update(message)
            .where(message.c.state == "uncertain", _heard(delivery_event.c.kind.in_(_NOT_SENT)))
            .values(state="rejected", reason=DROPPED, answered_at=_answered())
        ).rowcount
    return accepted + rejected


def _find_messages(connection: Connection, now: datetime) -> None:
    """News is called `<provider>:<its id of the message>:<kind>` where no key came with it."""
    news = delivery_event.c
    before, after = func.length(news.provider) + 2, func.length(news.kind) + 1
    told = func.substr(news.dedupe, before, func.length(news.dedupe) - before - after + 1)
    found = select(func.min(message.c.id)).where(message.c.channel == "sms", message.c.provider_id == told)
    connection.execute(
        update(delivery_event)
        .where(
            news.message_id.is_(None),
            news.recorded_at > now - _LATE,
            exists().where(message.c.channel == "sms", message.c.provider_id == told),
        )
        .values(message_id=found.scalar_subquery())
    )


def _heard(kinds: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(delivery_event.c.message_id == message.c.id, kinds)


def _answered() -> ColumnElement[datetime]:
    """When it was answered or given up as unanswered: news that comes in another order must not say another time."""
    return func.coalesce(message.c.answered_at, message.c.handed_over_at)
