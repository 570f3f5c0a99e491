"""Taking cards back: paper that never reached anybody is settled as if it had not been sent.

Its message becomes skipped, so that her budget is free again and her next parcel may hold a card; its own code is
revoked unless another message may have told it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, and_, exists, insert, or_, select, tuple_, update

from segue import offers
from segue.contract import Channel
from segue.journeys.definition import Journey
from segue.policy import Reason
from segue.store.engine import read, write
from segue.store.locks import lock_promises
from segue.store.sql import among, later
from segue.store.tables import decision, fulfilment, message, order, print_page, print_run, redemption, voucher

#: Cards handed over longer ago than this are in somebody's hands or in the bin.
LOOKBACK = timedelta(days=60)
#: A message bears the time at which it was judged: a code that was made a little later may be in it all the same.
JUDGED_BEFORE = timedelta(hours=1)
#: Of what was handed over all else may have reached her; so may one that waits for another try.
_NOT_SEEN = ("rejected", "skipped")


class Taken(NamedTuple):
    """A card that is taken back."""

    message_id: int
    run_id: int | None
    key: str
    reason: str


def lock_spooled(connection: Connection, message_ids: Sequence[int]) -> set[int]:
    """Those of these messages that are spooled still; nobody stops or settles them until the transaction ends.

    Whoever prints and whoever stops a run asks for the messages first, so that one of the two waits for the other.
    """
    lock_promises(connection)  # before any row of it, as everybody does
    question = select(message.c.id).where(among(connection, message.c.id, message_ids), message.c.state == "accepted")
    return set(connection.scalars(question.order_by(message.c.id).with_for_update()))


def take_back_cancelled(
    engine: Engine, journeys: Iterable[Journey], *, now: datetime, only_printed: bool = False
) -> int:
    """Take back every card, spooled or printed, whose order was cancelled before anything of it was packed.

    Such a parcel never leaves. Call it before anybody is chosen, so that the order she placed instead gets the card.
    Returns how many. A page of a print run that is not finished is taken out of it. With `only_printed`, what waits
    in the spool is left to the print run that asks.
    """
    steps = [(one.name, step) for one in journeys for step in one.steps]
    in_parcels = [(name, step.name) for name, step in steps if step.in_parcels]
    # A step that does not say so tells by its key that it is about an order.
    by_key = [(name, step.name) for name, step in steps if Channel.PRINT in step.channels and not step.in_parcels]
    if not in_parcels and not by_key:
        return 0
    rides = tuple_(message.c.journey, message.c.step)
    handled = exists().where(fulfilment.c.order_id == order.c.id, fulfilment.c.occurred_at <= now)
    question = (
        select(message.c.id, message.c.run_id, message.c.key, message.c.provider_id, print_page.c.print_run_id)
        .join(order, order.c.id == message.c.subject_id)
        .outerjoin(print_page, print_page.c.message_id == message.c.id)
        .where(
            or_(rides.in_(in_parcels), rides.in_(by_key) & message.c.key.like("%/order:%")),
            message.c.state == "accepted",
            message.c.answered_at > now - LOOKBACK,
            message.c.channel == "print",
            order.c.cancelled_at <= now,
            ~handled,
            *((print_page.c.message_id.is_not(None),) if only_printed else ()),
        )
    )
    with read(engine) as connection:
        if connection.execute(question.limit(1)).first() is None:
            return 0
    with write(engine) as connection:
        lock_spooled(connection, [row.id for row in connection.execute(question)])
        found = connection.execute(question).all()
        _file_away(connection, [row for row in found if row.print_run_id is None], Reason.OCCASION_GONE, now)
        unfinished = select(print_run.c.id).where(print_run.c.closed_at.is_(None))
        connection.execute(
            update(print_page)
            .where(
                among(connection, print_page.c.message_id, [row.id for row in found]),
                print_page.c.print_run_id.in_(unfinished),
            )
            .values(position=None, taken_out=Reason.OCCASION_GONE.value)
        )
        settle(connection, [Taken(row.id, row.run_id, row.key, Reason.OCCASION_GONE.value) for row in found], now)
    return len(found)


def settle(connection: Connection, taken: Sequence[Taken], now: datetime) -> None:
    """What is taken back was never sent: the message is skipped with its reason, and its code revoked."""
    if not taken:
        return
    for reason in {one.reason for one in taken}:
        ids = [one.message_id for one in taken if one.reason == reason]
        connection.execute(
            update(message)
            .where(and_(among(connection, message.c.id, ids), message.c.state == "accepted"))
            .values(state="skipped", reason=reason)
        )
    connection.execute(
        insert(decision),
        [
            {
                "message_id": one.message_id,
                "run_id": one.run_id,
                "verdict": "skip",
                "reason": one.reason,
                "until": None,
                "decided_at": now,
            }
            for one in taken
        ],
    )
    offers.revoke(connection, _seen_by_nobody(connection, [one.key for one in taken]), now)


def take_back_run(
    connection: Connection, run_id: int, *, is_spool: Callable[[str], bool], now: datetime
) -> tuple[int, int]:
    """Take back what a stopped run has in a spool: how many pages, and how many more that may be printed by now.

    A page that no print run has begun with is settled as never sent. One of a print run that is not finished may be on
    paper: it is taken out of that run and its message is uncertain, until whoever prints it says that it is printed.
    What is printed stays. `is_spool` tells by a connector's name whether it prints only when asked.
    """
    mine = message.c.run_id == run_id, message.c.channel == "print", message.c.state == "accepted"
    ids = sorted(lock_spooled(connection, connection.scalars(select(message.c.id).where(*mine)).all()))
    begun = select(print_page.c.print_run_id).where(among(connection, print_page.c.message_id, ids))
    unfinished = connection.scalars(
        select(print_run.c.id).where(print_run.c.id.in_(begun), print_run.c.closed_at.is_(None)).with_for_update()
    ).all()
    found = connection.execute(
        select(message.c.id, message.c.run_id, message.c.key, message.c.provider_id, message.c.connector)
        .add_columns(print_page.c.print_run_id)
        .outerjoin(print_page, print_page.c.message_id == message.c.id)
        .where(among(connection, message.c.id, ids))
    ).all()
    spooled = [row for row in found if row.print_run_id is None and is_spool(row.connector or "")]
    _file_away(connection, spooled, Reason.STOPPED, now)
    settle(connection, [Taken(row.id, row.run_id, row.key, Reason.STOPPED.value) for row in spooled], now)
    printing = [row.id for row in found if row.print_run_id in set(unfinished)]
    connection.execute(
        update(print_page)
        .where(among(connection, print_page.c.message_id, printing))
        .values(position=None, taken_out=Reason.STOPPED.value)
    )
    connection.execute(
        update(message)
        .where(among(connection, message.c.id, printing))
        .values(state="uncertain", reason=Reason.STOPPED.value)
    )
    return len(spooled), len(printing)


def put_back_printed(connection: Connection, position_of: Mapping[int, int]) -> None:
    """Of pages that were printed: those whose run was stopped meanwhile did reach their parcels' stack."""
    stopped = connection.scalars(
        select(message.c.id).where(
            among(connection, message.c.id, list(position_of)),
            message.c.state == "uncertain",
            message.c.reason == Reason.STOPPED.value,
        )
    ).all()
    if not stopped:
        return
    connection.execute(
        update(message).where(among(connection, message.c.id, stopped)).values(state="accepted", reason=None)
    )
    for one in stopped:
        connection.execute(
            update(print_page).where(print_page.c.message_id == one).values(position=position_of[one], taken_out=None)
        )


def with_spent_codes(connection: Connection, message_ids: Sequence[int], now: datetime) -> set[int]:
    """Those of these cards that show a code which was used or revoked since; their own, else one she held."""
    own = voucher.alias("own")
    has_own = exists().where(own.c.message_key == message.c.key)
    used = exists().where(redemption.c.voucher_id == voucher.c.id, redemption.c.counts, redemption.c.redeemed_at <= now)
    return set(
        connection.scalars(
            select(message.c.id)
            .join(voucher, voucher.c.profile_id == message.c.profile_id)
            .where(
                among(connection, message.c.id, message_ids),
                or_(
                    voucher.c.message_key == message.c.key,
                    ~has_own & (voucher.c.valid_from <= message.c.handed_over_at),
                ),
                voucher.c.valid_until > message.c.handed_over_at,
                or_(voucher.c.revoked_at > message.c.handed_over_at, used),
            )
        )
    )


def _file_away(connection: Connection, rows: Sequence[Any], reason: Reason, now: datetime) -> None:
    """Give pages that were never in a print run one that is over and printed nothing, so that none will print them."""
    by_place: dict[str, list[int]] = {}
    for row in rows:
        by_place.setdefault(str(row.provider_id).rpartition("/")[0], []).append(row.id)
    for place, ids in by_place.items():
        run_id = connection.execute(
            insert(print_run).values(location=place, started_at=now, closed_at=now).returning(print_run.c.id)
        ).scalar_one()
        connection.execute(
            insert(print_page),
            [{"message_id": one, "print_run_id": run_id, "position": None, "taken_out": reason.value} for one in ids],
        )


def _seen_by_nobody(connection: Connection, keys: Sequence[str]) -> Sequence[str]:
    """The codes of these pages, without those that another message may have told.

    Any message that may show her a live code shows this one, and none writes down which it showed. So whatever
    reached her since the code was made, or may have, keeps the code alive: a code she was told stays good. (The pages
    themselves are skipped by now.)
    """
    other = message.alias("other")
    told = (
        select(other.c.id)
        .where(
            other.c.profile_id == voucher.c.profile_id,
            other.c.state.not_in(_NOT_SEEN),
            other.c.handed_over_at > later(voucher.c.valid_from, -JUDGED_BEFORE),
        )
        .exists()
    )
    return connection.scalars(select(voucher.c.code).where(among(connection, voucher.c.message_key, keys), ~told)).all()
