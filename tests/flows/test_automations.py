"""The automations that tell colleagues, on a real server: what they say, and that nobody's change is undone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.server.events import triggers
from prefect.server.events.models.automations import automations_session, read_automation
from prefect.server.events.schemas.automations import EventTrigger as ServerTrigger
from prefect.server.events.schemas.events import ReceivedEvent

from flows.automations import MAIL, WEBHOOK, sync_notices
from flows.deployments import WORK_POOL
from flows.notices import NOTICES
from flows.referral_review import EVENT as TO_REVIEW
from flows.referral_review import RESOURCE as REFERRALS
from flows.unusual import EVENT, RESOURCE, SIZE
from segue.service import Receivers, receivers_of
from segue.settings import Settings

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

NAMES = tuple(notice.name for notice in NOTICES)
FAILED = NAMES[0]
NOBODY = receivers_of(Settings(_env_file=None))
HOOK = receivers_of(Settings(_env_file=None, notify_webhook="https://hooks.example.com/sword-fish"))
BOTH = receivers_of(
    Settings(
        _env_file=None,
        notify_webhook="https://hooks.example.com/sword-fish",
        notify_email="desk@example.com",
        notify_smtp="smtp://shop:swordfish@mail.example.com",
    )
)


@pytest.fixture
def client(prefect_server: None) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as opened:
        yield opened
        sync_notices(NOBODY)


@pytest.mark.parametrize(
    ("event", "pool", "told"),
    [
        ("prefect.flow-run.Failed", WORK_POOL, FAILED),
        ("prefect.flow-run.Crashed", WORK_POOL, FAILED),
        ("prefect.flow-run.TimedOut", WORK_POOL, FAILED),
        ("prefect.flow-run.Suspended", WORK_POOL, "Segue: a run waits for a yes"),
        ("prefect.flow-run.Cancelled", WORK_POOL, None),
        ("prefect.flow-run.AwaitingRetry", WORK_POOL, None),
        ("prefect.flow-run.Completed", WORK_POOL, None),
        ("prefect.task-run.Failed", WORK_POOL, None),
        ("prefect.flow-run.Late", WORK_POOL, "Segue: nothing starts"),
        ("prefect.flow-run.Failed", "somebody-elses", None),
        ("prefect.flow-run.Suspended", "somebody-elses", None),
    ],
)
def test_what_is_told_of_which_runs(event: str, pool: str, told: str | None) -> None:
    """As Prefect's own server reads the triggers: what ended badly or waits, of our work pool."""
    kind = event.rpartition(".")[0]
    related = [{"prefect.resource.id": "prefect.work-pool.1", "prefect.resource.role": "work-pool"}]
    related[0]["prefect.resource.name"] = pool
    assert covering(event, {"prefect.resource.id": f"{kind}.1"}, related) == ([told] if told else [])


@pytest.mark.parametrize(("size", "told"), [("many", "Segue: unusually many"), ("few", "Segue: unusually few")])
def test_many_and_few_are_told_apart(size: str, told: str) -> None:
    assert covering(EVENT, {"prefect.resource.id": f"{RESOURCE}campaign", SIZE: size}, []) == [told]


LATE, RUNNING = "prefect.flow-run.Late", "prefect.flow-run.Running"
#: A run every five minutes and nobody who takes it.
NOBODY_COMES = [(minute, LATE, WORK_POOL) for minute in range(0, 65, 5)]


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        ([*NOBODY_COMES, (12, RUNNING, "somebody-elses")], [30, 65]),
        ([*NOBODY_COMES, (12, RUNNING, WORK_POOL)], [65]),
        ([(0, LATE, "somebody-elses")], []),
    ],
    ids=["a_dead_worker", "one_that_died_later", "somebody_elses"],
)
def test_that_nothing_starts_is_told_once_in_half_an_hour(
    client: SyncPrefectClient,
    monkeypatch: pytest.MonkeyPatch,
    happens: Sequence[tuple[int, str, str]],
    told: list[int],
) -> None:
    """For the whole work pool, not for each run that waits; by Prefect's own code on a clock of ours."""
    sync_notices(HOOK)
    assert asyncio.run(play(ours(client)["Segue: nothing starts"], happens, monkeypatch)) == told


async def play(
    automation: Automation, happens: Sequence[tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """The minutes at which an automation fires, asked when the server would ask it."""
    fired, start, minute = [], datetime.now(UTC), 0
    next_look = start

    async def act(_firing: Any) -> None:
        fired.append(minute)

    async def no_clock(_event: Any) -> None:
        """What counts is our clock."""

    monkeypatch.setattr(triggers, "act", act)
    monkeypatch.setattr(triggers, "update_events_clock", no_clock)
    await triggers.reset()
    async with automations_session() as session:
        triggers.load_automation(await read_automation(session, automation.id))
    try:
        (trigger,) = triggers.triggers.values()
        for minute in range(70):
            at = start + timedelta(minutes=minute)
            for _, event, pool in [one for one in happens if one[0] == minute]:
                await triggers.reactive_evaluation(run_event(event, pool, at))
            if at >= next_look:
                next_look = await triggers.proactive_evaluation(trigger, at)
    finally:
        await triggers.reset()
    return fired


def run_event(event: str, pool: str, at: datetime) -> ReceivedEvent:
    """What Prefect says when a run of a work pool changes its state."""
    related = {"prefect.resource.id": f"prefect.work-pool.{pool}", "prefect.resource.role": "work-pool"}
    return ReceivedEvent.model_validate(
        {
            "event": event,
            "resource": {"prefect.resource.id": f"prefect.flow-run.{uuid4()}"},
            "related": [related | {"prefect.resource.name": pool}],
            "occurred": at,
            "id": uuid4(),
        }
    )


def test_what_waits_for_a_review_is_told_each_time_it_is_said() -> None:
    """Who says it counts the day."""
    assert covering(TO_REVIEW, {"prefect.resource.id": REFERRALS}, []) == ["Segue: referrals to review"]


def covering(event: str, resource: dict[str, str], related: list[dict[str, str]]) -> list[str]:
    """The notices whose triggers cover an event."""
    came = ReceivedEvent.model_validate(
        {"event": event, "resource": resource, "related": related, "occurred": datetime.now(UTC), "id": uuid4()}
    )
    triggers = {
        notice.name: ServerTrigger.model_validate(notice.automation([], enabled=True).trigger.model_dump())
        for notice in NOTICES
    }
    return [name for name, trigger in triggers.items() if trigger.covers(came)]


def ours(client: SyncPrefectClient) -> dict[str, Automation]:
    return {one.name: one for one in client.read_automations() if one.name.startswith("Segue: ")}


def kept(client: SyncPrefectClient) -> list[str]:
    """Our blocks as anybody sees them who asks the server."""
    found = client.request("POST", "/block_documents/filter", json={}).json()
    return [json.dumps(one) for one in found if one["name"] in {WEBHOOK, MAIL}]


def test_all_are_made_once_and_nothing_else_is_done(client: SyncPrefectClient) -> None:
    """A second start changes nothing, or a trigger would forget whom it has told within the hour."""
    done = sync_notices(BOTH)
    assert (done.created, done.updated, done.removed) == (NAMES, (), ())
    before = ours(client)
    assert set(before) == set(NAMES)
    assert all(len(one.actions) == 2 and one.enabled for one in before.values())
    again = sync_notices(BOTH)
    assert (again.created, again.updated, again.removed) == ((), (), ())
    assert ours(client) == before


def test_nobody_who_asks_the_server_reads_a_secret(client: SyncPrefectClient) -> None:
    """Neither the webhook's address nor an address or password of the mail server."""
    sync_notices(BOTH)
    shown = kept(client)
    assert len(shown) == 2
    assert not [word for word in ("sword-fish", "swordfish", "desk@", "shop") for one in shown if word in one]


def test_what_somebody_switched_off_stays_off(client: SyncPrefectClient) -> None:
    """Through a start, and through a change of ours; a reset switches it on."""
    sync_notices(HOOK)
    client.pause_automation(ours(client)[FAILED].id)
    done = sync_notices(BOTH)
    assert (done.updated, done.switched_off) == (NAMES, (FAILED,))
    assert done.where == (
        "Failed, waiting, late and unusual runs are told by a webhook and e-mail to 1 address; "
        "switched off in the pages: Segue: a run failed"
    )
    after = ours(client)
    assert not after[FAILED].enabled
    assert all(len(one.actions) == 2 for one in after.values())
    assert sync_notices(BOTH, reset=True).updated == (FAILED,)
    assert ours(client)[FAILED].enabled


def test_a_new_address_goes_into_the_block_and_the_automations_stay(client: SyncPrefectClient) -> None:
    sync_notices(HOOK)
    before = ours(client)
    assert sync_notices(Receivers(webhook="https://hooks.example.com/other", mail=None)).updated == ()
    assert ours(client) == before
    found = client.read_block_document_by_name(WEBHOOK, "segue-webhook")
    assert found.data["url"] == "https://hooks.example.com/other"


def test_without_receivers_ours_go_and_nobody_elses(client: SyncPrefectClient) -> None:
    """With their secrets; of the two ways, one may go alone."""
    sync_notices(BOTH)
    theirs = ours(client)[FAILED].model_dump() | {"name": "Segue: mine"}
    made = client.create_automation(AutomationCore.model_validate(theirs))
    sync_notices(HOOK)
    assert len(kept(client)) == 1
    done = sync_notices(NOBODY)
    assert done.removed == NAMES
    assert "set SEGUE_NOTIFY_WEBHOOK or SEGUE_NOTIFY_EMAIL (docs/how-to/get-notified.md)" in done.where
    assert (set(ours(client)), kept(client)) == ({"Segue: mine"}, [])
    client.delete_automation(made)
    assert sync_notices(NOBODY).removed == ()
