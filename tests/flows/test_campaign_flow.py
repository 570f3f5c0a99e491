"""Segments, campaigns and test sends at the desk: what the forms take, and what the pages show."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.states import Scheduled
from pydantic import ValidationError
from typer.testing import CliRunner

import flows.test_send as trial
from flows import trials
from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.campaign import CampaignForm, campaign, templates
from flows.errors import FlowError
from flows.forms import Mode
from flows.planned import planned_campaigns
from flows.retargeting import RetargetingForm
from flows.segments import SegmentForm, define_a_segment
from flows.welcome_insert import WelcomeInsertForm
from segue.cli.main import app
from segue.journeys.campaign import JOURNEY, CampaignBrief, Ways
from segue.service import Segue, segment_names
from segue.settings import load_settings
from tests.flows.shop import Shop
from tests.flows.widths import cut_off

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]


def page(key: str) -> str:
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), sort=ArtifactSort.CREATED_DESC, limit=1
        )
    return str(artifact.data)


def test_a_segment_is_defined_counted_and_written_to(installed: Segue, shop: Shop) -> None:
    """From the form to the mails, and nobody twice; a page names ids and counts, and no person."""
    assert define_a_segment(SegmentForm(name="carted", title="Left a *cart*", carted_days=7)) == shop.people
    told = page("segment")
    assert "**20 people now:** everybody who put something in a cart in the last 7 days" in told
    assert "by profile id: 1, 2, 3, 4, 5." in told
    assert "\n- **carted: 20**, Left a \\*cart\\*: put something in a cart in the last 7 days" in told
    assert cut_off(told) == []
    assert "carted" in segment_names()
    asked: dict[str, Any] = {"campaign": "spring-drop", "segment": "carted", "headline": "Spring", "ways": Ways.EMAIL}
    seen = campaign(CampaignForm(**asked))
    assert seen.preview
    sent = campaign(CampaignForm(**asked, mode=Mode.SEND))
    assert sent.groups["accepted"] == seen.groups["accepted"] == shop.consenting
    again = campaign(CampaignForm(**asked, mode=Mode.SEND))
    assert again.considered == 0
    assert not [one for one in shop.personal if one in (told + page(f"campaign-run-{sent.run_id}")).lower()]
    with pytest.raises(FlowError, match="there is no segment nobody"):
        campaign(CampaignForm(**asked | {"segment": "nobody"}))


def test_a_campaign_put_off_to_a_day_is_found_by_a_rehearsal(installed: Segue) -> None:
    """One that would send, within the days asked for; not the preview, not the next week's; and each with its brief."""
    noon = datetime(2031, 5, 6, 16, tzinfo=UTC)
    asked: dict[str, Any] = {"segment": "everyone", "headline": "Spring", "mode": Mode.SEND.value}
    made: list[UUID] = []
    with get_client(sync_client=True) as client:
        for name, at, more in (
            ("later", noon + timedelta(hours=3), {}),
            ("sooner", noon, {}),
            ("looked-at", noon, {"mode": Mode.BY_START.value}),
            ("next-week", noon + timedelta(days=7), {}),
        ):
            brief = {"brief": {**asked, "campaign": name, **more}}
            made.append(client.create_flow_run(campaign, parameters=brief, state=Scheduled(scheduled_time=at)).id)
    found = planned_campaigns(noon - timedelta(days=1), noon + timedelta(days=2))
    assert [(one.at, one.brief.campaign) for one in found if isinstance(one.brief, CampaignBrief)] == [
        (noon, "sooner"),
        (noon + timedelta(hours=3), "later"),
    ]
    assert all(isinstance(one.brief, CampaignBrief) and one.brief.people is not None for one in found)
    with get_client(sync_client=True) as client:
        broken = {"brief": asked | {"campaign": "spring drop for wren@example.com"}}
        made.append(client.create_flow_run(campaign, parameters=broken, state=Scheduled(scheduled_time=noon)).id)
    with pytest.raises(FlowError, match=r"planned for 2031-05-06 16:00 UTC does not fit .* \(campaign\)") as told:
        planned_campaigns(noon - timedelta(days=1), noon + timedelta(days=2))
    assert "wren" not in str(told.value)
    with get_client(sync_client=True) as client:
        for run_id in made:
            client.delete_flow_run(run_id)


def test_a_test_goes_to_seeds_and_shows_labels(installed: Segue) -> None:
    form = trial.TestForm(template="Campaign: Note")
    with pytest.raises(FlowError, match="nobody gets test messages"):
        trial.test_send(form)
    installed.add_seed("Anna", "email", "quillon@example.com")
    assert trial.test_send(form) == 1
    assert json.loads(page("test-send")) == [{"Seed": "Anna", "By": "e-mail", "What became of it": "Sent", "Why": ""}]
    installed.pause("all", reason="x")
    assert trial.test_send(form) == 0
    assert json.loads(page("test-send"))[0]["Why"] == "the brake is on"
    with pytest.raises(ValidationError):
        trial.TestForm(template="Nothing")


def test_a_form_sends_its_own_words_as_a_test(installed: Segue) -> None:
    """Before any approval, and it leaves a page of its own and nothing that counts."""
    installed.add_seed("Anna", "email", "quillon@example.com")
    asked: dict[str, Any] = {"campaign": "spring-drop", "segment": "everyone", "headline": "Spring", "percent": 15}
    done = campaign(CampaignForm(**asked, mode=Mode.TEST, test_language="German"))
    assert (done.tests, done.run_id, done.considered) == (1, None, 0)
    told = page("campaign-test")
    assert "# Campaign: test, no customer got anything" in told
    assert "**1 of 1 test messages sent**" in told
    assert "| Anna | e-mail | Sent |" in told
    assert "Language of a test: **German**" in told
    assert "quillon" not in told
    assert CampaignForm(**asked).asked() == CampaignForm(**asked, test_language="German").asked()
    with pytest.raises(FlowError, match="choose one of: English"):
        campaign(CampaignForm(**asked, mode=Mode.TEST, test_language="Klingon"))


def test_a_schedule_sends_no_test(installed: Segue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or saved answers would mail the seeds every five minutes; it says what to change, and the journey stands."""
    installed.add_seed("Anna", "email", "quillon@example.com")
    monkeypatch.setattr(trials, "_is_scheduled", lambda: True)
    for start in (
        lambda: abandoned_cart(AbandonedCartForm(mode=Mode.TEST)),
        lambda: trial.test_send(trial.TestForm(template="Campaign: Note")),
    ):
        with pytest.raises(FlowError, match=r"so nothing was sent. (What is saved .* choose Edit|Open this deploy)"):
            start()
    assert installed.tests_sent() == {}


def test_an_audience_and_a_card_are_offered_no_test() -> None:
    """And every default of its form is one of its fields, else Prefect would refuse to start it."""
    with pytest.raises(ValidationError, match="choose a preview"):
        RetargetingForm(mode=Mode.TEST)
    for form in (RetargetingForm(), AbandonedCartForm(), WelcomeInsertForm()):
        fields = type(form).model_json_schema()["properties"]
        assert set(fields) == set(form.model_dump())
    for kind in (RetargetingForm, WelcomeInsertForm):
        offered = kind.model_json_schema()["properties"]["mode"]["enum"]
        assert offered == [one.value for one in Mode if one is not Mode.TEST]


def test_a_template_speaks_the_channels_that_are_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that a shop adds is offered, with its channels; the form refuses those it has no words for."""
    folder = tmp_path / "templates"
    shutil.copytree(load_settings().templates / "campaign", folder / "campaign")
    sale = folder / "campaign" / "sale"
    shutil.copytree(folder / "campaign" / "note", sale)
    (sale / "sms.txt.j2").unlink()
    (sale / "insert.typ").unlink()
    monkeypatch.setenv("SEGUE_TEMPLATES", str(folder))
    load_settings.cache_clear()
    try:
        field = CampaignForm.model_json_schema()["properties"]["template"]
        assert field["enum"] == ["new_arrivals", "note", "sale"]
        assert field["description"].endswith("sale: e-mail only.")
        assert "Campaign: Sale" in trial.TestForm.model_json_schema()["properties"]["template"]["enum"]
        asked: dict[str, Any] = {"campaign": "x", "segment": "y", "headline": "z", "template": "sale"}
        assert CampaignForm(**asked, ways=Ways.EMAIL).ways is Ways.EMAIL
        for ways in (Ways.SMS, Ways.EMAIL_SMS):
            with pytest.raises(
                ValidationError, match=r"sale has words for e-mail, none for text message: .*E-mail only"
            ):
                CampaignForm(**asked, ways=ways)
    finally:
        load_settings.cache_clear()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "say at least one thing"),
        ({"size_system": "us"}, "fill in \\*Fits size\\*"),
        ({"bought_at": "soho"}, "fill in \\*Bought within"),
        ({"within_km": 5}, "needs a location, or else"),
        ({"within_km": 5, "of_point": "SoHo"}, "of_point"),
        ({"within_km": 5, "of_point": "91, 0"}, "less than or equal to 90"),
        ({"everyone": True, "points": 5}, "everyone is everyone"),
        ({"country": "usa"}, "country"),
    ],
)
def test_a_segment_that_means_nothing_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SegmentForm(name="x", **fields)


def test_every_field_of_a_segments_form_means_something() -> None:
    """Each as part of a definition; none is forgotten on the way."""
    filled = {
        "bought_days": 1, "bought_category": "a", "bought_on": "b", "bought_at": "c", "not_bought_days": 2,
        "clicked_days": 3, "carted_days": 4, "size": "d", "size_category": "e", "size_system": "f", "within_km": 5.5,
        "of_location": "g", "country": "US", "region": "h", "locale": "de", "came_from": "i", "points": 6,
        "follows": "j",
    }  # fmt: skip
    left = {"name", "title", "everyone", "of_point"}
    assert set(filled) | left == set(SegmentForm.model_fields)
    definition = SegmentForm(name="x", **filled).definition().model_dump(exclude_none=True)
    found = sorted(str(value) for one in definition["conditions"] for key, value in one.items() if key != "kind")
    assert found == sorted(map(str, filled.values()))
    for typed, north, east in (("2, 3", 2, 3), ("0.0;-3.5", 0, -3.5), (" -2.25 0 ", -2.25, 0)):
        point = SegmentForm(name="x", within_km=1, of_point=typed).definition()
        assert (point.conditions[0].latitude, point.conditions[0].longitude) == (north, east)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"headline": " "}, "a note needs a headline"), ({"template": "sale"}, "choose one of"),
        ({"campaign": ""}, "campaign"), ({"subject": "Last day!"}, "says that something ends"),
    ],
)  # fmt: skip
def test_a_campaign_that_cannot_be_written_is_refused_by_its_form(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        CampaignForm(**{"campaign": "x", "segment": "y", "headline": "z"} | changed)
    assert set(templates()) == set(JOURNEY.steps[0].templates)
    schema = CampaignForm.model_json_schema()["properties"]
    assert schema["template"]["enum"] == list(templates())
    assert not {"people", "consent"} & set(schema)
    assert all(one.get("title") for one in schema.values())


def test_the_template_and_channels_are_the_forms(installed: Segue) -> None:
    """What the flow shows and sends is the step as the form turns it."""
    brief = CampaignBrief(template="new_arrivals", ways=Ways.SMS)
    (step,) = JOURNEY.under(brief).steps
    assert (step.template, step.channels) == ("new_arrivals", ("sms",))
    assert {one.name for one in installed.sample_renders(JOURNEY.under(brief))} == {"campaign/new_arrivals"}
    assert {one.name for one in installed.sample_renders(JOURNEY)} == {"campaign/new_arrivals", "campaign/note"}


def test_the_command_line_lists_defines_and_sends(installed: Segue, tmp_path: Any) -> None:
    """And prints no address."""
    runner = CliRunner()
    file = tmp_path / "near.toml"
    file.write_text('name = "rich"\ntitle = "Rich"\n[[conditions]]\nkind = "points_at_least"\npoints = 500\n')
    told = runner.invoke(app, ["segments", "--define", str(file)], catch_exceptions=False)
    assert "has 500 points or more" in " ".join(told.output.replace("│", " ").split())
    file.write_text('[[conditions]]\nkind = "points_at_least"\n')
    with pytest.raises(ValueError, match=r"near.toml: conditions.0.points_at_least.points: Field required"):
        runner.invoke(app, ["segments", "--define", str(file)], catch_exceptions=False)
    added = runner.invoke(app, ["seeds", "add", "Anna", "email", "quillon@example.com"], catch_exceptions=False)
    listed = runner.invoke(app, ["seeds"], catch_exceptions=False)
    sent = runner.invoke(app, ["test-send", "campaign/note", "--sample", "sample_bare"], catch_exceptions=False)
    assert "accepted" in sent.output
    assert all("Anna" in one.output and "quillon" not in one.output for one in (added, listed, sent))
