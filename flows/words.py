"""Machine words in a marketer's language. Unknown words are shown as they are, without underscores."""

from __future__ import annotations

from typing import Final

#: The sum's groups after a real run.
GROUPS: Final = {
    "accepted": "Handed to the provider",
    "pending": "Waiting",
    "uncertain": "Not known yet",
    "rejected": "Refused by the provider",
    "skipped": "Left out",
    "control": "Held out to compare with",
}
#: The same groups in a preview, where nothing happened.
GROUPS_PREVIEWED: Final = {
    **GROUPS,
    "accepted": "Would get a message now",
    "pending": "Would wait",
    "skipped": "Would be left out",
    "control": "Would be held out to compare with",
}
REASONS: Final = {
    # skipped
    "too_late": "too late for this message",
    "no_address": "no e-mail address or phone number we could use",
    "no_consent": "has not agreed to marketing",
    "denied": "said no to marketing",
    "suppressed": "unsubscribed, complained, or the address bounced",
    "converted": "bought in the meantime",
    "occasion_gone": "the cart was emptied",
    "sold_out": "everything in it is sold out in that size",
    "zone_unknown": "no idea what time it is there",
    "over_budget": "has had enough messages lately",
    "template": "the message could not be written (see the logs)",
    # control
    "holdout_journey": "this journey's comparison group",
    "holdout_global": "the comparison group of all journeys",
    # held
    "too_early": "not due yet",
    "quiet_hours": "it is night there",
    "paused": "somebody put the brake on",
    "budget": "has had enough messages lately",
    "code_unpublished": "the shop does not know the code yet",
    "pace": "sending is paced",
    # provider
    "throttled": "the provider asked us to slow down",
    "no_answer": "the provider did not answer",
    "mailbox_unknown": "the mailbox does not exist",
}
CHANNELS: Final = {"email": "e-mail", "sms": "SMS", "print": "print", "audience": "ads"}


def group(word: str, *, preview: bool) -> str:
    """Say one group of the sum."""
    return (GROUPS_PREVIEWED if preview else GROUPS).get(word, plain(word))


def reason(word: str | None) -> str:
    """Say why; empty where there is no reason."""
    return "" if word is None else REASONS.get(word, plain(word))


def channel(word: str | None) -> str:
    """Say the channel; empty where none was chosen."""
    return "" if word is None else CHANNELS.get(word, plain(word))


def plain(word: str) -> str:
    """Turn a machine's word into plain words: `last_call` reads `last call`."""
    return word.replace("_", " ").replace("-", " ")


def title(word: str) -> str:
    """The same, to stand at the start of a line."""
    return plain(word)[:1].upper() + plain(word)[1:]
