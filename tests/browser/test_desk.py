"""A marketer's morning in the Prefect pages: look, preview, send, read the result. In this order, on one site."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from flows.approval import Decision
from flows.forms import Mode
from flows.unusual import EVENT, RESOURCE, SIZE
from segue.store.engine import read
from segue.store.tables import message
from tests.browser.api import call
from tests.browser.conftest import Desk, rest_schedule
from tests.flows.privacy import leaks

pytestmark = [pytest.mark.browser, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]


#: A run that no worker takes.
SLEEPING = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def page(browser: Any, desk: Desk) -> Any:
    """One tab for the whole morning, which notes every address outside this machine it was led to."""
    tab = browser.new_page()
    tab.elsewhere = []
    tab.on(
        "request",
        lambda request: (
            None if request.url.startswith((desk.site.url, "data:", "blob:")) else tab.elsewhere.append(request.url)
        ),
    )
    return tab


def test_the_form_explains_itself(page: Any, desk: Desk, pictures: Path) -> None:
    """From the list of deployments to a form with titles, explanations and a harmless default."""
    page.goto(f"{desk.site.url}/deployments")
    page.get_by_text("abandoned-cart").first.wait_for()
    page.screenshot(path=pictures / "deployments.png")
    open_form(page, desk)
    page.screenshot(path=pictures / "form.png", full_page=True)
    text = page.locator("body").inner_text()
    for words in ("What should happen", Mode.BY_START.value, "Idle minutes", "How long a cart rests"):
        assert words in text


def test_a_preview_shows_who_and_why_and_promises_nothing(page: Any, desk: Desk, pictures: Path) -> None:
    """The form left as it is."""
    run = submit(page, desk)
    assert (run["name"], run["state_type"]) == ("Preview", "COMPLETED")
    read_report(page, desk, run, pictures / "preview.png")
    text = page.locator("body").inner_text()
    assert "Abandoned cart: preview, nothing was sent" in text
    assert f"{desk.shop.people} considered = {desk.shop.consenting} would be sent + 4 would be left out" in text
    assert messages(desk) == 0


def test_a_large_run_waits_for_a_yes_and_then_sends_what_was_shown(page: Any, desk: Desk, pictures: Path) -> None:
    """Somebody chooses to send; somebody reads what would be sent and says yes in the run's own page."""
    waiting = submit(page, desk, Mode.SEND, until=("PAUSED",))
    assert (waiting["name"], waiting["state_name"], messages(desk)) == ("Sending", "Suspended", 0)
    (text,) = told(desk, "abandoned-cart waits for your yes")
    assert f"{desk.site.url}/runs/flow-run/{waiting['id']}" in text
    read_report(page, desk, waiting, pictures / "waiting.png")
    assert "waiting for approval, nothing was sent" in page.locator("body").inner_text()
    before = len(seen(desk, auto_scheduled=False))
    agree(page, desk, waiting, pictures / "approval.png")
    run = wait_for(lambda: next(iter(seen(desk, auto_scheduled=False)[: -before or None]), None))
    assert (run["id"], run["state_type"]) == (waiting["id"], "COMPLETED")
    read_report(page, desk, run, pictures / "sent.png")
    assert f"{desk.shop.consenting} sent" in page.locator("body").inner_text()
    assert messages(desk, state="accepted") == desk.shop.consenting


def test_the_schedule_sends_by_itself_even_after_it_was_switched_off_and_on(desk: Desk) -> None:
    """Prefect empties a schedule's own parameters when it is switched; ours must not depend on them."""
    deployment = call(desk.site, "/deployments/name/abandoned-cart/live")
    (schedule,) = deployment["schedules"]
    address = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
    call(desk.site, address, {"active": True, "schedule": {"interval": 15.0, "timezone": "UTC"}}, method="PATCH")
    try:
        run = wait_for(lambda: next(iter(seen(desk, auto_scheduled=True)), None))
    finally:
        rest_schedule(desk.site)
    assert (run["name"], run["state_type"]) == ("Sending", "COMPLETED")


def test_colleagues_are_told_of_failures_once_an_hour_and_of_unusual_sizes(desk: Desk) -> None:
    """By webhook and by mail, with the run's page; of a flow's second failure nothing."""
    assert desk.site.notices == "Failed, waiting and unusual runs are told by a webhook and e-mail to 1 address"
    failing = call(desk.site, "/deployments/name/stop-a-run/live")
    unknown = {"parameters": {"brief": {"run": 9999}}}
    run = call(desk.site, f"/deployments/{failing['id']}/create_flow_run", unknown)
    (text,) = told(desk, "stop-a-run failed")
    assert f"{desk.site.url}/runs/flow-run/{run['id']}" in text
    assert "stop-a-run/live did not come to its end. It says: " in text
    assert "there is no run 9999" in text
    again = call(desk.site, f"/deployments/{failing['id']}/create_flow_run", unknown | {"state": SLEEPING})
    failed = {"state": {"type": "FAILED", "name": "Failed", "message": "again"}, "force": True}
    call(desk.site, f"/flow_runs/{again['id']}/set_state", failed)
    call(desk.site, "/events", [unusual(size, run) for size in ("many", "many", "few")])
    for size in ("many", "few"):
        (text,) = told(desk, f"Abandoned cart: unusually {size} messages")
        assert f"It was {size}." in text
        assert f"{desk.site.url}/runs/flow-run/{run['id']}" in text
    subjects = ("stop-a-run failed", *(f"Abandoned cart: unusually {size} messages" for size in ("many", "few")))
    mails = [mail["Subject"] for _, mail in desk.postbox.mails]
    assert [(len(told(desk, one)), mails.count(one)) for one in subjects] == [(1, 1)] * 3
    assert leaks(desk.prefect_home, ["sword-fish", "s3cret@", "s3cret%40", "desk@example.com"]) == []


def test_nobody_outside_was_asked_for_anything(page: Any) -> None:
    """The pages work without the internet and tell nobody about our marketers."""
    assert page.elsewhere == []


def test_prefect_holds_no_personal_data(desk: Desk) -> None:
    """Every address, phone and name of the shop, in database, logs and artifacts."""
    assert messages(desk) >= desk.shop.consenting
    assert leaks(desk.prefect_home, desk.shop.personal) == []


def unusual(size: str, run: dict[str, Any]) -> dict[str, Any]:
    """What a run says of itself that found its size unusual."""
    return {
        "occurred": datetime.now(UTC).isoformat(),
        "event": EVENT,
        "resource": {
            "prefect.resource.id": f"{RESOURCE}abandoned_cart",
            "prefect.resource.name": "Abandoned cart",
            SIZE: size,
        },
        "related": [{"prefect.resource.id": f"prefect.flow-run.{run['id']}", "prefect.resource.role": "flow-run"}],
        "payload": {"said": f"It was {size}."},
        "id": str(uuid4()),
    }


def told(desk: Desk, subject: str) -> list[str]:
    """What the webhook got under a subject, once the mail is there, too."""
    wait_for(lambda: next(({"is": mail} for _, mail in desk.postbox.mails if mail["Subject"] == subject), None))
    wait_for(lambda: next(({"is": text} for text in desk.hook.texts if text.startswith(f"{subject}\n")), None))
    return [text for text in desk.hook.texts if text.startswith(f"{subject}\n")]


def open_form(page: Any, desk: Desk) -> None:
    deployment = call(desk.site, "/deployments/name/abandoned-cart/live")
    page.goto(f"{desk.site.url}/deployments/deployment/{deployment['id']}")
    page.get_by_role("button", name="Run", exact=True).first.click()
    page.get_by_text("Custom run").click()
    page.get_by_text("What should happen").wait_for()


def submit(page: Any, desk: Desk, mode: Mode | None = None, until: tuple[str, ...] = ENDED) -> dict[str, Any]:
    """Fill in the form as a person does, and wait for the run's end, or for another of its states."""
    before = len(seen(desk, auto_scheduled=False, states=until))
    open_form(page, desk)
    if mode is not None:
        choose(page, mode)
    page.get_by_role("button", name="Submit").click()
    return wait_for(lambda: next(iter(seen(desk, auto_scheduled=False, states=until)[: -before or None]), None))


def agree(page: Any, desk: Desk, run: dict[str, Any], picture: Path) -> None:
    """Open the question as a person does and read it; the answer is given as the form gives it."""
    page.goto(f"{desk.site.url}/runs/flow-run/{run['id']}")
    page.get_by_role("button", name="Resume").first.click()
    page.get_by_text("Your decision").wait_for()
    page.screenshot(path=picture)
    question = page.locator("body").inner_text()
    assert f"{desk.shop.consenting} people would be written to" in question
    assert "Your name" in question
    said = {"decision": Decision.APPROVE.value, "name": "Ann Example"}
    call(desk.site, f"/flow_runs/{run['id']}/resume", {"run_input": said})


def choose(page: Any, mode: Mode) -> None:
    """Pick a mode, and see that it stays: on a busy machine the page still fills its form in after it is drawn."""
    chosen = page.get_by_role("button", name=mode.value)
    for _ in range(10):
        page.wait_for_load_state("networkidle")
        if chosen.count() == 0:
            page.get_by_role("button", name=Mode.BY_START.value).press("ArrowDown")
            page.get_by_role("option", name=mode.value).click()
            chosen.wait_for()
        page.wait_for_timeout(1500)
        if chosen.count() == 1:
            return
    raise AssertionError(f"the form does not keep {mode.value!r}")


def read_report(page: Any, desk: Desk, run: dict[str, Any], picture: Path) -> None:
    """Open the run, its Artifacts tab, the report; every picture on it must have been drawn."""
    page.goto(f"{desk.site.url}/runs/flow-run/{run['id']}")
    page.get_by_role("tab", name="Artifacts").or_(page.get_by_text("Artifacts", exact=True)).first.click()
    page.screenshot(path=picture.with_stem(f"{picture.stem}-run"))
    (report,) = (
        one
        for one in call(desk.site, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
        if str(one["key"]).startswith("abandoned-cart-run-")
    )
    page.goto(f"{desk.site.url}/artifacts/artifact/{report['id']}")
    page.get_by_text("What the messages look like").wait_for()
    widths = page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(widths) >= 3
    assert all(width > 100 for width in widths)
    page.set_viewport_size({"width": 1360, "height": 3200})
    page.screenshot(path=picture)
    page.set_viewport_size({"width": 1360, "height": 1000})


def seen(desk: Desk, *, auto_scheduled: bool, states: tuple[str, ...] = ENDED) -> list[dict[str, Any]]:
    """The journey's runs in these states (by default: that have come to an end), newest first."""
    found = call(
        desk.site,
        "/flow_runs/filter",
        {
            "flows": {"name": {"any_": ["abandoned-cart"]}},
            "flow_runs": {"state": {"type": {"any_": list(states)}}},
            "sort": "END_TIME_DESC",
        },
    )
    return [run for run in found if run["auto_scheduled"] is auto_scheduled]


def messages(desk: Desk, state: str | None = None) -> int:
    question = select(func.count()).select_from(message)
    with read(desk.segue.engine) as connection:
        return int(connection.scalar(question if state is None else question.where(message.c.state == state)) or 0)


def wait_for(look: Callable[[], dict[str, Any] | None], seconds: float = 180) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.5)
    raise AssertionError(f"nothing came within {seconds:.0f} s")
