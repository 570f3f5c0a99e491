"""What was promised to be said, decided, and answered; who works on it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)

from segue.store.tables.base import metadata, own_id, ref
from segue.store.types import BigId, UtcTime

installation = Table(
    "installation",
    metadata,
    Column("key", Text, primary_key=True),  # secret_fingerprint
    Column("value", Text, nullable=False),
)

run = Table(
    "run",
    metadata,
    own_id(),
    Column("journey", Text, nullable=False),
    Column("flow_run_id", Text, unique=True),  # Prefect's id; null when started without Prefect
    Column("brief", JSON, nullable=False),  # what the marketer turned; held messages are judged by it later
    Column("started_at", UtcTime, nullable=False),
)

message = Table(
    "message",
    metadata,
    own_id(),
    Column("key", Text, nullable=False, unique=True),
    Column("profile_id", BigId, nullable=False),
    # The unit of leases: profile_id % 256, and 256 more in the transactional lane.
    Column("bucket", SmallInteger, nullable=False),
    Column("run_id", BigId),
    Column("journey", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("subject_id", BigId),  # the row the occasion is about: this cart
    Column("transactional", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("priority", SmallInteger, nullable=False),  # higher goes first
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("not_before", UtcTime, nullable=False),
    Column("deadline_at", UtcTime, nullable=False),
    Column("promised_at", UtcTime, nullable=False),
    Column("channel", Text),
    Column("connector", Text),
    Column("template_version", Text),
    Column("attempts", SmallInteger, nullable=False, default=0, server_default="0"),
    Column("worker", Text),  # who marked it handed over
    Column("epoch", BigId, nullable=False, default=0, server_default="0"),  # of the lease it was marked under
    Column("handed_over_at", UtcTime),  # what the budget counts
    Column("answered_at", UtcTime),
    Column("provider_id", Text),
    CheckConstraint(
        "state IN ('queued', 'held', 'deferred', 'handed_over', 'accepted', 'rejected', 'uncertain', 'skipped',"
        " 'control')",
        name="state",
    ),
    Index(
        "ix_message_ready",
        "bucket",
        "not_before",
        sqlite_where=text("state IN ('queued', 'held', 'deferred')"),
        postgresql_where=text("state IN ('queued', 'held', 'deferred')"),
    ),
    Index(
        "ix_message_handed_over",
        "bucket",
        sqlite_where=text("state = 'handed_over'"),
        postgresql_where=text("state = 'handed_over'"),
    ),
    Index("ix_message_profile", "profile_id", "handed_over_at"),  # the budget's, and her timeline's
    Index(
        "ix_message_accepted",
        "journey",
        "step",
        "answered_at",
        sqlite_where=text("state = 'accepted'"),
        postgresql_where=text("state = 'accepted'"),
    ),
    Index("ix_message_run", "run_id"),
)

decision = Table(
    "decision",
    metadata,
    own_id(),
    Column("message_id", BigId, ForeignKey("message.id"), nullable=False),
    Column("run_id", BigId),
    Column("verdict", Text, nullable=False),  # send, hold, skip, control
    Column("reason", Text),
    Column("until", UtcTime),  # for hold
    Column("decided_at", UtcTime, nullable=False),
    Index("ix_decision_message", "message_id"),
)

lease = Table(
    "lease",
    metadata,
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("owner", Text),
    Column("epoch", BigId, nullable=False, default=0, server_default="0"),
    # Seconds since 1970 by the database's own clock.
    Column("expires_at", Float(53), nullable=False, default=0, server_default="0"),
)

channel_state = Table(
    "channel_state",
    metadata,
    Column("name", Text, primary_key=True),  # all, channel:sms, connector:smtp, journey:x, run:7
    Column("paused", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("reason", Text),
    Column("pace_per_second", Float(53)),  # null: as fast as it goes
    Column("pace_free_at", UtcTime),  # the next free slot
    Column("changed_at", UtcTime, nullable=False),
)

journey_state = Table(
    "journey_state",
    metadata,
    Column("journey", Text, primary_key=True),
    Column("live_from", UtcTime, nullable=False),  # older facts never trigger it
)

# One closing of a location's spool: which pages, in which order, is decided before anything is printed.
print_run = Table(
    "print_run",
    metadata,
    own_id(),
    Column("location", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),  # null: its files may be missing; the next print run finishes it first
)

print_page = Table(
    "print_page",
    metadata,
    Column("message_id", BigId, ForeignKey("message.id"), primary_key=True, autoincrement=False),
    ref("print_run_id", "print_run"),
    Column("position", Integer),  # in packing order, from 1; null: taken out
    Column("taken_out", Text),  # why: cancelled, packed
    Index("ix_print_page_run", "print_run_id", "position"),
)
