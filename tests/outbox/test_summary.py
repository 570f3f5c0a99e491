"""The sum always adds up, and a preview is a sum that changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, select

from segue.contract.fake import Answer
from segue.journeys.definition import Moment
from segue.outbox.preview import preview
from segue.outbox.report import summary_of
from segue.outbox.rules import rules_of
from segue.outbox.summary import GROUPS, ORDER, Summary, lines_of
from segue.store.engine import read, write
from segue.store.tables import consent_event, decision, message, metadata, suppression
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.shop import LONG_AGO, NOW, SECRET, consent, step
from tests.search import examples

_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["reminder", "last_call"]),
        st.sampled_from(sorted(GROUPS)),
        st.sampled_from([None, "budget", "suppressed"]),
        st.sampled_from([None, "email", "sms"]),
        st.integers(1, 3),
    ),
    max_size=40,
)
Row = tuple[str, str, str | None, str | None, int]


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_whatever_the_states_are_the_sum_adds_up(engine: Engine, rows: list[Row]) -> None:
    with write(engine) as connection:
        connection.execute(delete(message))
        if rows:
            connection.execute(
                insert(message),
                [
                    {
                        "key": f"letters/{name}/{place}",
                        "profile_id": place,
                        "bucket": place % 256,
                        "run_id": run,
                        "journey": "letters",
                        "step": name,
                        "priority": 1,
                        "state": state,
                        "reason": reason,
                        "channel": channel,
                        "not_before": NOW,
                        "deadline_at": NOW,
                        "promised_at": NOW,
                    }
                    for place, (name, state, reason, channel, run) in enumerate(rows)
                ],
            )
    with read(engine) as connection:
        total = summary_of(connection, journey="letters", run_id=None)
    assert total.considered == len(rows) == sum(total.by_group().values())
    assert total.by_group() == {group: sum(GROUPS[row[1]] == group for row in rows) for group in ORDER}
    for (name, reason), times in Counter((row[0], row[2]) for row in rows if row[2]).items():
        assert total.count(step=name, reason=reason) == times
    for name, ids in total.examples.items():
        asked_step, group, *_ = name.split("/")
        assert 0 < len(ids) <= 5
        assert all((rows[one][0], GROUPS[rows[one][1]]) == (asked_step, group) for one in ids)


@given(rows=_ROWS)
def test_lines_merge_what_reads_the_same(rows: list[Row]) -> None:
    lines = lines_of(rows)
    assert sum(line.count for line in lines) == sum(row[4] for row in rows)
    assert len({(line.step, line.group, line.reason, line.channel) for line in lines}) == len(lines)


def contents(engine: Engine) -> dict[str, int]:
    with read(engine) as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


def look(one: Desk) -> Summary:
    letters = one.journeys["letters"]
    with read(one.engine) as connection:
        return preview(
            connection,
            letters,
            letters.brief(),
            Moment(now=one.clock.now(), live_from=LONG_AGO),
            rules=rules_of(one.settings),
            secret=SECRET,
            journeys=one.journeys,
            shard_size=one.settings.shard_size,
        )


@pytest.fixture
def mixed(desk: Desks) -> Desk:
    """Twenty people of whom three said no, promised nothing yet."""
    one = desk(step(), people=20, promised=False, shard_size=7)
    with write(one.engine) as connection:
        later = LONG_AGO + timedelta(hours=1)
        connection.execute(
            insert(consent_event), [consent(n, "email", "denied", "opt_in", at=later) for n in (2, 3, 5)]
        )
    return one


def test_a_preview_stores_nothing_and_sends_nothing(mixed: Desk) -> None:
    before = contents(mixed.engine)
    seen = look(mixed)
    assert contents(mixed.engine) == before
    assert not mixed.sent()
    assert seen.preview
    assert seen.run_id is None


def test_a_preview_says_what_a_run_then_does(mixed: Desk) -> None:
    seen = look(mixed)
    mixed.promise()
    mixed.drain()
    with read(mixed.engine) as connection:
        done = summary_of(connection, journey="letters", run_id=None)
    assert seen.lines == done.lines
    assert seen.by_group()["accepted"] == 17
    assert seen.examples["only/skipped/denied"] == (2, 3, 5)


def test_what_was_promised_is_no_candidate_any_more(mixed: Desk) -> None:
    mixed.promise()
    assert look(mixed).considered == 0


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.lists(st.sampled_from(["ok", "rejected", "throttled", "silence", "cut"]), min_size=1, max_size=12),
    poisoned=st.sets(st.integers(1, 20), max_size=3),
)
def test_whatever_a_provider_does_nobody_vanishes(mixed: Desk, answers: list[Answer], poisoned: set[int]) -> None:
    """What the provider took is accepted or uncertain, and nothing else is accepted."""
    with write(mixed.engine) as connection:
        for table in (decision, message, suppression):
            connection.execute(delete(table))
    with Desk(mixed.engine, mixed.home, list(mixed.journeys.values()), max_attempts=3) as one:
        one.library.poisoned = poisoned
        one.wire.answer(*answers)
        promised = one.promise()
        for _ in range(4):
            one.drain()
            one.clock.advance(timedelta(minutes=20))
        with read(one.engine) as connection:
            total = summary_of(connection, journey="letters", run_id=None)
        assert total.considered == promised == 20 == sum(total.by_group().values())
        assert total.count(reason="denied") == 3
        assert total.count(reason="template") == len(poisoned - {2, 3, 5})
        states = {row.key: row.state for row in one.rows()}
        taken = {str(m.key) for m in one.wire.received if one.wire.name_of(m.key)}
        assert {states[key] for key in taken} <= {"accepted", "uncertain"}
        assert {key for key, state in states.items() if state == "accepted"} <= taken
