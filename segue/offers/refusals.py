"""What the shop refuses for our settings' sake: remembered from the first time until it answers again.

Codes of which it is not told hold messages up, and whoever could mend it looks at neither log nor outbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from segue.contract import ConfigurationError
from segue.store.engine import read, write
from segue.store.tables import channel_state

Verb = Literal["publish", "withdraw", "redemptions"]
_PREFIX = "offers:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that a shop refuses."""

    shop: str
    verb: Verb
    #: The connector's words, which say what to mend.
    reason: str
    since: datetime


def keep_answer(engine: Engine, shop: str, verb: Verb, error: Exception | None, now: datetime) -> None:
    """Remember how a call of the shop ended; trouble that passes by itself changes nothing."""
    name = f"{_PREFIX}{shop}:{verb}"
    told = str(error) if isinstance(error, ConfigurationError) else None
    with read(engine) as connection:
        known = connection.scalar(select(channel_state.c.reason).where(channel_state.c.name == name))
    if told == known or (told is None and error is not None):
        return
    with write(engine) as connection:
        if told is None:
            connection.execute(delete(channel_state).where(channel_state.c.name == name))
            return
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        values = {"paused": False, "reason": told, "changed_at": now}
        row = insert(channel_state).values(name=name, **values)
        connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))


def refusals(connection: Connection) -> list[Refusal]:
    """Everything that a shop refuses at present."""
    rows = connection.execute(
        select(channel_state.c.name, channel_state.c.reason, channel_state.c.changed_at)
        .where(channel_state.c.name.startswith(_PREFIX))
        .order_by(channel_state.c.name)
    )
    found = []
    for name, reason, since in rows:
        shop, _, verb = name.removeprefix(_PREFIX).rpartition(":")
        found.append(Refusal(shop=shop, verb=verb, reason=reason, since=since))
    return found
