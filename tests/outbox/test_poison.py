"""What is broken for one, or not installed here, costs nobody else anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection

from segue.contract import Channel
from segue.journeys.definition import Brief, Moment
from tests.outbox.conftest import Desks
from tests.outbox.shop import journey, nothing_to_say, step


def words_that_fail_for_three(
    connection: Connection, rows: pd.DataFrame, moment: Moment, brief: Brief
) -> Sequence[Mapping[str, Any]]:
    """A journey's own bug, met by one person only."""
    if 3 in rows["profile_id"].tolist():
        raise KeyError("colour")
    return nothing_to_say(connection, rows, moment, brief)


def test_words_that_fail_for_one_are_that_ones_alone(desk: Desks) -> None:
    """The others get their message; hers is skipped with its reason, and nobody asks again."""
    one = desk(step("news", words=words_that_fail_for_three), people=9)
    one.drain()
    assert one.states() == {("accepted", None): 8, ("skipped", "template"): 1}
    (broken,) = [row for row in one.rows() if row.state == "skipped"]
    assert broken.profile_id == 3


def test_a_journey_that_is_gone_stops_nobody(desk: Desks) -> None:
    """Its messages wait until it is installed again; the others leave."""
    one = desk(step("news", in_cap=False), people=4)
    with one.sibling([journey(step("other", in_cap=False), name="others")]) as stranger:
        stranger.promise()
        assert stranger.drain().sent == 4
        assert stranger.states() == {("queued", None): 4, ("accepted", None): 4}
    one.drain()
    assert one.states() == {("accepted", None): 8}


def test_a_step_that_is_gone_stops_nobody(desk: Desks) -> None:
    """A renamed step leaves rows behind that nobody can judge; they wait."""
    one = desk(step("old"), people=4)
    with one.sibling([journey(step("new"))]) as renamed:
        renamed.promise()
        assert renamed.drain().sent == 4
        assert renamed.states() == {("queued", None): 4, ("accepted", None): 4}


def test_a_channel_that_nobody_serves_holds_its_messages(desk: Desks) -> None:
    """No connector is named for it here: held with that reason, and looked at again later, not at once."""
    one = desk(step("news"), people=3)
    one.worker._connectors.by_channel.pop(Channel.EMAIL)
    count = one.drain()
    assert (count.held, count.sent) == (3, 0)
    assert one.states() == {("held", "no_connector"): 3}
    assert one.drain().judged == 0


def facts_that_fail(_connection: Connection, _rows: pd.DataFrame, _moment: Moment, _brief: Brief) -> pd.DataFrame:
    """A journey whose own query is wrong."""
    raise ValueError("sarah@example.com")


def test_a_journey_whose_facts_fail_stops_no_other(desk: Desks, caplog: pytest.LogCaptureFixture) -> None:
    """Its messages are held with the reason; the log names the journey and the kind of error, and quotes nobody."""
    one = desk(step("broken", facts=facts_that_fail, in_cap=False), step("sound", in_cap=False), people=4)
    one.drain()
    assert one.states() == {("held", "journey_broken"): 4, ("accepted", None): 4}
    assert "letters/broken: no facts (ValueError)" in caplog.text
    assert "sarah@example.com" not in caplog.text
