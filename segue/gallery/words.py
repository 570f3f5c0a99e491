"""Machine words in human ones: groups, reasons, steps and channels, for every place where people read them.

Phrases follow "Left out:" or stand beside a name, so they are short, about a person, and in the past tense.
A word nobody has put into plain language yet is shown as it is, without underscores.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

#: The groups of the sum after something happened.
GROUPS: Final = {
    "accepted": "Sent",
    "pending": "Waiting",
    "uncertain": "Fate unknown",
    "rejected": "Refused by the provider",
    "skipped": "Left out",
    "control": "Held back to measure",
}
#: The same groups in a preview, where nothing happened.
GROUPS_PREVIEWED: Final = {
    **GROUPS,
    "accepted": "Would be sent",
    "pending": "Would wait",
    "skipped": "Would be left out",
    "control": "Would be held back to measure",
}
#: What a group means, in a sentence.
MEANINGS: Final = {
    "accepted": "The provider took the message.",
    "pending": "Nothing is decided for good; it is looked at again at its time.",
    "uncertain": "Handed over, and no answer came. It is not sent again by itself.",
    "rejected": "Handed over, and the provider said no for good.",
    "skipped": "A rule said no for good, and says which.",
    "control": "Left alone on purpose, so that the journey can be measured against people like them.",
}
#: Why. `{marketing}` becomes the channels of the step: "marketing e-mail".
REASONS: Final = {
    # skipped
    "too_late": "the moment had passed",
    "no_address": "no address we could use",
    "no_consent": "never agreed to {marketing}",
    "unconfirmed": "a yes to {marketing} not confirmed yet",
    "denied": "said no to {marketing}",
    "suppressed": "asked us to stop, or the address bounced",
    "converted": "had already bought",
    "occasion_gone": "what it was about was gone",
    "sold_out": "nothing left in that size",
    "zone_unknown": "no telling what time it is there",
    "over_budget": "had enough messages lately",
    "template": "the message could not be written",
    "code_spent": "the code on the card was used or taken back before it was printed",
    "merged": "had this message under another name",
    "stopped": "the run was stopped before this left",
    "age_unknown": "age unknown",
    "underage": "may be under 18",
    # control
    "holdout_journey": "in this journey's comparison group",
    "holdout_global": "in the comparison group of all journeys",
    # pending
    "too_early": "not time yet",
    "quiet_hours": "quiet hours there",
    "paused": "the brake is on",
    "budget": "had enough messages lately; waits for room",
    "code_unpublished": "the shop does not know the code yet",
    "pace": "waits its turn",
    "journey_broken": "the journey's own code failed; waits for its repair",
    "no_connector": "no connector serves this channel yet",
    "throttled": "the provider asked us to slow down",
    # of an ad audience
    "not_considered": "did nothing lately that it is about",
    "changed": "an address of hers changed",
    # uncertain, rejected
    "no_answer": "the provider never answered",
    "refused": "the provider gave no reason",
    "mailbox_unknown": "the mailbox does not exist",
    "address_malformed": "the address is not one",
    "content_malformed": "the content could not be put into a message",
    "worker_died": "the sending process was killed in the middle",
    "worker_lost": "the sending machine was lost in the middle",
}
CHANNELS: Final = {"email": "e-mail", "sms": "text message", "print": "print", "audience": "ads"}
_MEDIA: Final = {
    "email": "e-mail",
    "sms": "texts",
    "print": "by post",
    "audience": "ads",
    "ads": "ads",
    "all": "of any kind",
}
_SHOPS: Final = {
    "web": "the web shop",
    "facebook_shop": "the Facebook shop",
    "instagram_shop": "the Instagram shop",
    "store": "a store",
    "popup": "the pop-up",
}
#: What an occasion is, by the journey's name or the first part of its own: one, many, and what happened to them.
OCCASIONS: Final = {
    "welcome_insert": ("first parcel", "first parcels", "to be packed"),
    "cart": ("cart", "carts", "left behind"),
    "order": ("order", "orders", "placed"),
    "order_confirmation": ("order", "orders", "paid"),
    "popup": ("neighbour", "neighbours", "drawn for an invitation"),
    "popup_invite": ("neighbour", "neighbours", "drawn for an invitation"),
    "referral_followup": ("reward", "rewards", "earned by a friend"),
    "style_followup": ("order", "orders", "at home for a week"),
    "loyalty_notice": ("warning", "warnings", "due for points that run out"),
}
#: What answering such an occasion is, where it is more than writing.
_ANSWERS: Final = {
    "welcome_insert": "put a card into",
    "order_confirmation": "confirmed",
    "popup_invite": "invited",
    "referral_followup": "told of",
    "style_followup": "wrote about",
    "loyalty_notice": "sent",
}
#: What a shop that refuses our settings does not do with codes.
_REFUSED: Final = {
    "publish": "takes no new codes",
    "withdraw": "takes no codes back",
    "redemptions": "does not tell which codes were used",
}


def group(word: str, *, preview: bool = False) -> str:
    """Say one group of the sum."""
    return (GROUPS_PREVIEWED if preview else GROUPS).get(word, title(word))


def reason(word: str | None, channels: Sequence[str] = ()) -> str:
    """Say why, for a step that goes out on `channels`; empty where there is no reason."""
    if not word:
        return ""
    named = " or ".join(medium(channel) for channel in channels)
    phrase = REASONS.get(word)
    return plain(word) if phrase is None else phrase.format(marketing=f"marketing {named or 'messages'}")


def standing(name: str) -> str:
    """Say what stands still by the brake's name for it: `the channel text message is paused`."""
    if name == "journey_broken":
        return reason(name)
    kind, _, one = name.partition(":")
    if kind == "run":
        return f"run {one} is paused or stopped"
    told = channel(one) if kind == "channel" else title(one) if kind == "journey" else one
    return f"the {kind} {told} is paused" if one else "everything is paused"


def refused(verb: str, shop: str) -> str:
    """Say what a shop refuses: `shopify_offers takes no new codes`."""
    return f"{shop} {_REFUSED[verb]}"


def channel(word: str | None) -> str:
    """Say the channel; empty where none was chosen."""
    return "" if word is None else CHANNELS.get(word, plain(word))


def several(word: str) -> str:
    """Say messages of a channel: `e-mails`, `texts`, `cards`."""
    return {"email": "e-mails", "sms": "texts", "print": "cards"}.get(word, plain(word))


def medium(word: str) -> str:
    """Say the channel where it is consented to: marketing e-mail, marketing texts."""
    return _MEDIA.get(word, plain(word))


def shop(word: str) -> str:
    """Say where a sale was made: the Facebook shop."""
    return _SHOPS.get(word, plain(word))


def step(name: str) -> str:
    """Say a step's name at the start of a line: `last_call` reads `Last call`."""
    return title(name)


def occasions(kind: str, count: int) -> tuple[str, str]:
    """Say how many occasions of a kind there were, and what happened to them: `("384 carts", "left behind")`."""
    one, many, fate = OCCASIONS.get(kind, ("occasion", "occasions", "found"))
    return f"{count:,} {one if count == 1 else many}", fate


def answered(kind: str) -> str:
    """Say what was done about occasions of a kind: `answered`, `put a card into`."""
    return _ANSWERS.get(kind, "answered")


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return `1 cart`, `2 carts`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def plain(word: str) -> str:
    """Turn a machine's word into plain words: `last_call` reads `last call`."""
    return _HYPHENED.sub(r"\1-up", word.replace("_", " ").strip())


def title(word: str) -> str:
    """The same, to stand at the start of a line."""
    said = plain(word)
    return said[:1].upper() + said[1:]


def money(minor: int, currency: str) -> str:
    """Write an amount of minor units: `$74.00`, `74.00 CHF`."""
    sign = {"USD": "$", "EUR": "€", "GBP": "£"}.get(currency)
    amount = f"{minor:,}" if currency in _WITHOUT_CENTS else f"{minor / 100:,.2f}"
    return f"{sign}{amount}" if sign else f"{amount} {currency}"


_HYPHENED: Final = re.compile(r"\b(pop|follow)up\b")
_WITHOUT_CENTS: Final = frozenset({"JPY", "KRW", "CLP", "VND", "ISK"})
