"""Random small shops: who its people are, what happens in 60 days, and when each fact is told.

A story is plain values, drawn by hypothesis; `facts_of` turns it into facts with the instant at which the shop tells of
each. Nothing here knows Segue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

#: The 60 days hold both nights on which clocks jump in spring: 8 March in America, 29 March in Europe.
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAYS = 60
END = START + timedelta(days=DAYS)
#: The shop exports its facts so often.
EVERY = timedelta(hours=6)
#: The pop-up, in New York.
POPUP_OPENS, POPUP_CLOSES = START + timedelta(days=20), START + timedelta(days=24)

#: SKU to price in cents; each product has one size that sells out.
PRICES = {"LEG-08": 7400, "LEG-10": 7400, "BEA-OS": 3400, "SWE-08": 9900, "GLO-OS": 2900}
#: Country, state, zone: as the shop knows them.
PLACES = (
    ("US", "NY", "America/New_York"),
    ("US", "CA", "America/Los_Angeles"),
    ("US", "TX", None),
    ("DE", None, "Europe/Berlin"),
    ("DE", None, None),
    ("AT", None, "Europe/Vienna"),
    ("GB", None, "Europe/London"),
    ("FI", None, "Europe/Helsinki"),
    ("CA", None, "America/Vancouver"),
    ("JP", None, "Asia/Tokyo"),
    (None, None, None),
    (None, None, "America/New_York"),
)
NETWORKS = ("instagram", "pinterest")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account; and perhaps a second mailbox under which the shop knew her as a guest."""

    place: tuple[str | None, str | None, str | None]
    birth_year: int | None
    is_near_popup: bool
    #: She gave the phone or the mailbox of whoever comes before her in the list.
    shares_phone: bool
    shares_mailbox: bool
    has_guest: bool


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does. `what` and `which` are read by the kind of act."""

    kind: str
    who: int
    as_guest: bool
    day: int
    minute: int
    #: Hours after which the shop tells of it.
    lag: int
    twice: bool
    what: str = ""
    which: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """A shop and its 60 days."""

    people: tuple[Person, ...]
    acts: tuple[Act, ...]
    #: What the providers' end says to every third message.
    trouble: str
    popup_places: int


@dataclass(slots=True)
class Fact:
    """Something that is true of the shop since `at` and told at `known_at`."""

    kind: str
    #: `u0`, or `g0@example.com` for a guest.
    who: str
    at: datetime
    known_at: datetime
    name: str
    data: dict[str, Any] = field(default_factory=dict)
    twice: bool = False


def account(number: int) -> str:
    """The name of a person's account."""
    return f"u{number}"


def guest(number: int) -> str:
    """The mailbox under which the shop knew her as a guest."""
    return f"g{number}@example.com"


def mailbox(people: tuple[Person, ...], number: int) -> str:
    """The address of her account."""
    while number and people[number].shares_mailbox:
        number -= 1
    return f"p{number}@example.com"


def phone(people: tuple[Person, ...], number: int) -> str:
    """Her phone, from the range that is reserved for stories."""
    while number and people[number].shares_phone:
        number -= 1
    return f"+120255501{number:02d}"


_often_not = st.sampled_from((False, False, False, True))
_people = st.builds(
    Person,
    place=st.sampled_from(PLACES),
    birth_year=st.sampled_from((1980, 1995, 2009, None)),
    is_near_popup=st.booleans(),
    shares_phone=_often_not,
    shares_mailbox=_often_not,
    has_guest=st.booleans(),
)
_KINDS: dict[str, tuple[str, ...]] = {
    "add": tuple(PRICES),
    "remove": tuple(PRICES),
    "order": ("cart", "cart", "plain", "gift_of_cart", "popup"),
    "consent": tuple(
        f"{channel}:{state}"
        for channel in ("email", "sms", "ads", "all", "print")
        for state in ("granted", "confirmed", "denied")
    ),
    "soft": ("email",),
    "suppress": ("unsubscribe", "complaint", "hard_bounce", "stop"),
    "refund": ("all", "first"),
    "cancel": ("",),
    "deliver": ("",),
    "follow": NETWORKS,
    "mention": NETWORKS,
    "share": ("",),
    "redeem": ("40", "150"),
    "stock": ("0", "0", "5"),
    "merge": ("",),
    "move": ("US", "DE"),
}
_WEIGHTS = {"add": 10, "order": 7, "consent": 4, "deliver": 4, "refund": 2, "cancel": 2, "merge": 3, "share": 2}
_DRAWN = [kind for kind in _KINDS for _ in range(_WEIGHTS.get(kind, 1))]
_YESES = st.sampled_from(("email:confirmed", "sms:confirmed", "email:granted", "ads:granted"))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a shop. Most people have agreed to something, or nothing would happen to most shops."""
    people = tuple(draw(st.lists(_people, min_size=3, max_size=7)))
    days = draw(st.lists(st.integers(0, 34), min_size=2, max_size=5))
    whose = st.integers(0, len(people) - 1)
    acts = [
        Act("consent", number, as_guest, 0, 1, 0, False, draw(_YESES))
        for number, one in enumerate(people)
        for as_guest in ((False, True) if one.has_guest else (False,))
        for _ in range(draw(st.integers(0, 3)))
    ]
    kinds = draw(st.lists(st.sampled_from(_DRAWN), min_size=8, max_size=30))
    acts += [
        Act(
            kind,
            draw(whose),
            draw(st.booleans()),
            draw(st.sampled_from(days)) + draw(st.sampled_from((0, 0, 0, 1, 25))),
            draw(st.integers(0, 1439)),
            draw(st.sampled_from((0, 0, 0, 0, 0, 0, 9, 30, 200))),
            draw(_often_not),
            draw(st.sampled_from(_KINDS[kind])),
            draw(st.integers(0, 5)),
        )
        for kind in kinds
    ]
    trouble = draw(st.sampled_from(("ok", "ok", "rejected", "silence", "throttled")))
    return Story(people, tuple(acts), trouble, draw(st.integers(1, 3)))


def facts_of(story: Story) -> list[Fact]:
    """Every fact of the story in the order in which the shop tells of it."""
    facts: list[Fact] = []
    orders: list[Fact] = []
    for number, act in enumerate(story.acts):
        at = START + timedelta(days=act.day, minutes=act.minute)
        if at >= END - EVERY:
            continue
        marks = -(-(at + timedelta(hours=act.lag, minutes=1) - START) // EVERY)
        as_guest = act.as_guest and story.people[act.who].has_guest
        fact = Fact(
            act.kind,
            guest(act.who) if as_guest else account(act.who),
            at,
            min(START + marks * EVERY, END - EVERY),
            f"{act.kind}{number}",
            {"what": act.what, "which": act.which},
            act.twice,
        )
        if act.kind == "merge" and not story.people[act.who].has_guest:
            continue
        if act.kind == "order":
            fact.data |= {"order": f"o{number}", "skus": _skus(act.which)}
            orders.append(fact)
        if act.kind in ("refund", "cancel", "deliver"):
            earlier = [one for one in orders if one.at <= at]
            if not earlier:
                continue
            fact.data["order"] = earlier[act.which % len(earlier)].data["order"]
        facts.append(fact)
    return sorted(facts, key=lambda one: (one.known_at, one.at))


def _skus(which: int) -> list[str]:
    names = list(PRICES)
    return [names[which % len(names)], names[(which + 2) % len(names)]][: 1 + which % 2]
