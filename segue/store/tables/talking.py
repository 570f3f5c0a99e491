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
    UniqueConstraint,
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
    # A run that waits for somebody's yes: what exactly was shown, who agreed to that, and until when it holds.
    Column("digest", Text),
    Column("approval_until", UtcTime),
    Column("approved_at", UtcTime),
    Column("approved_by", Text),
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
    Column("segments", SmallInteger),  # of a text message: the parts that are billed
    Column("cost_micros", BigId),  # what handing it over costs, in millionths of `cost_currency`; null: not known
    Column("cost_currency", Text),
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
    Index(  # news of a text message names it by the provider's id alone
        "ix_message_provider",
        "provider_id",
        sqlite_where=text("channel = 'sms'"),
        postgresql_where=text("channel = 'sms'"),
    ),
)

# The keys that a preview showed: what a yes is for. Sending may only send these.
run_audience = Table(
    "run_audience",
    metadata,
    own_id(),
    ref("run_id", "run"),
    Column("key", Text, nullable=False),
    ref("profile_id", "profile"),
    Column("verdict", Text, nullable=False),  # as shown: send, hold, skip, control
    UniqueConstraint("run_id", "key"),
    Index("ix_run_audience_profile", "profile_id"),
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

# What a provider told of a message after its answer. Told twice it is one; in whatever order, all of it is kept.
delivery_event = Table(
    "delivery_event",
    metadata,
    own_id(),
    Column("dedupe", Text, nullable=False, unique=True),  # provider and its own id of the news
    ref("message_id", "message", nullable=True),  # null: of no message we know
    Column("provider", Text, nullable=False),
    # delivered, deferred, bounced, dropped, blocked, failed, opened, clicked, complained, unsubscribed
    Column("kind", Text, nullable=False),
    Column("reason", Text),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_delivery_event_message", "message_id", "kind"),
)

# What she did with us outside a cart: opened a landing page, clicked, shared her link, followed, mentioned us.
touchpoint = Table(
    "touchpoint",
    metadata,
    own_id(),
    Column("dedupe", Text, nullable=False, unique=True),
    ref("profile_id", "profile", nullable=True),
    Column("kind", Text, nullable=False),  # landing, click, ad_click, share, follow, mention
    ref("message_id", "message", nullable=True),  # what brought her
    Column("network", Text),  # facebook, instagram, pinterest ...
    Column("campaign", Text),  # an ad's or a link's
    Column("target", Text),  # where it led: a path, a voucher's or a referral's code
    Column("verified", Boolean, nullable=False, default=True, server_default=text("true")),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_touchpoint_profile", "profile_id", "kind", "occurred_at"),
    Index("ix_touchpoint_message", "message_id"),
    # What points are earned by, few among many clicks.
    Index(
        "ix_touchpoint_earning",
        "profile_id",
        sqlite_where=text("kind IN ('follow', 'mention')"),
        postgresql_where=text("kind IN ('follow', 'mention')"),
    ),
)

# A set of people as an ad platform knows it, and who of us is in it.
audience = Table(
    "audience",
    metadata,
    own_id(),
    Column("name", Text, nullable=False),  # cart, viewed, related, buyers
    Column("connector", Text, nullable=False),
    Column("external_id", Text),  # the platform's name for it; null: it has not been made there yet
    Column("fields", JSON, nullable=False),  # the kinds of identifiers it was made with, in order
    Column("created_at", UtcTime, nullable=False),
    # How many of those in it the platform says it can do nothing with; whose entries they are it does not say.
    Column("unusable", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("name", "connector"),
)

audience_member = Table(
    "audience_member",
    metadata,
    own_id(),
    ref("audience_id", "audience"),
    Column("key", Text, nullable=False),  # her name there; it stays when profiles are merged
    ref("profile_id", "profile"),
    # adding: handed over, not answered; in; removing; out. What is not known stays where the platform may show an ad.
    Column("state", Text, nullable=False),
    Column("identifiers", JSON, nullable=False),  # as they were handed over, so that the very same are removed
    Column("reason", Text),  # why she went out
    Column("changed_at", UtcTime, nullable=False),
    CheckConstraint("state IN ('adding', 'in', 'removing', 'out')", name="state"),
    UniqueConstraint("audience_id", "key"),
    Index("ix_audience_member_profile", "profile_id"),
)

# Named groups of people that a marketer defined.
segment = Table(
    "segment",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("definition", JSON, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

# Who gets test messages: colleagues, who are no customers and count nowhere.
seed = Table(
    "seed",
    metadata,
    own_id(),
    Column("label", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("channel", "address"),
)

test_send = Table(
    "test_send",
    metadata,
    own_id(),
    Column("key", Text, nullable=False, unique=True),
    ref("seed_id", "seed"),
    Column("journey", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("state", Text, nullable=False),  # handed_over, accepted, rejected, deferred, uncertain
    Column("reason", Text),
    Column("asked_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
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
    Column("name", Text, primary_key=True),  # all, channel:sms, connector:smtp, journey:x, run:7, offers:shop:publish
    Column("paused", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("reason", Text),
    Column("pace_per_second", Float(53)),  # null: as fast as it goes
    Column("pace_taken", JSON),  # what left within the last second: [microseconds since 1970, how much] pairs
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
