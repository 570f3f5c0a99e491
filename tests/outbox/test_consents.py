"""What is in force of everything somebody said: the strictest answer, whatever the order it was learned in."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from segue.contract import Channel
from segue.outbox.consents import Said, in_force, read_consents
from segue.policy.law import load_law, shipped_law
from segue.store.engine import write
from segue.store.tables import consent_event
from tests.outbox.shop import NOW, add_people, consent
from tests.policy.frames import judged, row

PEOPLE = 2
#: Countries that accept only a confirmed yes, a plain one, one by purchase, and the strictest of all.
COUNTRIES = ("DE", "US", "GB", "PL", None)


class Fact(NamedTuple):
    person: int
    at: int
    said: Said


FACTS = st.builds(
    Fact,
    st.integers(0, PEOPLE - 1),
    st.integers(1, 3),  # few instants, so that they meet
    st.builds(
        Said,
        st.sampled_from(["email", "email", "email", "sms", "print", "all", "ads"]),
        st.sampled_from(["granted", "confirmed", "denied", "doubted", "asked"]),
        st.sampled_from(["opt_in", "soft_opt_in", "legitimate_interest", "contract", "objection"]),
        st.booleans(),
    ),
)
NOES = FACTS.map(
    lambda fact: fact._replace(said=fact.said._replace(state="denied" if fact.said.is_dated else "doubted"))
)


def answers(facts: list[Fact]) -> dict[str, list[str | None]]:
    said = list({fact.said for fact in facts})
    found = in_force(
        [fact.person for fact in facts],
        [fact.at for fact in facts],
        [said.index(fact.said) for fact in facts],
        said,
        people=PEOPLE,
    )
    return {channel: column.tolist() for channel, column in found.items()}


def plainly(facts: list[Fact], person: int, channel: str) -> str | None:
    """The rules once more, as slowly and plainly as they are told."""
    mine = [f for f in facts if f.person == person]
    noes = [f.at for f in mine if f.said.state == "denied" and f.said.channel in {channel, "all"}]
    doubts = [f.at for f in mine if f.said.state == "doubted" and f.said.channel in {channel, "all"}]
    yeses = [f for f in mine if f.said.state in {"granted", "confirmed"} and f.said.channel == channel]
    stands = [f for f in yeses if not noes or (f.said.is_dated and f.at > max(noes))]
    holds = [f for f in stands if not doubts or (f.said.is_dated and f.at > max(doubts))]
    if not holds:
        return "doubted" if stands else "denied" if noes else None
    if any(f.said.state == "confirmed" for f in holds):
        return "double_opt_in"
    newest = max((f.said.is_dated, f.at if f.said.is_dated else 0) for f in holds)
    last = [f.said.basis for f in holds if (f.said.is_dated, f.at if f.said.is_dated else 0) == newest]
    order = ["soft_opt_in", "opt_in", "legitimate_interest", "contract", "objection"]
    return max(last, key=order.index)


@given(st.lists(FACTS, max_size=12))
def test_the_fast_answer_is_the_plain_one(facts: list[Fact]) -> None:
    found = answers(facts)
    for channel, column in found.items():
        assert column == [plainly(facts, person, channel) for person in range(PEOPLE)]


@given(st.lists(FACTS, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_import_never_matters(facts: list[Fact], dice) -> None:
    shuffled = list(facts)
    dice.shuffle(shuffled)
    assert answers(shuffled) == answers(facts)
    assert answers([*facts, *shuffled]) == answers(facts)  # nor does saying it twice


def writable(facts: list[Fact]) -> set[tuple[int, str, str | None]]:
    law = shipped_law()
    return {
        (person, channel.value, country)
        for channel in (Channel.EMAIL, Channel.SMS)
        for person, basis in enumerate(answers(facts)[channel.value])
        for country in COUNTRIES
        if basis in law.bases(country, channel)
    }


@given(st.lists(FACTS, max_size=12), NOES)
def test_another_no_makes_nobody_writable(facts: list[Fact], no: Fact) -> None:
    before = writable(facts)
    after = writable([*facts, no])
    assert after <= before
    assert {one for one in before if one[0] != no.person} <= after  # and is nobody else's


@given(st.lists(FACTS, max_size=12), st.integers(0, PEOPLE - 1), st.sampled_from(["denied", "doubted"]))
def test_the_last_no_silences_and_only_a_later_yes_with_a_date_speaks_again(facts, person, state) -> None:
    at = 1 + max((fact.at for fact in facts), default=0)
    facts = [*facts, Fact(person, at, Said("email", state, "objection"))]
    undated = Fact(person, at + 9, Said("email", "confirmed", "opt_in", is_dated=False))
    assert not any(one[:2] == (person, "email") for one in writable([*facts, undated]))
    dated = undated._replace(said=undated.said._replace(is_dated=True))
    assert (person, "email", "DE") in writable([*facts, dated])


SAID = {
    "nothing": ([], None),
    "a yes": ([("granted", 1)], "opt_in"),
    "a confirmed yes": ([("confirmed", 1)], "double_opt_in"),
    "a confirmed yes and a tick later": ([("confirmed", 1), ("granted", 2)], "double_opt_in"),
    "a no ends the confirmation too": ([("confirmed", 1), ("denied", 2), ("granted", 3)], "opt_in"),
    "a no later": ([("granted", 1), ("denied", 2)], "denied"),
    "a no at the same instant": ([("granted", 2), ("denied", 2)], "denied"),
    "a doubt at the same instant": ([("granted", 2), ("doubted", 2)], "doubted"),
    "the later of two noes counts": ([("denied", 5), ("granted", 3), ("denied", 1)], "denied"),
    "a yes later": ([("denied", 1), ("granted", 2)], "opt_in"),
    "an undated yes": ([("granted", None)], "opt_in"),
    "an undated yes and any no": ([("denied", 1), ("granted", None)], "denied"),
    "an undated yes and any doubt": ([("doubted", 1), ("granted", None)], "doubted"),
    "an undated yes and an undated doubt": ([("doubted", None), ("granted", None)], "doubted"),
    "an undated no and a yes before it was read": ([("granted", 5), ("denied", None)], "denied"),
    "an undated no and a yes after it was read": ([("granted", 9), ("denied", None)], "opt_in"),
    "a doubt over an older yes": ([("granted", 1), ("doubted", None)], "doubted"),
    "a doubt over a confirmed yes": ([("confirmed", 1), ("doubted", None)], "doubted"),
    "a yes after the doubt": ([("doubted", None), ("granted", 9)], "opt_in"),
    "a doubt alone": ([("doubted", None)], None),
    "a doubt behind a no": ([("granted", 1), ("denied", 2), ("doubted", 3)], "denied"),
    "a word nobody knows": ([("asked", 1)], None),
}


@pytest.mark.parametrize(("told", "expected"), SAID.values(), ids=SAID.keys())
def test_what_is_in_force(told, expected) -> None:
    """Undated facts were read at 8."""
    facts = [Fact(0, at or 8, Said("email", state, "opt_in", is_dated=at is not None)) for state, at in told]
    assert answers(facts)["email"][0] == expected


@pytest.mark.parametrize("first", ["opt_in", "contract"])
def test_of_two_yeses_on_one_instant_the_weaker_counts(first) -> None:
    facts = [Fact(0, 1, Said("email", "granted", basis)) for basis in ("opt_in", "soft_opt_in", "contract")]
    facts.sort(key=lambda fact: fact.said.basis != first)
    assert answers(facts)["email"][0] == "contract"


def test_an_objection_to_everything_ends_every_channel() -> None:
    yes = [Fact(0, 1, Said(channel, "granted", "opt_in")) for channel in ("email", "sms")]
    found = answers([*yes, Fact(0, 2, Said("all", "denied", "objection"))])
    assert [column[0] for column in found.values()] == ["denied", "denied", "denied"]


@pytest.mark.parametrize("country", ["US", "GB", "DE", None])
def test_a_doubted_yes_is_unconfirmed_everywhere(country) -> None:
    (verdict,) = judged(row(country=country, email_basis="doubted"))
    assert verdict["reason"] == "unconfirmed"
    (verdict,) = judged(row(country=country, email_basis="doubted", transactional=True))
    assert verdict["verdict"] == "send"  # what she bought she hears of


def test_no_law_may_accept_a_doubted_yes(tmp_path) -> None:
    (tmp_path / "countries.csv").write_text("country,email,sms,explanation,source\nUS,doubted,opt_in,x,y\n")
    (tmp_path / "sms_hours.csv").write_text("countries,region,days,opens,closes,note\nUS,,mon-fri,09:00,18:00,x\n")
    with pytest.raises(ValueError, match="doubted"):
        load_law(tmp_path)


def test_both_databases_read_alike(engine: Engine) -> None:
    """Whole facts from the table: purpose, time and date are minded, people nobody asks about are left out."""
    numbers = count()
    add_people(engine, 6)
    day = timedelta(days=1)

    def fact(person, state, at, *, dated=True, purpose="marketing", channel="email", basis="opt_in"):
        made = consent(person, channel, state, basis, at=at)
        return {**made, "is_dated": dated, "purpose": purpose, "dedupe": f"fact {next(numbers)}"}

    with write(engine) as connection:
        connection.execute(
            insert(consent_event),
            [
                fact(1, "denied", NOW - day),
                fact(2, "doubted", NOW, dated=False),
                fact(3, "denied", NOW + day),  # not said yet
                fact(3, "denied", NOW - day, purpose="service"),
                fact(4, "denied", NOW - 500 * day),  # before her yes
                fact(5, "granted", NOW - day, basis="odd|basis"),
                fact(6, "denied", NOW - day, channel="all"),
            ],
        )
    with engine.connect() as connection:
        found = read_consents(connection, {n: n - 1 for n in range(6, 0, -1)}, NOW)
        assert found["email"].tolist() == ["denied", "doubted", "opt_in", "opt_in", "odd|basis", "denied"]
        assert found["sms"].tolist() == ["opt_in"] * 5 + ["denied"]
        assert found["print"].tolist() == [None] * 5 + ["denied"]
        nobody = read_consents(connection, {99: 0}, NOW)
        assert [column.tolist() for column in nobody.values()] == [[None]] * 3
    assert all(isinstance(column, np.ndarray) for column in found.values())
