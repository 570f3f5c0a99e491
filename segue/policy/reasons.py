"""The vocabulary of verdicts: why a message leaves now, later, or never."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What policy says of a promise."""

    SEND = "send"
    HOLD = "hold"
    SKIP = "skip"
    CONTROL = "control"


class Reason(StrEnum):
    """Why the verdict is not `send`. Each word belongs to one verdict: `Reason.verdict`."""

    TOO_LATE = "too_late"
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    UNCONFIRMED = "unconfirmed"
    DENIED = "denied"
    SUPPRESSED = "suppressed"
    CONVERTED = "converted"
    OCCASION_GONE = "occasion_gone"
    SOLD_OUT = "sold_out"
    ZONE_UNKNOWN = "zone_unknown"
    OVER_BUDGET = "over_budget"
    TEMPLATE = "template"
    CODE_SPENT = "code_spent"
    MERGED = "merged"
    STOPPED = "stopped"
    AGE_UNKNOWN = "age_unknown"
    UNDERAGE = "underage"

    HOLDOUT_JOURNEY = "holdout_journey"
    HOLDOUT_GLOBAL = "holdout_global"

    TOO_EARLY = "too_early"
    QUIET_HOURS = "quiet_hours"
    PAUSED = "paused"
    BUDGET = "budget"
    CODE_UNPUBLISHED = "code_unpublished"
    PACE = "pace"
    NO_CONNECTOR = "no_connector"
    JOURNEY_BROKEN = "journey_broken"

    @property
    def verdict(self) -> Verdict:
        """The verdict this reason stands for."""
        if self in _CONTROLS:
            return Verdict.CONTROL
        return Verdict.HOLD if self in _HOLDS else Verdict.SKIP

    @property
    def meaning(self) -> str:
        """One sentence for people who read neither Python nor logs."""
        return _MEANING[self]


_CONTROLS = frozenset({Reason.HOLDOUT_JOURNEY, Reason.HOLDOUT_GLOBAL})
_HOLDS = frozenset(
    {
        Reason.TOO_EARLY,
        Reason.QUIET_HOURS,
        Reason.PAUSED,
        Reason.BUDGET,
        Reason.CODE_UNPUBLISHED,
        Reason.PACE,
        Reason.NO_CONNECTOR,
        Reason.JOURNEY_BROKEN,
    }
)
_MEANING = {
    Reason.TOO_LATE: "The time in which this message made sense has passed.",
    Reason.NO_ADDRESS: "We have no address for any channel of this step.",
    Reason.NO_CONSENT: "The law of her country asks for a consent that she has not given.",
    Reason.UNCONFIRMED: "She agreed, but has yet to confirm it: her country asks for that, or an undated no does.",
    Reason.DENIED: "She said no to this channel.",
    Reason.SUPPRESSED: "Her address must not be written to again.",
    Reason.CONVERTED: "She has already done what the message asks for.",
    Reason.OCCASION_GONE: "What the message was about is no more.",
    Reason.SOLD_OUT: "Nothing it would show can still be bought in her size.",
    Reason.ZONE_UNKNOWN: "We cannot tell an hour at which a text message to her is allowed.",
    Reason.OVER_BUDGET: "She has had enough messages lately, and this one does not wait.",
    Reason.TEMPLATE: "The template could not be filled for her.",
    Reason.STOPPED: "Somebody stopped the run that this message was a part of.",
    Reason.MERGED: "Two profiles turned out to be hers, and the other one had this message.",
    Reason.AGE_UNKNOWN: "We do not know her year of birth; ads are for people we know to be of age.",
    Reason.UNDERAGE: "She is not, or may not yet be, 18.",
    Reason.HOLDOUT_JOURNEY: "She is left untreated by this journey on purpose, to measure it.",
    Reason.HOLDOUT_GLOBAL: "She is left untreated by every journey on purpose, to measure them together.",
    Reason.TOO_EARLY: "It is not yet time for this step.",
    Reason.QUIET_HOURS: "It is a quiet hour where she lives.",
    Reason.PAUSED: "Somebody has pulled the brake.",
    Reason.BUDGET: "She has had enough messages lately; it waits until there is room.",
    Reason.CODE_SPENT: "The code on her card was used or taken back before the card was printed.",
    Reason.CODE_UNPUBLISHED: "The shop does not know her code yet.",
    Reason.PACE: "The connector is sending as fast as it may.",
    Reason.JOURNEY_BROKEN: "The journey's own code failed; it waits until that is mended.",
    Reason.NO_CONNECTOR: "No connector serves this channel here; see SEGUE_CONNECTORS.",
}
