"""Two profiles that are one become one: nothing is lost, nothing is changed twice, and the old id still finds her."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, func, insert, select, update

from segue.contract import Key
from segue.journeys.definition import Brief
from segue.offers import mint
from segue.outbox.consents import read_consents
from segue.outbox.explain import explain
from segue.outbox.lease import Leases
from segue.outbox.merge import BATCH
from segue.outbox.merge_profiles import UNITS
from segue.store.engine import read, write
from segue.store.locks import lock_intake
from segue.store.redirects import roots_of
from segue.store.tables import (
    consent_event,
    identifier,
    lease,
    message,
    metadata,
    profile,
    profile_merge,
    profile_size,
    voucher,
)
from tests.outbox.merges import (
    carry_out_pairs,
    census,
    code,
    found,
    letter,
    live,
    merge,
    owners,
    put,
    redirects,
)
from tests.outbox.shop import LONG_AGO, NOW, SECRET, add_people, an_offer, consent
from tests.search import examples

FAR = 257 + 256  # shares a bucket with 1


def test_everything_she_has_goes_with_her(engine: Engine) -> None:
    add_people(engine, 3)
    for one in (1, 2, 3):
        live(engine, one)
    before = census(engine)
    found(engine, (1, 2))
    assert merge(engine) == 1
    after = census(engine)
    # Sizes are counted, not facts; each had one, and she has two.
    assert after == before | {"profile_merge": 1, "profile_size": after["profile_size"]}
    assert not [name for name, whose in owners(engine).items() if 2 in whose or 1 not in whose]
    assert redirects(engine) == {1: None, 2: 1, 3: None}
    with read(engine) as connection:
        assert connection.scalar(select(profile_merge.c.merged_at)) == NOW
        assert set(connection.scalars(select(message.c.bucket).where(message.c.profile_id == 1))) == {1}
        sizes = select(profile_size.c.size).where(profile_size.c.profile_id == 1)
        assert set(connection.scalars(sizes)) == {"8", "10"}
        assert connection.scalars(select(lease.c.owner).distinct()).all() == [None], "leases are given back"


def test_again_changes_nothing(engine: Engine) -> None:
    add_people(engine, 2)
    live(engine, 1)
    live(engine, 2)
    found(engine, (1, 2))
    assert merge(engine) == 1
    before = _everything(engine)
    assert merge(engine) == 0
    with write(engine) as connection:
        connection.execute(update(profile_merge).values(merged_at=None))
    assert merge(engine) == 0, "a pair that is one already is only ticked off"
    assert _everything(engine) == before


def _everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with read(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key)).all()]
            for table in metadata.sorted_tables
            if table.name not in {"lease", "profile_size"}  # sizes are counted anew, under new ids
        }


def test_the_old_id_finds_her_also_after_the_next_merge(engine: Engine) -> None:
    add_people(engine, 4)
    found(engine, (3, 4))
    assert merge(engine) == 1
    found(engine, (2, 3), (1, 2))
    assert merge(engine) == 2
    assert redirects(engine) == {1: None, 2: 1, 3: 1, 4: 1}
    with read(engine) as connection:
        assert roots_of(connection, [1, 4, 99]) == {1: 1, 4: 1, 99: 99}
        for who in ("1", "4", "p4@example.com", "+12025550003"):
            assert [told.profile_id for told in explain(connection, who)] == [1]


def test_pairs_found_in_any_order_in_one_call(engine: Engine) -> None:
    add_people(engine, 8)
    found(engine, (7, 8), (2, 7), (1, 5), (3, 8), (5, 6))
    assert merge(engine) == 5
    assert redirects(engine) == {1: None, 2: None, 3: 2, 4: None, 5: 1, 6: 1, 7: 2, 8: 2}


def test_a_phone_both_had_is_one_and_names_her(engine: Engine) -> None:
    add_people(engine, 3)
    shared = {"kind": "phone", "value": "+12025550002", "identifies": False, "recorded_at": NOW}
    # Hers who stays is the older row, and names nobody.
    put(engine, identifier, shared | {"id": 0, "profile_id": 1}, shared | {"id": 1_000, "profile_id": 3})
    found(engine, (1, 2))
    merge(engine)
    with read(engine) as connection:
        rows = connection.execute(
            select(identifier.c.profile_id, identifier.c.identifies, identifier.c.recorded_at)
            .where(identifier.c.value == shared["value"])
            .order_by(identifier.c.profile_id)
        ).all()
    assert [tuple(row) for row in rows] == [(1, True, LONG_AGO), (3, False, NOW)]


def test_an_import_again_adds_no_consent(engine: Engine) -> None:
    """Their names hold the profile, and answer to the one that stays from now on."""
    add_people(engine, 3)
    with write(engine) as connection:
        for one, name in ((1, "x"), (2, "x"), (2, "y"), (3, "y")):
            row = consent(one, "email", "granted", "opt_in", at=NOW) | {"dedupe": f"consent:{one}:{name}"}
            connection.execute(insert(consent_event).values(row))
    found(engine, (1, 2), (1, 3))
    merge(engine)
    with read(engine) as connection:
        names = set(connection.scalars(select(consent_event.c.dedupe)))
    assert {"consent:1:x", "consent:1:y"} <= names
    assert len(names) == 6 + 4, "what both said is two facts"


@pytest.mark.parametrize("bucket", [1, 2, 257, 258])
def test_a_bucket_that_somebody_holds_keeps_the_merge_waiting(engine: Engine, bucket: int) -> None:
    """Either person's, in either lane: a worker may be in the middle of something."""
    add_people(engine, 4)
    found(engine, (1, 2), (3, 4))
    worker = Leases(engine, "worker", timedelta(seconds=60))
    assert worker.claim([bucket])
    assert merge(engine) == 1, "the other pair need not wait"
    assert redirects(engine) == {1: None, 2: None, 3: None, 4: 3}
    worker.release()
    assert merge(engine) == 1


def test_a_merger_that_lost_its_lease_merges_nothing(engine: Engine) -> None:
    add_people(engine, 2)
    found(engine, (1, 2))

    def steal(point: str) -> None:
        if point == "merge_claimed":
            with write(engine) as connection:
                connection.execute(
                    update(lease).where(lease.c.bucket == 2).values(owner="thief", epoch=lease.c.epoch + 1)
                )

    assert merge(engine, probe=steal) == 0
    assert redirects(engine) == {1: None, 2: None}


def test_who_shares_a_bucket_is_merged_as_well(engine: Engine) -> None:
    add_people(engine, 1)
    put(engine, profile, {"id": FAR, "created_at": NOW})
    found(engine, (1, FAR))
    assert merge(engine) == 1
    assert redirects(engine)[FAR] == 1


def test_what_was_written_to_her_old_profile_meanwhile_follows(engine: Engine) -> None:
    """Somebody had looked her up before the merge, and wrote after it."""
    add_people(engine, 4)
    found(engine, (1, 2))
    merge(engine)
    found(engine, (3, 4))
    merge(engine)
    late = NOW + timedelta(minutes=30)
    put(engine, consent_event, consent(2, "email", "denied", "opt_in", at=NOW))
    put(engine, message, letter(4, "cart:4"))
    assert merge(engine, late) == 0
    assert owners(engine)["consent_event"] == {1, 3}
    assert owners(engine)["message"] == {3}


def test_two_live_codes_stay_and_no_third_is_minted(engine: Engine) -> None:
    add_people(engine, 2)
    put(engine, voucher, code(1, "letters/only/cart:1"), code(2, "letters/only/cart:2"))
    found(engine, (1, 2))
    merge(engine)
    offer = an_offer(Brief())
    with write(engine) as connection:
        assert mint(connection, [(Key("letters/only/cart:3"), 1)], offer, now=NOW, secret=SECRET) == {}
        kept = mint(connection, [(Key("letters/only/cart:2"), 1)], offer, now=NOW, secret=SECRET)
    assert [one.profile_id for one in kept.values()] == [1]


def test_thousands_are_merged_in_few_transactions(engine: Engine) -> None:
    pairs = 2 * BATCH
    with write(engine) as connection:
        connection.execute(
            insert(profile), [{"id": n, "created_at": NOW, "first_name": f"n{n}"} for n in range(1, 2 * pairs + 1)]
        )
    found(engine, *((2 * n + 1, 2 * n + 2) for n in range(pairs)))
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: asked.append(statement))
    assert merge(engine) == pairs
    assert len(asked) < 150, "a statement a person would be thousands"


# ---------------------------------------------------------------- traits


def test_every_trait_belongs_to_a_unit() -> None:
    known = {name for unit in UNITS for name in unit}
    assert known == {column.name for column in profile.c} - {"id", "created_at", "merged_into"}


def test_the_elders_traits_win_and_gaps_are_filled(engine: Engine) -> None:
    put(
        engine,
        profile,
        {"id": 1, "first_name": "Ann", "last_name": None, "country": "US", "region": None, "zone": None,
         "home_latitude": None, "home_longitude": None, "created_at": NOW},
        {"id": 2, "first_name": "Anna", "last_name": "Lee", "country": "CA", "region": "ON", "zone": "America/Toronto",
         "home_latitude": 1.5, "home_longitude": 2.5, "created_at": LONG_AGO},
    )  # fmt: skip
    found(engine, (1, 2))
    merge(engine)
    with read(engine) as connection:
        row = connection.execute(select(profile).where(profile.c.id == 1)).one()
    assert (row.first_name, row.last_name, row.zone) == ("Ann", "Lee", "America/Toronto")
    assert (row.country, row.region) == ("US", None), "no province of Canada in the USA"
    assert (row.home_latitude, row.home_longitude, row.created_at) == (1.5, 2.5, LONG_AGO)


# ---------------------------------------------------------------- any order

_WORD = st.sampled_from([None, "a", "b"])
_TRAITS = st.fixed_dictionaries(
    {"first_name": _WORD, "zone": _WORD, "country": _WORD, "region": _WORD, "source": _WORD, "age": st.integers(0, 3)}
)
_SAID = st.tuples(
    st.sampled_from(["email", "sms", "print", "ads", "all"]),
    st.sampled_from(["granted", "confirmed", "denied", "doubted"]),
    st.booleans(),
    st.integers(1, 4),
)
_STATES = st.sampled_from(["queued", "held", "deferred", "skipped", "control", "rejected", "uncertain", "accepted"])
_PEOPLE = st.lists(st.tuples(_TRAITS, st.lists(_SAID, max_size=3), st.none() | _STATES), min_size=3, max_size=4)


def _write(
    connection: Connection, people: list[tuple[dict[str, object], list[tuple[str, str, bool, int]], str | None]]
) -> None:
    for one, (traits, said, state) in enumerate(people, 1):
        values = {name: value for name, value in traits.items() if name != "age"}
        start = LONG_AGO + timedelta(days=int(str(traits["age"])))
        connection.execute(insert(profile).values(id=one, created_at=start, **values))
        phone = {"kind": "phone", "value": "+12025550100", "identifies": one == 3, "recorded_at": start}
        connection.execute(insert(identifier).values(profile_id=one, **phone))
        for number, (channel, word, is_dated, at) in enumerate(said):
            row = consent(one, channel, word, "opt_in", at=LONG_AGO + timedelta(days=at))
            connection.execute(insert(consent_event).values(row | {"dedupe": f"{one}/{number}", "is_dated": is_dated}))
        if state is not None:
            row = letter(one, f"month:2026-05:profile:{one}", state, id=one)
            connection.execute(insert(message).values(row))
            connection.execute(insert(voucher).values(code(one, row["key"])))


def _outcome(connection: Connection) -> object:
    """What anybody can see of her: the profile that stays, what she allows, and who has which key that still counts."""
    hers = "letters/only/month:2026-05:profile:1"
    keyed = connection.execute(select(message.c.id, message.c.state).where(message.c.key == hers)).all()
    coded = connection.execute(
        select(voucher.c.code, message.c.id)
        .join(message, message.c.key == voucher.c.message_key)
        .order_by(message.c.id)
    ).all()
    return (
        connection.execute(select(profile.c.id, profile.c.merged_into).order_by(profile.c.id)).all(),
        connection.execute(select(profile).where(profile.c.id == 1)).one(),
        {name: answers[0] for name, answers in read_consents(connection, {1: 0}, NOW).items()},
        set(connection.execute(select(identifier.c.profile_id, identifier.c.value, identifier.c.identifies)).tuples()),
        keyed,
        connection.execute(select(message.c.id, message.c.state, message.c.bucket).order_by(message.c.id)).all(),
        coded,
        connection.scalar(select(func.count()).select_from(consent_event).where(consent_event.c.source == "test")),
        _ads(connection),
    )


def _ads(connection: Connection) -> str | None:
    """What she allows of ads: of which nobody reads a basis here, so it is counted by hand."""
    facts = connection.execute(
        select(consent_event.c.state, consent_event.c.occurred_at, consent_event.c.is_dated).where(
            consent_event.c.profile_id == 1, consent_event.c.channel.in_(("ads", "all"))
        )
    ).all()
    yes = [fact.occurred_at if fact.is_dated else LONG_AGO for fact in facts if fact.state in ("granted", "confirmed")]
    for word in ("denied", "doubted"):
        noes = [fact.occurred_at for fact in facts if fact.state == word]
        if noes and max(yes, default=LONG_AGO) <= max(noes):
            return word
    return "yes" if yes else None


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=_PEOPLE, data=st.data())
def test_any_order_of_merges_ends_alike(engine: Engine, people: list[object], data: st.DataObject) -> None:
    """The profile, her consents, her names, whose the key is and each message's state: whatever was found first."""
    # A tree over all of them: each but the first is found to be one with somebody before her.
    pairs = [(data.draw(st.integers(1, one - 1)), one) for one in range(2, len(people) + 1)]
    orders = [pairs, data.draw(st.permutations(pairs)), [*pairs[::-1], *pairs]]
    outcomes = []
    for order in orders:
        with engine.connect().execution_options(segue_mode="write") as connection:
            transaction = connection.begin()
            _write(connection, people)  # type: ignore[arg-type]
            carry_out_pairs(connection, order)
            outcomes.append(_outcome(connection))
            transaction.rollback()
    assert outcomes[0] == outcomes[1] == outcomes[2]


# ---------------------------------------------------------------- beside imports and promises


def test_a_promise_being_made_is_waited_for_or_left_for_later(engine: Engine) -> None:
    """Neither sees the other: a promise made to a profile that is gone would reach nobody."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    add_people(engine, 2)
    found(engine, (1, 2))
    with write(engine) as promising:
        promising.execute(insert(message), letter(2, "cart:2"))
        assert merge(engine) == 0
    assert merge(engine) == 1
    assert owners(engine)["message"] == {1}


def test_a_running_import_is_not_waited_for(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    add_people(engine, 2)
    found(engine, (1, 2))
    with write(engine) as importing:
        lock_intake(importing)
        assert merge(engine) == 0
    assert merge(engine) == 1
