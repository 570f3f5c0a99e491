"""A yes of one profile is none for an address that only the other one has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select, update

from segue.clock import VirtualClock
from segue.intake import import_table, load_mapping
from segue.store.engine import read, write
from segue.store.tables import consent_event, identifier, profile
from tests.outbox.desk import Desk
from tests.outbox.merges import carry_out_pairs, found, merge
from tests.outbox.shop import LONG_AGO, NOW, add_people, consent, journey, step
from tests.outbox.test_merge_consents import FACTS, Said, allowed, people, say
from tests.search import examples

Address = tuple[int, str, str]


def reach(connection: Connection, *addresses: Address) -> None:
    """Each address is whose, of which kind, and itself; who has it first is named by it."""
    named: set[str] = set()
    for one, kind, value in dict.fromkeys(addresses):
        row = {"profile_id": one, "kind": kind, "value": value, "recorded_at": LONG_AGO}
        connection.execute(insert(identifier).values(row | {"identifies": value not in named}))
        named.add(value)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("state", ["granted", "confirmed"])
@pytest.mark.parametrize(
    ("channel", "agreed", "other", "carried"),
    [
        ("email", ["email a@"], ["email b@"], False),
        ("email", ["email a@"], ["email a@", "email b@"], False),
        ("email", [], ["email b@"], False),  # a yes by an account's number alone is none for an address of somebody
        ("email", ["email a@"], ["email a@"], True),
        ("email", ["email a@", "email b@"], ["email b@"], True),
        ("email", ["email a@"], ["shop u1", "phone +12025550101"], True),
        ("email", ["email a@"], [], True),
        ("ads", ["email a@"], ["email b@"], False),
        ("ads", ["email a@"], ["shop u1"], True),
        ("ads", ["email a@"], ["phone +12025550101"], False),  # platforms are told numbers, too
        ("ads", ["email a@", "phone +12025550101"], ["phone +12025550102"], False),
        ("ads", ["email a@", "phone +12025550101"], ["phone +12025550101"], True),
        ("ads", ["phone +12025550101"], ["email b@"], False),
        ("sms", ["phone +12025550101"], ["phone +12025550102"], False),
        ("sms", ["phone +12025550101"], ["email b@"], True),
        ("print", ["email a@"], ["email b@"], True),
    ],
)
def test_a_yes_does_not_answer_for_an_address_of_the_other(
    engine: Engine, channel: str, state: str, agreed: list[str], other: list[str], *, carried: bool, swapped: bool
) -> None:
    with write(engine) as connection:
        people(connection, 2)
        say(connection, (1 + swapped, channel, state, True, 1))
        names = [(1 + swapped, *one.split()) for one in agreed] + [(2 - swapped, *one.split()) for one in other]
        reach(connection, *((one, kind, value) for one, kind, value in names))
    found(engine, (1, 2))
    merge(engine)
    with read(engine) as connection:
        rows = connection.execute(select(consent_event).where(consent_event.c.source == "merge")).all()
        assert [(row.profile_id, row.channel, row.state, row.occurred_at, row.is_dated) for row in rows] == (
            [] if carried else [(1, channel, "doubted", NOW, False)]
        )
        yes = "double_opt_in" if state == "confirmed" else "opt_in"
        assert allowed(connection, 1)[channel] == (yes if carried else "doubted")
    later = NOW + timedelta(hours=1)
    with write(engine) as connection:
        connection.execute(insert(consent_event).values(consent(1, channel, "granted", "opt_in", at=later)))
        assert allowed(connection, 1, later)[channel] in {"opt_in", "double_opt_in"}  # said again, it counts


def test_both_said_yes(engine: Engine) -> None:
    with write(engine) as connection:
        people(connection, 2)
        say(connection, (1, "email", "granted", True, 1), (2, "email", "granted", False, 2))
        reach(connection, (1, "email", "a@"), (2, "email", "b@"))
    found(engine, (1, 2))
    merge(engine)
    with read(engine) as connection:
        assert allowed(connection, 1)["email"] == "opt_in"


@pytest.mark.parametrize(
    ("lives", "ends"), [("DE", ("skipped", "unconfirmed")), ("US", ("accepted", None)), (None, ("accepted", None))]
)
def test_a_merge_moves_nobody_to_a_country_that_asks_for_less(
    engine: Engine, tmp_path: Path, lives: str | None, ends: tuple[str, str | None]
) -> None:
    """A German who never confirmed turns out to have an older account in New York: nobody knows where she lives."""
    add_people(engine, 2)
    with write(engine) as connection:
        connection.execute(update(profile).where(profile.c.id == 2).values(country=lives))
    found(engine, (1, 2))
    merge(engine)
    with Desk(engine, tmp_path, [journey(step())]) as desk:
        desk.promise()
        desk.drain()
        assert [(row.state, row.reason) for row in desk.rows() if row.profile_id == 1] == [ends]


def test_a_typing_error_in_an_account_writes_to_no_stranger(engine: Engine, tmp_path: Path) -> None:
    """He bought as a guest; her account's next file has his address in place of hers."""
    who = 'name = "s"\n[[record]]\nkind = "profile"\n[record.fields]\nshop = "shop"\nemail = "email"\n'
    files = (
        "shop,email\n,sarha@example.com\n",
        "shop,email\nu1,sarah@example.com\n",
        "shop,email\nu1,sarha@example.com\n",
    )
    mapping = tmp_path / "s.toml"
    mapping.write_text(who)
    for number, text in enumerate(files):
        file = tmp_path / f"{number}.csv"
        file.write_text(text)
        import_table(
            engine, file, load_mapping(mapping), clock=VirtualClock(NOW - timedelta(hours=1)), hash_address=str
        )
        if number == 1:
            with write(engine) as connection:
                owner = dict(connection.execute(select(identifier.c.value, identifier.c.profile_id)).tuples().all())
                say(connection, (owner["sarah@example.com"], "email", "granted", True, 1))
    assert merge(engine) == 1
    with read(engine) as connection:
        oldest = select(identifier.c.value, identifier.c.profile_id).where(identifier.c.kind == "email")
        value, one = connection.execute(oldest.order_by(identifier.c.id)).first() or ("", 0)
        assert value == "sarha@example.com"  # where a mail would go
        assert allowed(connection, one)["email"] == "doubted"


_ADDRESSES = st.lists(
    st.sampled_from(
        [(one, "email", value) for one in (1, 2, 3, 4) for value in ("a@", "b@", "c@")]
        + [(one, "phone", value) for one in (1, 2, 3, 4) for value in ("+12025550101", "+12025550102")]
    ),
    max_size=8,
    unique=True,
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    facts=FACTS, addresses=_ADDRESSES, groups=st.sampled_from([[(1, 2)], [(1, 2), (2, 3), (3, 4)], [(3, 4), (1, 3)]])
)
def test_a_merge_makes_no_address_writable(
    engine: Engine, facts: list[Said], addresses: list[Address], groups: list[tuple[int, int]]
) -> None:
    """Who may be written to at an address afterwards is somebody's yes, who had that address before."""
    with engine.connect().execution_options(segue_mode="write") as connection:
        transaction = connection.begin()
        people(connection, 4)
        say(connection, *facts)
        reach(connection, *addresses)
        before = writable(connection)
        for pair in groups:
            carry_out_pairs(connection, [pair])
            after = writable(connection)
            assert after <= before
            before = after
        transaction.rollback()


def writable(connection: Connection) -> set[tuple[str, str]]:
    """Channel and address of everybody who agrees to be written to there, or known by it to ad platforms."""
    answers = {one: allowed(connection, one) for one in (1, 2, 3, 4)}
    yes = {"opt_in", "double_opt_in"}
    return {
        (channel, row.value)
        for row in connection.execute(select(identifier))
        for channel, kind in (("email", "email"), ("sms", "phone"), ("ads", "email"), ("ads", "phone"))
        if row.kind == kind and answers[row.profile_id][channel] in yes
    }
