"""Bringing deployments in line with prefect.yaml keeps what a marketer changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Pending, Running

from flows.deployments import ROOT, DeploymentError, sync
from flows.forms import Mode
from flows.fresh_forms import freshen_forms
from flows.import_shop import ImportBrief, import_shop
from flows.popup_invite import ANY
from segue.service import open_segue
from segue.settings import load_settings

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

WORDED = {"title", "description", "default"}
CART, DISPATCH, INVITE = "abandoned-cart/live", "dispatch-outbox/live", "popup-invite/live"
PLACES = """
name = "places"
time_zone = "America/New_York"
[[record]]
kind = "location"
[record.fields]
external_id = "id"
kind = { constant = "popup" }
name = { constant = "Tent" }
zone = { constant = "America/New_York" }
latitude = { constant = "40.72" }
longitude = { constant = "-74.0" }
opens_at = "from"
closes_at = "to"
"""
ALL = tuple(
    f"{entry['entrypoint'].rpartition(':')[2].replace('_', '-')}/{entry['name']}"
    for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
)


@pytest.fixture(scope="module")
def deployed(prefect_server: None) -> None:
    """Every deployment stands as in prefect.yaml; a test that changes one puts it back."""
    assert sync().created == ALL


@pytest.fixture
def client(deployed: None) -> Iterator[SyncPrefectClient]:
    """A client of the session's server."""
    with get_client(sync_client=True) as opened:
        yield opened


def read(client: SyncPrefectClient, name: str) -> DeploymentResponse:
    return client.read_deployment_by_name(name)


def test_nothing_to_do_is_nothing_done(client: SyncPrefectClient) -> None:
    """A second start patches nothing, so that it cannot disturb scheduled runs."""
    again = sync()
    assert (again.created, again.updated, again.unchanged) == ((), (), ALL)


def test_a_missing_deployment_is_created_with_its_schedule(client: SyncPrefectClient) -> None:
    """Only the missing one: the others are left alone."""
    client.delete_deployment(read(client, CART).id)
    done = sync()
    assert (done.created, done.unchanged) == ((CART,), tuple(name for name in ALL if name != CART))
    assert [schedule.slug for schedule in read(client, CART).schedules] == ["every-five-minutes"]


def test_what_a_marketer_changed_stays(client: SyncPrefectClient) -> None:
    """Schedule, default parameters and pause survive the next start, even while the description is patched."""
    found = read(client, CART)
    (schedule,) = found.schedules
    client.update_deployment_schedule(found.id, schedule.id, schedule=IntervalSchedule(interval=timedelta(hours=2)))
    client.update_deployment(
        found.id,
        DeploymentUpdate(description="old", paused=True, parameters={"brief": {"percent": 15}}),
    )
    assert sync().updated == (CART,)
    after = read(client, CART)
    assert after.schedules[0].schedule.interval == timedelta(hours=2)
    assert (after.paused, after.parameters) == (True, {"brief": {"percent": 15}})
    assert str(after.description).startswith("Reminds shoppers")
    assert sync(reset=True).created == ALL
    back = read(client, CART)
    assert back.parameters == {}
    assert back.schedules[0].schedule.interval == timedelta(minutes=5)


def test_no_schedule_depends_on_parameters_of_its_own(client: SyncPrefectClient) -> None:
    """Prefect empties them when somebody switches the schedule off and on, and nobody would notice."""
    for name in ALL:
        assert read(client, name).parameters == {}
        for schedule in read(client, name).schedules:
            assert schedule.parameters == {}


def test_every_field_of_every_form_speaks_to_a_marketer(client: SyncPrefectClient) -> None:
    """Title, description and a default that the form can show (a default factory would be invisible there).

    A day that may be left out has none: with one, Prefect's form takes no day at all.
    """
    for name in ALL:
        found = read(client, name)
        assert found.tags
        assert found.description
        for form in found.parameter_openapi_schema["properties"].values():  # one, or none where nothing is asked
            model = found.parameter_openapi_schema["definitions"][form["$ref"].rpartition("/")[2]]
            for field, schema in model["properties"].items():
                needs_no_default = field in model.get("required", ()) or schema.get("format") == "date"
                asked = {"title", "description"} if needs_no_default else WORDED
                assert asked <= set(schema), f"{name}: {field}"


def test_a_new_pop_up_stands_in_the_form_without_another_start(
    client: SyncPrefectClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once import-shop has read it; and what somebody saved of it stays choosable when it is over."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", "")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", "2026-05-12T16:00:00Z")
    load_settings.cache_clear()
    with open_segue() as segue:
        segue.install()
    (tmp_path / "places.toml").write_text(PLACES)
    (tmp_path / "places.csv").write_text("id,from,to\nA,2026-05-14,2026-05-16\nB,2026-06-01,2026-06-02\n")
    try:
        import_shop(ImportBrief(path=str(tmp_path / "places.csv"), mapping=str(tmp_path / "places.toml")))
        assert offered(client) == [ANY, "Tent, 14 to 16 May (A)", "Tent, 1 to 2 Jun (B)"]
        saved = {"brief": {"popup": "Tent, 14 to 16 May (A)"}}
        client.update_deployment(read(client, INVITE).id, DeploymentUpdate(parameters=saved))
        monkeypatch.setenv("SEGUE_VIRTUAL_NOW", "2026-05-20T16:00:00Z")
        load_settings.cache_clear()
        assert freshen_forms() == (INVITE,)
        assert offered(client) == [ANY, "Tent, 1 to 2 Jun (B)", "Tent, 14 to 16 May (A)"]
        assert sync().updated == ()
    finally:
        client.update_deployment(read(client, INVITE).id, DeploymentUpdate(parameters={}))
        monkeypatch.undo()
        load_settings.cache_clear()
        freshen_forms()


@pytest.mark.parametrize(
    ("name", "brief"),
    [
        ("explain-customer/live", {"customer": "quillon001@mailbox.example.com"}),
        ("explain-customer/live", {"customer": "2025550123"}),
        ("stop-a-run/live", {"run": 1, "why": "asked by quillon001@mailbox.example.com"}),
        ("rehearse/live", {"first_day": "quillon001@mailbox.example.com"}),
    ],
)
def test_an_address_is_refused_by_the_server_before_it_is_kept(
    client: SyncPrefectClient, name: str, brief: dict[str, object]
) -> None:
    """Prefect keeps a run's parameters: so there is no run; and the refusal says what is wanted, not what was typed."""
    deployment = read(client, name).id
    mine = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    before = len(client.read_flow_runs(deployment_filter=mine))
    with pytest.raises(PrefectHTTPStatusError) as refused:
        client.create_flow_run_from_deployment(deployment, parameters={"brief": brief})
    assert refused.value.response.status_code == 409
    told = f"{refused.value} {refused.value.response.text}"
    assert not [said for said in ("quillon001", "2025550123") if said in told]
    assert len(client.read_flow_runs(deployment_filter=mine)) == before


def test_the_mode_stands_first_with_readable_choices(client: SyncPrefectClient) -> None:
    """What should happen is the first question, and its answers are sentences."""
    schema = read(client, CART).parameter_openapi_schema["definitions"]
    assert next(iter(schema["AbandonedCartForm"]["properties"])) == "mode"
    assert schema["Mode"]["enum"] == [mode.value for mode in Mode]


def test_a_second_dispatcher_is_cancelled_and_a_preview_beside_the_schedule_is_not(client: SyncPrefectClient) -> None:
    """One resident dispatcher; two runs of the journey, so that the schedule never cancels a marketer's preview."""
    assert _second_start(client, DISPATCH, before=1) == "CANCELLED"
    assert _second_start(client, CART, before=1) == "PENDING"
    assert _second_start(client, CART, before=2) == "CANCELLED"


def test_defaults_that_no_longer_fit_the_form_are_named_with_a_cure(client: SyncPrefectClient) -> None:
    """A saved default for a field the code has dropped is the marketer's to mend: say where and how."""
    found = read(client, CART)
    loose = {"type": "object", "properties": {"brief": {"type": "object"}}}
    client.update_deployment(
        found.id, DeploymentUpdate(parameter_openapi_schema=loose, parameters={"brief": {"gone": 1}})
    )
    with pytest.raises(DeploymentError, match=r"abandoned-cart/live no longer fit.*make deploy-reset"):
        sync()
    client.update_deployment(found.id, DeploymentUpdate(parameters=found.parameters))
    assert sync().updated == (CART,)


def offered(client: SyncPrefectClient) -> list[str]:
    schema = read(client, INVITE).parameter_openapi_schema
    found: list[str] = schema["definitions"]["PopupInviteForm"]["properties"]["popup"]["enum"]
    return found


def _second_start(client: SyncPrefectClient, name: str, *, before: int) -> str:
    """Occupy the deployment with `before` runs, start one more, and tell what became of it."""
    deployment = read(client, name)
    runs = [client.create_flow_run_from_deployment(deployment.id) for _ in range(before + 1)]
    try:
        for run in runs[:-1]:
            client.set_flow_run_state(run.id, Pending())
            client.set_flow_run_state(run.id, Running())
        answer = client.set_flow_run_state(runs[-1].id, Pending())
        return str(answer.state.type.value) if answer.state else answer.status.value
    finally:
        for run in runs:
            _forget(client, run.id)


def _forget(client: SyncPrefectClient, run_id: UUID) -> None:
    try:
        client.delete_flow_run(run_id)
    except PrefectHTTPStatusError as error:
        if error.response.status_code != 404:
            raise
