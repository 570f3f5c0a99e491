"""What the names of `track` calls mean that tell of us and her: landings, clicks, shares, follows, and her word.

A click says that somebody, or a scanner, opened a link. Nothing but a click follows from it: least of all a consent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from segue.intake import records as r
from segue.intake import talk, values
from segue.intake.call import Call, text_of
from segue.intake.errors import BadValueError
from segue.intake.tokens import Through

_TOUCHES = {
    "landing viewed": "landing",
    "email link clicked": "click",
    "link clicked": "click",
    "ad clicked": "ad_click",
    "referral shared": "share",
    "social followed": "follow",
    "social mentioned": "mention",
}
_WORDS = {"consent given": "granted", "consent confirmed": "confirmed", "consent withdrawn": "denied"}
_CHANNELS = frozenset({"email", "sms", "print", "ads", "all"})
#: Properties that may name what a touch is about, the first that is there.
_CODES = ("code", "voucher_code", "referral_code", "coupon")
_LONGEST_PATH = 2_000
#: A token of ours holds a whole address.
_LONGEST_LINK = 16_000


def is_talk(name: str) -> bool:
    """Whether a name (lower-case, single spaces) is one of these."""
    return name in _TOUCHES or name in _WORDS


def facts_of_talk(name: str, call: Call) -> Iterator[r.Fact]:
    """Yield what the call says; raises BadValueError for what cannot be used, such as a forged token."""
    link = _link(call)
    if name in _WORDS:
        yield _consent(_WORDS[name], call, link)
    else:
        yield _touchpoint(_TOUCHES[name], call, link)


def _link(call: Call) -> Through:
    """What the link says that was followed: a `token` of ours, else the `url`."""
    for key in ("token", "url"):
        told = call.properties.get(key)
        if isinstance(told, str) and told.strip():
            return call.read_link(values.parse_text(told, _LONGEST_LINK))
    return Through()


def _touchpoint(kind: str, call: Call, link: Through) -> talk.Touchpoint:
    code = link.code or next((found for key in _CODES if (found := call.text(key)) is not None), None)
    told = call.properties.get("verified")
    campaign = _campaign(call)
    path, tags = _split(link.target)
    network = call.text("network") or campaign.get("source") or _first(tags, "utm_source")
    return talk.Touchpoint(
        line=call.line,
        names=call.names,
        kind=kind,
        dedupe=call.message_id,
        through=link.message_id,
        code=code,
        network=network.lower() if network is not None else None,
        campaign=call.text("campaign") or campaign.get("name") or _first(tags, "utm_campaign"),
        target=code or call.text("post_id") or path,
        verified=told if isinstance(told, bool) else kind not in talk.CLAIMS,
        occurred_at=call.at,
    )


def _campaign(call: Call) -> Mapping[str, str]:
    """Segment's `context.campaign`: the page's own UTM tags."""
    given = call.context.get("campaign")
    found: Mapping[str, Any] = given if isinstance(given, dict) else {}
    return {key: text for key in ("name", "source") if (text := text_of(found, key)) is not None}


def _first(tags: Mapping[str, list[str]], name: str) -> str | None:
    return text_of({name: tags[name][0]}, name) if tags.get(name) else None


def _split(target: str | None) -> tuple[str | None, dict[str, list[str]]]:
    """Where a link led, and its tags. Of its query nothing else is kept: that may hold anything, an address too."""
    if target is None:
        return None, {}
    try:
        parts = urlsplit(target)
        return (parts.path or "/")[:_LONGEST_PATH], parse_qs(parts.query)
    except ValueError:
        return None, {}


def _consent(state: str, call: Call, link: Through) -> r.Consent:
    channel = (call.text("channel") or link.channel or "").lower()
    if channel not in _CHANNELS:
        raise BadValueError("unknown_value" if channel else "missing_key", "channel")
    # A no whose clock runs ahead of ours, however far, is a no already.
    at = min(call.at, call.now) if call.now is not None and state == "denied" else call.at
    return r.Consent(
        line=call.line,
        names=call.names,
        channel=channel,
        purpose="marketing",
        state=state,
        basis="objection" if state == "denied" else "opt_in",
        source=call.text("source") or "track",
        wording=text_of(call.properties, "wording", 4_000),
        occurred_at=at,
        through=link.message_id,
    )
