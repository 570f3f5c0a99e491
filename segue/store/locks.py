"""Locks that two rooms must agree on. SQLite has one writer at a time and needs none of them."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text

#: One import at a time: "segue/in" in bytes.
_INTAKE = 0x73656775652F696E


def lock_intake(connection: Connection) -> None:
    """Wait until nobody else writes people and their facts; held until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_INTAKE)))


def try_lock_intake(connection: Connection) -> bool:
    """Like `lock_intake`, but where somebody holds it return False at once: an import may take minutes."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(_INTAKE))))


def lock_promises(connection: Connection) -> None:
    """Keep merges out until the transaction ends, or wait until the one at work is done; promises go on side by side.

    Whoever both locks people and writes messages asks for this first, as a merge locks messages before people: else
    the two could wait for each other.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE message IN ROW EXCLUSIVE MODE"))
