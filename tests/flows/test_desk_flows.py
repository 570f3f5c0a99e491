"""The marketer's levers: the brake, stopping a run, and asking why; by what Prefect's forms take and pages show."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from pydantic import ValidationError

from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.brake import NAMES, Action, BrakeForm, StopForm, pause_or_resume, stop_a_run
from flows.errors import FlowError
from flows.explain_customer import ExplainForm, explain_customer
from flows.forms import Mode
from segue.service import Segue
from tests.flows.shop import Shop
from tests.flows.widths import cut_off

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

SEND = AbandonedCartForm(mode=Mode.SEND)


def page(key: str) -> str:
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), sort=ArtifactSort.CREATED_DESC, limit=1
        )
    return str(artifact.data)


def test_nothing_leaves_while_the_brake_is_on_and_all_of_it_after(installed: Segue, shop: Shop) -> None:
    assert pause_or_resume(BrakeForm(what="Journey: Abandoned cart", why="wrong prices")) == 1
    assert json.loads(page("brake"))[0]["Why"] == "wrong prices"
    held = abandoned_cart(SEND)
    assert (held.groups["accepted"], held.groups["pending"]) == (0, shop.consenting)
    assert pause_or_resume(BrakeForm(action=Action.RESUME, what="Journey: Abandoned cart")) == 0
    installed.clock.advance(timedelta(minutes=10))  # type: ignore[attr-defined]
    assert installed.drain_ready().sent == shop.consenting
    installed.pause("channel:sms", reason="call 555-0123")  # the command line checks no words
    assert pause_or_resume(BrakeForm(action=Action.RESUME, what="Everything")) == 1
    assert "555" not in page("brake")


def test_a_stopped_run_says_what_it_kept(installed: Segue, shop: Shop) -> None:
    pause_or_resume(BrakeForm(what="Everything"))
    run = abandoned_cart(SEND)
    assert stop_a_run(StopForm(run=run.run_id)) == shop.consenting
    assert f"**{shop.consenting:,} messages were kept from leaving.** 0 had left before" in page("stopped-run")
    pause_or_resume(BrakeForm(action=Action.RESUME, what="Everything"))
    installed.clock.advance(timedelta(minutes=10))  # type: ignore[attr-defined]
    assert installed.drain_ready().sent == 0
    with pytest.raises(FlowError, match="there is no run 99"):
        stop_a_run(StopForm(run=99))


def test_why_is_told_by_id_and_names_nobody(installed: Segue, shop: Shop) -> None:
    abandoned_cart(SEND)
    assert explain_customer(ExplainForm(customer="5")) == 1  # every fifth has agreed to nothing
    told = page("explain-customer")
    assert ": Abandoned cart, Reminder: **left out**, never agreed to marketing messages\n" in told
    assert cut_off(told) == []
    assert not [one for one in shop.personal if one in told.lower()]
    with pytest.raises(FlowError, match="Nobody has that id"):
        explain_customer(ExplainForm(customer="no-customer-9"))


def test_the_drop_down_offers_what_exists() -> None:
    offered = BrakeForm.model_json_schema()["properties"]["what"]["enum"]
    assert offered == list(NAMES)
    assert {"Everything", "Journey: Abandoned cart", "Channel: text message", "Connector: smtp"} <= set(offered)
    with pytest.raises(ValidationError, match="choose one of"):
        BrakeForm(what="Channel: pigeon")
