"""The stricter consent wins: no merge turns a no into a yes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from segue.outbox.consents import CHANNELS, read_consents
from segue.store.engine import read, write
from segue.store.tables import consent_event, profile
from tests.outbox.merges import carry_out_pairs, found, merge
from tests.outbox.shop import LONG_AGO, NOW, consent
from tests.search import examples

Said = tuple[int, str, str, bool, int]


def say(connection: Connection, *facts: Said) -> None:
    """Each fact is whose, on which channel, what, whether dated, and after how many days."""
    for number, (one, channel, state, is_dated, day) in enumerate(facts):
        row = consent(one, channel, state, "opt_in", at=LONG_AGO + timedelta(days=day))
        connection.execute(insert(consent_event).values(row | {"dedupe": f"{number}", "is_dated": is_dated}))


def people(connection: Connection, count: int) -> None:
    connection.execute(insert(profile), [{"id": n, "created_at": LONG_AGO} for n in range(1, count + 1)])


def allowed(connection: Connection, one: int, now: datetime = NOW) -> dict[str, str | None]:
    return {
        channel: answer[0]
        for channel, answer in read_consents(connection, {one: 0}, now, channels=(*CHANNELS, "ads")).items()
    }


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "answer", "written"),
    [
        (("email", "denied", True, 2), ("email", "granted", True, 1), "denied", 0),
        (("email", "denied", True, 1), ("email", "granted", True, 2), "denied", 1),
        (("email", "denied", True, 1), ("email", "confirmed", True, 2), "denied", 1),
        (("email", "denied", True, 1), ("email", "granted", False, 2), "denied", 0),
        (("email", "denied", False, 1), ("email", "granted", True, 2), "denied", 1),
        (("email", "doubted", False, 1), ("email", "granted", True, 2), "doubted", 1),
        (("email", "doubted", False, 1), ("email", "granted", False, 2), "doubted", 0),
        (("all", "denied", True, 1), ("email", "granted", True, 2), "denied", 1),
        (("sms", "denied", True, 1), ("email", "granted", True, 2), "opt_in", 0),
        (("email", "granted", True, 1), ("email", "confirmed", True, 2), "double_opt_in", 0),
    ],
)
def test_a_no_under_either_name_holds(
    engine: Engine, one: tuple[str, str, bool, int], other: tuple[str, str, bool, int], answer: str, written: int,
    *, swapped: bool,
) -> None:  # fmt: skip
    with write(engine) as connection:
        people(connection, 2)
        say(connection, (1 + swapped, *one), (2 - swapped, *other))
    found(engine, (1, 2))
    assert merge(engine) == 1
    with read(engine) as connection:
        assert allowed(connection, 1)["email"] == answer
        rows = connection.execute(select(consent_event).where(consent_event.c.source == "merge")).all()
        assert [(row.profile_id, row.state, row.occurred_at) for row in rows] == [(1, answer, NOW)] * written


def test_ads_are_refused_by_the_same_rule(engine: Engine) -> None:
    with write(engine) as connection:
        people(connection, 2)
        say(connection, (1, "ads", "denied", True, 1), (2, "ads", "granted", True, 2))
    found(engine, (1, 2))
    merge(engine)
    with read(engine) as connection:
        rows = connection.execute(select(consent_event).where(consent_event.c.source == "merge")).all()
    assert [(row.channel, row.state) for row in rows] == [("ads", "denied")]


def test_a_yes_after_the_merge_counts(engine: Engine) -> None:
    with write(engine) as connection:
        people(connection, 2)
        say(connection, (1, "email", "denied", True, 1), (2, "email", "granted", True, 2))
    found(engine, (1, 2))
    merge(engine)
    later = NOW + timedelta(hours=1)
    with write(engine) as connection:
        connection.execute(insert(consent_event).values(consent(1, "email", "granted", "opt_in", at=later)))
        assert allowed(connection, 1, later)["email"] == "opt_in"


FACTS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from(["email", "sms", "print", "ads", "all"]),
        st.sampled_from(["granted", "confirmed", "denied", "doubted"]),
        st.booleans(),
        st.integers(1, 4),
    ),
    max_size=10,
)
_STRICTEST = {"denied": 2, "doubted": 1}


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=FACTS, pairs=st.permutations([(1, 2), (2, 3), (3, 4)]))
def test_nobody_is_asked_more_kindly_after_a_merge(
    engine: Engine, facts: list[Said], pairs: list[tuple[int, int]]
) -> None:
    """The strictest answer of any of her profiles is the answer; and a yes is only what one of them said."""
    with engine.connect().execution_options(segue_mode="write") as connection:
        transaction = connection.begin()
        people(connection, 4)
        say(connection, *facts)
        before = [allowed(connection, one) for one in (1, 2, 3, 4)]
        carry_out_pairs(connection, pairs)
        after = allowed(connection, 1)
        assert len(connection.execute(select(consent_event).where(consent_event.c.source == "test")).all()) == len(
            facts
        )
        transaction.rollback()
    for channel, answer in after.items():
        answers = {one[channel] for one in before}
        strictest = max(_STRICTEST.get(one or "", 0) for one in answers)
        assert _STRICTEST.get(answer or "", 0) >= strictest
        if strictest == 0:
            assert (answer is None) == (answers == {None})


def test_a_merge_is_strict_at_its_moment_and_hears_what_is_imported_later_by_its_date(engine: Engine) -> None:
    """So of two profiles the order of import and merge counts; of one profile it never does."""
    no, yes = (1, "email", "denied", True, 1), (2, "email", "granted", True, 2)
    answers = {}
    for order in ("no yes merge", "no merge yes", "merge yes no", "merge no yes", "yes merge no"):
        with engine.connect().execution_options(segue_mode="write") as connection:
            transaction = connection.begin()
            people(connection, 2)
            merged = False
            for number, word in enumerate(order.split()):
                if word == "merge":
                    carry_out_pairs(connection, [(1, 2)])
                    merged = True
                    continue
                one, channel, state, _, day = no if word == "no" else yes
                row = consent(1 if merged else one, channel, state, "opt_in", at=LONG_AGO + timedelta(days=day))
                connection.execute(insert(consent_event).values(row | {"dedupe": f"{number}"}))
            answers[order] = allowed(connection, 1)["email"]
            transaction.rollback()
    assert answers == {
        "no yes merge": "denied",
        "no merge yes": "opt_in",
        "merge yes no": "opt_in",
        "merge no yes": "opt_in",
        "yes merge no": "opt_in",
    }
