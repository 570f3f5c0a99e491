"""Retargeting through Prefect: a preview asks no platform, a sync reports counts, trouble stops the run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run

from flows.approval import Decision
from flows.audiences import Sync, page
from flows.errors import FlowError
from flows.forms import Mode
from flows.retargeting import RetargetingForm, retargeting
from flows.unusual import SIZE, tell_audiences
from segue.journeys.retargeting import JOURNEY
from segue.service import AudienceLine, AudienceReport, FeedReport, Segue, Size, UnusualAudience
from segue.settings import load_settings
from tests.audiences.people import Town, line
from tests.flows.conftest import NOW
from tests.flows.widths import cut_off

SEND = RetargetingForm(mode=Mode.SEND)
LINE = AudienceLine(
    audience="cart", title="Left in a cart", connector="meta", considered=5, wanted=2, control=1, out={"denied": 2}
)


def newest_report() -> str:
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["retargeting-report"])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    return str(artifact.data)


def test_the_page_adds_up_and_names_each_audience_once() -> None:
    other = AudienceLine(audience="cart", title="Left in a cart", connector="files", considered=5, wanted=2, control=1)
    long = replace(LINE, audience="related", title="Goes with what she bought", connector="audiences_csv", considered=0)
    text = page(Sync(audiences=AudienceReport(preview=True, lines=(LINE, other, long))))
    assert "**5 considered** = 2 belong in it + 2 said no to marketing ads + 1 held back to measure" in text
    assert text.count("considered** =") == 1
    assert cut_off(text) == []
    assert "| Left in a cart | 2 |" in text
    assert "nothing was sent" in text
    assert "at least" not in text
    assert "Another sync is at it" in page(Sync(audiences=AudienceReport(preview=False, lines=(), busy=True)))


def test_an_audience_below_the_platforms_least_says_so() -> None:
    """Nobody sees an ad then, and the platform tells nobody why."""
    small, large = replace(LINE, min_audience=100), replace(LINE, min_audience=100, wanted=100, connector="other")
    lines = (small, large, replace(small, wanted=0, connector="third"))
    text = page(Sync(audiences=AudienceReport(preview=True, lines=lines)))
    assert "Left in a cart at meta: platforms need at least 100 people; this one has 2." in text
    assert text.count("at least 100") == 1


def test_what_a_platform_cannot_use_stands_beside_who_is_in_it() -> None:
    text = page(Sync(audiences=AudienceReport(preview=False, lines=(replace(LINE, members=10_000, unusable=2_000),))))
    assert "| In it now | Of no use there | Platform |" in text
    assert "| 10,000 | 2,000 |" in text
    assert "Left in a cart at meta: the platform cannot use the entries of 2,000 of the 10,000 in it" in text


def test_without_a_platform_the_page_says_what_to_name() -> None:
    text = page(Sync(audiences=AudienceReport(preview=False, lines=()), feed=FeedReport(rows={"audiences_csv": 9})))
    assert "**No ad platform is connected**" in text
    assert "SEGUE_CONNECTORS" in text
    assert "9 rows" in text, "the feed is laid out all the same"


def test_unusual_audiences_stand_on_the_page_and_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[dict[str, Any]] = []
    monkeypatch.setattr("flows.unusual.emit_event", lambda **event: emitted.append(event))
    empty = UnusualAudience(
        title="Left in a cart", connector="meta", size=Size.FEW, members=3, before=1_060, reason="sold_out"
    )
    full = UnusualAudience(title="Landed", connector="meta", size=Size.MANY, members=400, before=80, reason=None)
    said = "Left in a cart at meta holds 3 people; a day before it held 1,060; most who left: "
    text = page(Sync(audiences=AudienceReport(preview=False, lines=(LINE,)), unusual=(empty, full)))
    assert f"**Unusual**: {said}" in text
    assert "**Unusual**: Landed at meta holds 400 people; a day before it held 80." in text
    tell_audiences(JOURNEY, (empty, full, replace(empty, connector="other")))
    assert [(one["resource"][SIZE], one["payload"]["audiences"]) for one in emitted] == [("many", 1), ("few", 2)]
    assert emitted[1]["payload"]["said"].startswith(said)


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_preview_then_sync_then_trouble(installed: Segue, monkeypatch: pytest.MonkeyPatch) -> None:
    """One story, since a flow run costs a second: a preview by hand, a sync, a large fill, then the brake."""
    installed.switch_on("retargeting", NOW - timedelta(days=30))
    town = Town(installed.engine, NOW)
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    folder = Path(installed.settings.outbox)
    shown = retargeting()
    assert (shown.preview, line(shown, "cart").wanted) == (True, 1)
    assert not folder.exists()
    done = retargeting(SEND)
    assert (done.preview, line(done, "cart").members) == (False, 1)
    assert (folder / "feed.csv").exists()
    report = newest_report()
    assert "Product feed by audiences_csv: 9 rows" in report
    assert "example.com" not in report
    monkeypatch.setenv("SEGUE_APPROVE_ABOVE_MESSAGES", "0")
    load_settings.cache_clear()
    for _ in range(2):
        town.add_to_cart(town.person(), town.variant(1))
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(retargeting), name="waits", paused=True)
        form = {"brief": SEND.model_dump(mode="json")}
        waiting = client.create_flow_run_from_deployment(deployment, parameters=form).id
        with pytest.raises(Pause):
            run_flow(retargeting, flow_run=client.read_flow_run(waiting), parameters={"brief": SEND})
        report = newest_report()
        assert "**2 wait for somebody's yes**" in report
        assert "Left in a cart at audiences_csv: 2 more belong in it and wait" in report
        resume_flow_run(waiting, run_input={"decision": Decision.APPROVE.value, "name": "Ann Example"})
        run_flow(retargeting, flow_run=client.read_flow_run(waiting), parameters={"brief": SEND})
    assert "| Left in a cart | 3 | 2 | 0 | 3 | audiences_csv |" in newest_report()
    monkeypatch.delenv("SEGUE_APPROVE_ABOVE_MESSAGES")
    load_settings.cache_clear()
    installed.pause("channel:audience", reason="test")
    town.consent(who, "denied")
    with pytest.raises(FlowError, match="paused: channel:audience"):
        retargeting(SEND)
