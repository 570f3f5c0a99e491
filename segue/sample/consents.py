"""Who said yes to what, who changed her mind, and which addresses are never to be written to again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from segue.sample.dice import chance, weighted
from segue.sample.people import CLARA, JUNE, SARAH, Person
from segue.sample.rows import ConsentRow, SuppressionRow
from segue.sample.stages import NEW_YORK, Stage
from segue.sample.year import SEASON_START, YEAR_END, iso

NEWS: Final = "Send me Saltmere news by e-mail. I can stop any time."
NEWS_DE: Final = "Ja, schickt mir Neuigkeiten von Saltmere per E-Mail. Das kann ich jederzeit widerrufen."
SIMILAR: Final = "We write to you about similar products. You can object at any time."
TEXTS: Final = (
    "Text me offers and updates from Saltmere at this number. Consent is not a condition of purchase. "
    "Message and data rates may apply. Reply STOP to end."
)
ADS: Final = "Show me Saltmere on other sites and apps, matched by my e-mail address."

#: When the story's people allow ads where they did not at once.
ADS_ALLOWED_AT: Final = datetime(2026, 4, 28, 17, 5, tzinfo=UTC)

# Where the law wants a second yes from the mailbox itself.
_DOUBLE: Final = frozenset({"DE", "AT"})


def consent_rows(rng: Random, people: Sequence[Person], stage: Stage = NEW_YORK) -> list[ConsentRow]:
    """Return everybody's consent facts, oldest first; Clara agrees to nothing."""
    rows: list[tuple[datetime, ConsentRow]] = []
    for person in people:
        rows.extend(_story(person, stage) if person.is_story else _rolled(rng, person))
    return [row for _, row in sorted(rows, key=lambda pair: (pair[0], pair[1]))]


Facts = Iterator[tuple[datetime, ConsentRow]]


def _fact(
    person: Person, at: datetime, channel: str, state: str, basis: str, source: str, wording: str
) -> tuple[datetime, ConsentRow]:
    return at, ConsentRow(person.customer_id, channel, state, basis, source, wording, iso(at))


def _story(person: Person, stage: Stage) -> Facts:
    """Where a yes has to be confirmed, her mailbox does so later, by a call; and ads she allows later still."""
    at = person.created_at
    if person.customer_id == CLARA:
        # Where silence would let ads follow her, her browser says no for her.
        if not stage.has_double_opt_in:
            yield _fact(person, at, "ads", "denied", "objection", "global_privacy_control", "")
        return
    source = "facebook_checkout_tick" if person.customer_id == SARAH else "footer_form"
    yield _fact(person, at, "email", "granted", "opt_in", source, NEWS_DE if stage.has_double_opt_in else NEWS)
    ads_at = ADS_ALLOWED_AT if stage.has_double_opt_in else at
    yield _fact(person, ads_at, "ads", "granted", "opt_in", "cookie_banner", ADS)
    if person.customer_id != JUNE and not stage.has_double_opt_in:
        yield _fact(person, at, "sms", "granted", "opt_in", source, TEXTS)


def _rolled(rng: Random, person: Person) -> Facts:
    hostile = person.has_hostile_name
    at = person.created_at + timedelta(seconds=int(rng.random() * 300))
    tick = weighted(rng, {"checkout_tick": 60, "footer_form": 25, "popup_form": 15})
    answer = "yes" if hostile else weighted(rng, {"yes": 61, "soft": 5, "no": 6, "nothing": 28})
    if answer == "yes":
        wording = NEWS_DE if person.country in _DOUBLE else NEWS
        yield _fact(person, at, "email", "granted", "opt_in", tick, wording)
        if person.country in _DOUBLE and chance(rng, 0.72):
            confirmed_at = at + timedelta(minutes=3 + rng.random() * 600)
            yield _fact(person, confirmed_at, "email", "confirmed", "opt_in", "confirmation_link", wording)
        if not hostile and chance(rng, 0.07):
            yield _fact(person, _later(rng, at), "email", "denied", "objection", "unsubscribe_link", "")
    elif answer == "soft":
        yield _fact(person, at, "email", "granted", "soft_opt_in", "checkout_notice", SIMILAR)
    elif answer == "no":
        yield _fact(person, at, "email", "denied", "objection", tick, NEWS)
    if person.phone and (hostile or chance(rng, 0.33)):
        yield _fact(person, at, "sms", "granted", "opt_in", tick, TEXTS)
        if not hostile and chance(rng, 0.08):
            yield _fact(person, _later(rng, at), "sms", "denied", "objection", "sms_stop", "")
    if chance(rng, 0.38):
        yield _fact(person, at, "ads", "granted", "opt_in", "cookie_banner", ADS)
    if chance(rng, 0.02):
        yield _fact(person, _later(rng, at), "print", "denied", "objection", "customer_service", "")


def _later(rng: Random, at: datetime) -> datetime:
    """Return a moment between then and the end of the year."""
    return at + (YEAR_END - at) * (0.05 + 0.9 * rng.random())


def suppression_rows(rng: Random, people: Sequence[Person]) -> list[SuppressionRow]:
    """Return the addresses that bounced, complained or were withdrawn before the season, oldest first."""
    rows: list[SuppressionRow] = []
    for person in people:
        protected = person.is_story or person.has_hostile_name
        if protected or person.created_at > SEASON_START - timedelta(days=20):
            continue
        at = person.created_at + (SEASON_START - person.created_at) * (0.1 + 0.8 * rng.random())
        if chance(rng, 0.055):
            reason = weighted(rng, {"hard_bounce": 50, "unsubscribe": 38, "complaint": 12})
            rows.append(SuppressionRow(person.email, reason, iso(at)))
        if person.phone and chance(rng, 0.03):
            rows.append(SuppressionRow(person.phone, "stop", iso(at)))
    return sorted(rows, key=lambda row: (row.occurred_at, row.address))


def cast_for_carts(
    people: Sequence[Person], consents: Sequence[ConsentRow], suppressions: Sequence[SuppressionRow]
) -> list[Person]:
    """Return people who are to leave a cart in the season, so that every rule of consent meets one.

    Hostile names, suppressed addresses, German mailboxes with and without confirmation, soft opt-in, unknown
    countries, those who said no and those who said nothing.
    """
    known = [p for p in people if not p.is_story and p.created_at < SEASON_START]
    states: dict[str, set[str]] = {p.customer_id: set() for p in known}
    for row in consents:
        if row.channel == "email" and row.customer_id in states:
            states[row.customer_id].add(row.basis if row.basis == "soft_opt_in" else row.state)
    suppressed = {row.address for row in suppressions}

    def said(person: Person) -> set[str]:
        return states[person.customer_id]

    kinds = (
        [p for p in known if p.has_hostile_name],
        [p for p in known if p.email in suppressed and "granted" in said(p)][:6],
        [p for p in known if p.phone in suppressed and p.phone][:2],
        [p for p in known if p.country in _DOUBLE and "confirmed" in said(p)][:3],
        [p for p in known if p.country in _DOUBLE and said(p) == {"granted"}][:3],
        [p for p in known if "soft_opt_in" in said(p)][:3],
        [p for p in known if not p.country and "granted" in said(p)][:2],
        [p for p in known if "denied" in said(p)][:3],
        [p for p in known if not said(p)][:3],
    )
    return list({p.customer_id: p for kind in kinds for p in kind}.values())
