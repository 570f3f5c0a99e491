"""The states of a message, and the lanes and buckets it travels in."""

from __future__ import annotations

#: May still leave; `not_before` says when it is looked at again.
PENDING = ("queued", "held", "deferred")
#: Marked for a connector; no answer recorded yet.
HANDED_OVER = "handed_over"
#: What the frequency budget counts: it reached her, or may have.
COUNTED = ("handed_over", "accepted", "uncertain")

PERSON_BUCKETS = 256
#: Transactional messages lease buckets of their own (256 to 511), so they never wait behind a campaign.
MARKETING_BUCKETS = range(PERSON_BUCKETS)
TRANSACTIONAL_BUCKETS = range(PERSON_BUCKETS, 2 * PERSON_BUCKETS)
ALL_BUCKETS = range(2 * PERSON_BUCKETS)
