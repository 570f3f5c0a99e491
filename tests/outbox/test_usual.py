"""What is usual for a journey, and what is worth telling somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from segue.outbox.usual import Size, days_of, unusual
from segue.store.engine import read, write
from segue.store.tables import message, run
from tests.outbox.shop import NOW

DAILY = dict.fromkeys(range(1, 36), 100)
MONDAYS = dict.fromkeys(range(7, 36, 7), 100)
#: Asked on a Tuesday.
A_DAY_AGO = {day + 1: count for day, count in MONDAYS.items()} | {1: 100}


@pytest.mark.parametrize(
    ("days", "size"),
    [
        pytest.param({0: 100, **DAILY}, None, id="a day like any other"),
        pytest.param({0: 301, **DAILY}, Size.MANY, id="more than three times the fullest"),
        pytest.param({0: 300, **DAILY}, None, id="three times the fullest is not more"),
        pytest.param({0: 1200, **DAILY, 9: 400}, None, id="it was as full before"),
        pytest.param({0: 33, **DAILY}, Size.FEW, id="less than a third of the emptiest"),
        pytest.param({0: 34, **DAILY}, None, id="a third and a bit"),
        pytest.param(DAILY, Size.FEW, id="silent"),
        pytest.param({0: 40, **dict.fromkeys(DAILY, 5)}, None, id="forty are never many"),
        pytest.param({0: 50, **dict.fromkeys(DAILY, 5)}, Size.MANY, id="fifty may be"),
        pytest.param(dict.fromkeys(DAILY, 49), None, id="of fifty a day or fewer, silence is chance"),
        pytest.param(dict.fromkeys(DAILY, 50), Size.FEW, id="of fifty it is not"),
        pytest.param({0: 900, **dict.fromkeys(range(1, 5), 9)}, None, id="four days make no usual"),
        pytest.param({0: 900, **dict.fromkeys(range(1, 6), 9)}, Size.MANY, id="five do"),
        pytest.param(dict.fromkeys(range(1, 7), 90), None, id="no such weekday yet"),
        pytest.param(dict.fromkeys(range(1, 8), 90), Size.FEW, id="its weekday was once, and had messages"),
        pytest.param(A_DAY_AGO, None, id="Mondays only, asked on a Tuesday"),
        pytest.param(MONDAYS, Size.FEW, id="Mondays only, and this Monday nobody"),
        pytest.param({k: v for k, v in DAILY.items() if k > 6}, Size.FEW, id="silent for six days"),
        pytest.param({k: v for k, v in DAILY.items() if k > 7}, None, id="silent for a week: it has been told"),
        pytest.param({k: v for k, v in DAILY.items() if k != 14}, Size.FEW, id="a day missed two weeks ago"),
        pytest.param({}, None, id="a journey that never had anybody"),
    ],
)
def test_what_is_unusual(days: Mapping[int, int], size: Size | None) -> None:
    found = unusual(days, may_be_few=True)
    assert (found and found.size) == size


def test_by_hand_few_is_what_somebody_chose() -> None:
    """Many is told all the same, with the numbers it is compared with."""
    assert unusual(DAILY, may_be_few=False) is None
    found = unusual({0: 999, **DAILY, 3: 70, 4: 130}, may_be_few=False)
    assert found is not None
    assert (found.size, found.count, found.least, found.most, found.days) == (Size.MANY, 999, 70, 130, 35)


def test_days_count_who_is_written_to_by_when_it_was_promised(engine: Engine) -> None:
    """Not who was left out, not another journey; a run that waited for its yes counts when it promised."""
    hour, day = timedelta(hours=1), timedelta(days=1)
    put(engine, "letters", NOW - 3 * day, {NOW - 2 * hour: ["accepted", "queued", "skipped", "control"]})
    put(engine, "letters", NOW, {NOW: ["rejected", "uncertain", "handed_over", "held", "deferred"]})
    put(engine, "letters", NOW - day, {NOW - day: ["accepted"], NOW - day + timedelta(minutes=9): ["accepted"]})
    put(engine, "letters", NOW - 36 * day, {NOW - 35 * day: ["accepted"], NOW - 36 * day: ["accepted"]})
    put(engine, "cards", NOW - hour, {NOW - hour: ["accepted"] * 3})
    with read(engine) as connection:
        assert days_of(connection, "letters", NOW) == {0: 7, 1: 2, 35: 1}
        assert days_of(connection, "nobody", NOW) == {}


def put(engine: Engine, journey: str, started_at: datetime, promised: dict[datetime, list[str]]) -> None:
    """A run with messages in these states, by when they were promised."""
    with write(engine) as connection:
        made = insert(run).values(journey=journey, brief={}, started_at=started_at).returning(run.c.id)
        run_id = connection.execute(made).scalar_one()
        for at, states in promised.items():
            connection.execute(
                insert(message),
                [
                    {
                        "key": f"{run_id}/{at.isoformat()}/{number}",
                        "profile_id": number,
                        "bucket": number,
                        "run_id": run_id,
                        "journey": journey,
                        "step": "only",
                        "priority": 0,
                        "state": state,
                        "not_before": at,
                        "deadline_at": at + timedelta(days=1),
                        "promised_at": at,
                    }
                    for number, state in enumerate(states, start=1)
                ],
            )
