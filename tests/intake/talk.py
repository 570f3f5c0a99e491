"""Payloads and messages of the tests' own for what people and providers tell us."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from segue.clock import VirtualClock
from segue.intake import ImportReport, import_anything, link_reader
from segue.outbox.news import settle_news
from segue.render import Links
from segue.store.engine import write
from segue.store.tables import identifier, message, profile

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp()) - 3_600
BASE = "https://hello.example.com"
LINKS = Links(BASE, b"a secret of more than sixteen bytes")
#: The same installation's address, another one's secret.
FOREIGN = Links(BASE, b"another secret, as long as needed")
PHONE = "+12025550123"


def hashed(address: str) -> str:
    """A stand-in for the keyed hash that tells addresses apart."""
    return hashlib.sha256(address.encode()).hexdigest()


def bring_in(engine: Engine, folder: Path, *lines: object, name: str = "", mapping: str = "") -> ImportReport:
    """Import lines (objects as JSON) through the front door's intake, and settle as it does."""
    file = folder / (name or f"posts{next(_numbers)}.jsonl")
    file.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    page = folder / "mapping.toml"
    page.write_text(mapping)
    report = import_anything(
        engine,
        file,
        page if mapping else None,
        clock=VirtualClock(NOW),
        hash_address=hashed,
        read_link=link_reader(LINKS, BASE),
    )
    settle_news(engine, NOW)
    return report


_numbers = count()


def add_person(engine: Engine, **names: str) -> int:
    """Add a profile that goes by `names`: email="a@example.com"."""
    with write(engine) as connection:
        made = connection.execute(insert(profile).values(created_at=NOW).returning(profile.c.id)).scalar_one()
        for kind, value in names.items():
            connection.execute(insert(identifier).values(kind=kind, value=value, profile_id=made, recorded_at=NOW))
    return int(made)


def add_message(engine: Engine, owner: int, key: str, state: str = "accepted", **more: Any) -> int:
    """Add a message in a state."""
    left = state in {"accepted", "uncertain", "handed_over", "rejected", "deferred"}
    row = {
        "key": key,
        "profile_id": owner,
        "bucket": owner % 256,
        "journey": key.split("/", maxsplit=1)[0],
        "step": "only",
        "priority": 0,
        "state": state,
        "not_before": NOW,
        "deadline_at": NOW,
        "promised_at": NOW,
        "channel": "email",
        "handed_over_at": NOW if left else None,
        **more,
    }
    with write(engine) as connection:
        return int(connection.execute(insert(message).values(row).returning(message.c.id)).scalar_one())


def states(engine: Engine) -> dict[str, tuple[str, str | None]]:
    """How each message stands: key -> state and reason."""
    with engine.connect() as connection:
        rows = connection.execute(select(message.c.key, message.c.state, message.c.reason))
        return {row[0]: (row[1], row[2]) for row in rows}


def mail_news(event: str, number: object = 1, **more: object) -> dict[str, object]:
    """One event of SendGrid's webhook."""
    return {
        "email": "sarah@example.com",
        "timestamp": AT,
        "event": event,
        "sg_event_id": f"event-{event}-{number}",
        "sg_message_id": "abc.recvd-1",
        "category": ["welcome"],
        **more,
    }


def text_news(status: str, sid: str = "SM1", **more: object) -> dict[str, object]:
    """One status of Twilio's, as its parameters."""
    return {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "To": PHONE, "From": "+12025550199", **more}


def reply(body: str, sid: str = "SM9", **more: object) -> dict[str, object]:
    """A text message that somebody wrote to us."""
    return {"MessageSid": sid, "SmsStatus": "received", "From": PHONE, "To": "+12025550199", "Body": body, **more}


def track(name: str, number: object = 1, **more: Any) -> dict[str, Any]:
    """One `track` call; `user`, `context` and `at` are the call's, all else its properties."""
    call: dict[str, Any] = {"type": "track", "event": name, "messageId": f"{name}-{number}"}
    call["timestamp"] = more.pop("at", "2026-04-01T10:00:00Z")
    for ours, theirs in (("user", "userId"), ("context", "context"), ("cookie", "anonymousId")):
        if ours in more:
            call[theirs] = more.pop(ours)
    return {**call, "properties": more}
