"""What a journey is: a value. Who is due is a query over facts; what may forbid it are facts for policy.

A journey file holds one `JOURNEY` and registers through the entry point group `segue.journeys`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Select

from segue.contract import Channel
from segue.journeys.waves import PickWave
from segue.offers import Offer
from segue.settings import DEFAULT_HOUSE, House

if TYPE_CHECKING:  # a journey is known by its name and steps long before anybody is judged
    import pandas as pd


class Brief(BaseModel):
    """What a marketer may turn on a journey; each journey extends it. Safe defaults everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a question is asked, and how far back facts count as news."""

    now: datetime
    #: Facts before this instant never trigger the journey.
    live_from: datetime
    #: When the warehouse picks; None: the shop says what it packed.
    pick_wave: PickWave | None = None
    #: What points, referrals and invitations are worth here.
    house: House = DEFAULT_HOUSE
    #: The journey, or everything, stands still: nothing new is granted. What is promised waits by itself.
    is_paused: bool = False


Due = Callable[[Moment, Any], Select[Any]]
"""`(moment, brief)` -> a select of `occasion`, `profile_id`, `subject_id`, `deadline_at`."""

Facts = Callable[[Connection, "pd.DataFrame", Moment, Any], "pd.DataFrame"]
"""`(connection, rows, moment, brief)` -> a frame with `rows`' index and any of the columns
`converted` (bool: she did what we would ask), `gone` (bool: the occasion is no more), `sold_out` (bool) and
`ready_at` (UTC instant before which it is too early)."""

Words = Callable[[Connection, "pd.DataFrame", Moment, Any], Sequence[Mapping[str, Any]]]
"""`(connection, rows, moment, brief)` -> what the template may say, one mapping a row, in their order."""

Refresh = Callable[[Connection, Moment], None]
"""`(connection, moment)`: brings up to date what messages say, such as points. Safe to repeat, and in several
processes at once; cheap where nothing is new."""

Prepare = Callable[[Connection, Moment, Any, bytes], None]
"""`(connection, moment, brief, secret)`: facts that have to be written before anybody is chosen, such as what was
earned. Safe to repeat, and in several processes at once; it does nothing but write rows by this connection, since a
preview undoes them. `secret` makes codes, as `segue.offers` does. It is called while the journey is paused, too: facts
such as points, which are owed by what somebody did, are booked all the same; what only a message makes known, such as a
voucher, is not granted while `moment.is_paused`, but once it is resumed."""


WhyNot = Callable[[Connection, int, Moment, Any], Sequence[str]]
"""`(connection, profile_id, moment, brief)` -> why she is not due, as ends of sentences. Only what facts say: nothing
is guessed, and no address, name or distance is told, since Prefect keeps it. Asked of one person, cheaply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One point in a journey where we decide whether to say something."""

    name: str
    due: Due
    #: In order of preference; the first that consent and address allow wins, at the last moment.
    channels: tuple[Channel, ...]
    facts: Facts
    words: Words
    #: Soonest instant after `moment.now` at which something may become due; a select of one time.
    next_due: Callable[[Moment, Any], Select[Any]]
    #: `brief` -> the personal code this step may mint, if any.
    offer: Callable[[Any], Offer | None] | None = None
    #: Shows the code that this other step minted for the same occasion, while it lives; never a second one.
    shows_code_of: str | None = None
    #: Shows the code that `Journey.prepare` granted under this message's own key; without one the message waits.
    shows_granted_code: bool = False
    #: A transactional message with a block that promotes something: it is shown only where marketing would be allowed.
    has_promotion: bool = False
    #: Higher goes first where several messages want the same person.
    priority: int = 50
    transactional: bool = False
    #: What to do with a message nobody knows the fate of.
    on_uncertain: Literal["wait", "repeat"] = "wait"
    #: What to do when the person's budget is used up.
    over_budget: Literal["hold", "drop"] = "hold"
    #: Answers what she did a moment ago: free of e-mail quiet hours, and may be the second e-mail of a day.
    answers_a_cart: bool = False
    in_cap: bool = True
    in_holdout: bool = True
    #: Its printed cards go into a parcel: their `subject_id` is the order's, and they are taken back with it.
    in_parcels: bool = False
    #: Template folders that a brief may choose from; the first, unless it does. None: the folder is the step's name.
    templates: tuple[str, ...] = ()
    #: `(step, brief)` -> the step as the brief turns it: its template, its channels, what to do over budget.
    turned: Callable[[Step, Any], Step] | None = None
    #: `(brief, subject_id)` -> where its short links lead: a path of the shop by the name of each place that has one.
    pages: Callable[[Any, int | None], Mapping[str, str]] | None = None
    #: `brief` -> what visits are booked under instead of the journey.
    campaign: Callable[[Any], str] | None = None

    #: A sample's words with what the brief says in them, so that a preview shows a marketer's own.
    shows: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None

    @property
    def template(self) -> str:
        """The name of its template's folder."""
        return self.templates[0] if self.templates else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A named sequence of steps with one purpose."""

    name: str
    title: str
    brief: type[Brief]
    #: Template folder of each is `templates/<journey>/<step>`, unless the step names others.
    steps: tuple[Step, ...]
    #: Runs in the transaction that promises, before anybody is chosen; a preview runs it, too, and undoes it.
    prepare: Prepare | None = None
    #: What makes somebody due, as the end of "It asks for ...".
    asks: str = ""
    #: Why somebody is not due, where more can be told of her than what the journey asks for.
    why_not: WhyNot | None = None
    #: How often a rehearsal lets `prepare` run where no step's `next_due` asks for it; as the journey's schedule does.
    prepares_every: timedelta = timedelta(hours=1)
    #: Runs in a transaction of its own before messages of this journey that are ready are judged, each time.
    refresh: Refresh | None = None
    #: `(connection, brief)` -> what its messages say alike to everybody that may change in the shop's own data, such as
    #: where a pop-up is; plain values. A yes is for exactly that, too.
    terms: Callable[[Connection, Any], Any] | None = None

    def step(self, name: str) -> Step:
        """Return the step called `name`; raises KeyError naming the journey and its steps."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"the journey {self.name} has no step {name}; it has {', '.join(s.name for s in self.steps)}")

    def under(self, brief: Brief) -> Journey:
        """Return this journey with each step as `brief` turns it, and with what its codes are worth in samples."""
        turned = (step if step.turned is None else step.turned(step, brief) for step in self.steps)
        return replace(self, steps=tuple(self._telling_worth(step, brief) for step in turned))

    def _telling_worth(self, step: Step, brief: Brief) -> Step:
        giver = step if step.shows_code_of is None else self.step(step.shows_code_of)
        if giver.offer is None:
            return step
        offer, shows = giver.offer(brief), step.shows

        def worth(sample: Mapping[str, Any]) -> Mapping[str, Any]:
            told = sample if shows is None else shows(sample)
            code = told.get("voucher")
            if code is None:
                return told
            if offer is not None:
                told_worth = {"percent": offer.percent, "amount_minor": offer.amount_minor, "currency": offer.currency}
                return {**told, "voucher": {**code, **told_worth}}
            return {**told, "voucher": None}

        return replace(step, shows=worth)

    def folders(self) -> dict[str, Step]:
        """Return every template folder, `journey/folder`, and the step that speaks with it."""
        return {f"{self.name}/{folder}": step for step in self.steps for folder in step.templates or (step.name,)}


__all__ = ["Brief", "Due", "Facts", "Journey", "Moment", "Prepare", "Refresh", "Step", "WhyNot", "Words"]
