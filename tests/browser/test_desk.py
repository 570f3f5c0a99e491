"""A marketer's morning in the Prefect pages: preview a pop-up invite, read it, agree to it, see what came of it.

In this order, on one site. With `KEEP_PICTURES_IN=docs/pictures` it draws the pictures of docs/how-to.
"""

from __future__ import annotations

import re
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
from flows.popup_invite import ANY
from flows.unusual import EVENT, RESOURCE, SIZE
from segue.store.engine import read
from segue.store.tables import message
from tests.browser.api import call
from tests.browser.conftest import Desk, rest
from tests.browser.neighbours import tell
from tests.flows.privacy import leaks

pytestmark = [pytest.mark.browser, pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

INVITE = "popup-invite"
#: A run that no worker takes.
SLEEPING = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
BEGUN = ("PENDING", "RUNNING")
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
WIDTH, HEIGHT = 1360, 1000
MARGIN = 16


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


def test_a_preview_shows_who_and_why_and_promises_nothing(page: Any, desk: Desk, pictures: Path) -> None:
    """The form explains itself, offers the pop-ups there are, and sends nothing unless that is chosen."""
    open_form(page, desk)
    choose(page, ANY, desk.town.choice)
    text = page.locator("body").inner_text()
    for words in ("What should happen", Mode.BY_START.value, "Pop-up", "Who lives further away is not invited"):
        assert words in text
    picture(page, pictures / "morning-form.png", page.locator("form").first)
    run = submit(page, desk)
    assert (run["name"], run["state_type"]) == ("Preview", "COMPLETED")
    text = read_report(page, desk, run, pictures / "morning-preview.png")
    assert "Pop-up invite: preview, nothing was sent" in text
    sums = re.search(r"(\d+) considered = (\d+) would be sent \+ (\d+) would be left out \+ (\d+) would be held", text)
    assert sums is not None
    whole, *parts = map(int, sums.groups())
    assert whole == sum(parts) == 125
    assert messages(desk) == 0
    drawn = page.evaluate("[...document.images].map(i => atob(i.src.split('base64,')[1]))")
    assert any("data:image/jpeg" in one for one in drawn), "the shopfront stands in the mail, not a grey field"


def test_a_large_run_waits_for_a_yes_and_then_sends_what_was_shown(page: Any, desk: Desk, pictures: Path) -> None:
    """Somebody chooses to send; somebody reads what would be sent and says yes in the run's own page."""
    open_form(page, desk)
    choose(page, ANY, desk.town.choice)
    choose(page, Mode.BY_START.value, Mode.SEND.value)
    waiting = submit(page, desk, until=("PAUSED",))
    assert (waiting["name"], waiting["state_name"], messages(desk)) == ("Sending", "Suspended", 0)
    (text,) = told(desk, "popup-invite waits for your yes")
    assert f"{desk.site.url}/runs/flow-run/{waiting['id']}" in text
    text = read_report(page, desk, waiting)
    assert "waiting for approval, nothing was sent" in text
    assert "112 Mercer" not in text, "the sample speaks of another pop-up"
    assert "88 Mercer Street" in text
    agree(page, desk, waiting, pictures / "morning-approval.png")
    run = wait_for(lambda: one_run(desk, waiting["id"], ENDED))
    assert run["state_type"] == "COMPLETED"
    text = read_report(page, desk, run)
    sent = messages(desk, state="accepted")
    assert f"{sent} sent" in text
    assert f"Agreed to by Ann Example. {125 - messages(desk)} more were shown as left out" in text
    assert 50 < sent < messages(desk) < 125


def test_results_come_to_the_same_page(page: Any, desk: Desk, pictures: Path) -> None:
    """Delivery news and orders were imported; the page tells them."""
    news = tell(desk.segue, desk.files)
    start(desk, "refresh-results")
    (sending,) = (one for one in runs(desk, INVITE, ENDED) if one["name"] == "Sending")
    wait_for(lambda: next(iter(runs(desk, "refresh-results", ENDED)), None))
    text = read_report(page, desk, sending, pictures / "morning-results.png", until="What the messages look like")
    assert "What came of it so far" in text
    for count, what in ((news.opened, "Opened"), (news.clicked, "Clicked")):
        assert re.search(rf"{count}\s+[\d.]+ %\s+{what}", text), what
    assert re.search(rf"Got the message\s+\d+\s+{news.buyers} \(", text)


def test_the_schedule_sends_by_itself_even_after_it_was_switched_off_and_on(desk: Desk) -> None:
    """Prefect empties a schedule's own parameters when it is switched; ours must not depend on them."""
    before = messages(desk)
    deployment = desk.deployment(INVITE)
    (schedule,) = deployment["schedules"]
    address = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
    call(desk.site, address, {"active": True, "schedule": {"interval": 10.0, "timezone": "UTC"}}, method="PATCH")
    try:
        begun = wait_for(lambda: next(iter(runs(desk, INVITE, (*BEGUN, *ENDED), auto_scheduled=True)), None))
    finally:
        rest(desk.site, desk.deployment(INVITE))  # or the next ones would keep the machine busy
    run = wait_for(lambda: one_run(desk, begun["id"], ENDED))
    assert (run["name"], run["state_type"]) == ("Sending", "COMPLETED")
    assert messages(desk) > before, "the next wave fills what was left open"


def test_colleagues_are_told_of_failures_once_an_hour_and_of_unusual_sizes(desk: Desk) -> None:
    """By webhook and by mail, with the run's page; of a flow's second failure nothing."""
    assert desk.site.notices == "Failed, waiting, late and unusual runs are told by a webhook and e-mail to 1 address"
    failing = desk.deployment("stop-a-run")
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
    """Every address, phone and name of the town, in database, logs and artifacts."""
    assert messages(desk) > 85
    assert leaks(desk.prefect_home, desk.town.personal) == []


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
        "payload": {"said": f"It was {size}.", "what": "messages"},
        "id": str(uuid4()),
    }


def told(desk: Desk, subject: str) -> list[str]:
    """What the webhook got under a subject, once the mail is there, too."""
    wait_for(lambda: next(({"is": mail} for _, mail in desk.postbox.mails if mail["Subject"] == subject), None))
    wait_for(lambda: next(({"is": text} for text in desk.hook.texts if text.startswith(f"{subject}\n")), None))
    return [text for text in desk.hook.texts if text.startswith(f"{subject}\n")]


def open_form(page: Any, desk: Desk) -> None:
    """As the deployment's page does with *Run*, *Custom run*."""
    page.goto(f"{desk.site.url}/deployments/deployment/{desk.deployment(INVITE)['id']}")
    page.get_by_role("button", name="Run", exact=True).first.click()
    page.get_by_text("Custom run").click()
    page.get_by_text("What should happen").wait_for()


def choose(page: Any, shown: str, wanted: str) -> None:
    """Pick from a drop-down, and see that it stays: on a busy machine the page fills its form in after it is drawn."""
    chosen = page.get_by_role("button", name=wanted)
    for _ in range(10):
        if chosen.count() == 0:
            page.get_by_role("button", name=shown).press("ArrowDown")
            page.get_by_role("option", name=wanted).click()
            chosen.wait_for()
        page.wait_for_timeout(500)
        if chosen.count() == 1:
            return
    raise AssertionError(f"the form does not keep {wanted!r}")


def submit(page: Any, desk: Desk, until: tuple[str, ...] = ENDED) -> dict[str, Any]:
    """Submit the form, and wait for the run's end, or for another of its states."""
    run = pressed(page)
    return wait_for(lambda: one_run(desk, run["id"], until))


def pressed(page: Any) -> dict[str, Any]:
    """The run that the form's button makes: a busy page swallows a click, a busy server refuses one, so press again."""
    answers: list[Any] = []
    page.on("response", lambda one: answers.append(one) if one.url.endswith("/create_flow_run") else None)
    for _ in range(5):
        heard = len(answers)
        page.get_by_role("button", name="Submit").click()
        for _ in range(100):
            page.wait_for_timeout(300)
            if len(answers) > heard:
                break
        if len(answers) > heard and answers[-1].ok:
            run: dict[str, Any] = answers[-1].json()
            return run
    said = [one.status for one in answers]
    raise AssertionError(f"the form is not taken {said}: " + page.locator("body").inner_text()[-2000:])


def agree(page: Any, desk: Desk, run: dict[str, Any], file: Path) -> None:
    """Open the question as a person does, read it, answer in its form."""
    page.goto(f"{desk.site.url}/runs/flow-run/{run['id']}")
    page.get_by_role("button", name="Resume").first.click()
    question = page.get_by_role("dialog")
    question.get_by_text("Your decision").wait_for()
    said = question.inner_text()
    assert "people would be written to" in said
    assert desk.town.choice in said
    question.locator(".p-select-button__control").press("ArrowDown")
    page.get_by_role("option", name=Decision.APPROVE.value, exact=True).click()
    question.get_by_role("textbox").fill("Ann Example")
    picture(page, file, question.locator(".p-modal__card"))
    for _ in range(5):  # a busy server refuses it, as it says in a corner of the page; a person presses again
        question.get_by_role("button", name="Submit").click()
        for _ in range(10):
            page.wait_for_timeout(300)
            if not question.is_visible():
                return
    raise AssertionError("the answer is not taken: " + page.locator("body").inner_text()[-2000:])


def read_report(
    page: Any, desk: Desk, run: dict[str, Any], file: Path | None = None, until: str = "Its text part"
) -> str:
    """Open the run's report; every picture on it must have been drawn. Returns what it says."""
    (report,) = (
        one
        for one in call(desk.site, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
        if str(one["key"]).startswith(f"{INVITE}-run-")
    )
    page.goto(f"{desk.site.url}/artifacts/artifact/{report['id']}")
    page.get_by_text("What the messages look like").wait_for()
    widths = page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(widths) >= 2
    assert all(width > 100 for width in widths)
    words = page.locator("article.markdown-renderer").last
    if file is not None:
        page.set_viewport_size({"width": WIDTH, "height": 3200})
        picture(page, file, words, until=page.get_by_text(until))
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    return str(words.inner_text())


def picture(page: Any, file: Path, of: Any, *, until: Any = None) -> None:
    """Photograph a part of the page, down to where another begins."""
    box = of.bounding_box()
    bottom = box["y"] + box["height"] if until is None else until.first.bounding_box()["y"] - 2 * MARGIN
    clip = {"x": box["x"] - MARGIN, "y": box["y"] - MARGIN, "width": box["width"] + 2 * MARGIN}
    page.screenshot(path=file, clip={**clip, "height": bottom - clip["y"] + MARGIN})


def start(desk: Desk, name: str, **brief: Any) -> str:
    """Start a deployment as its *Quick run* does."""
    body = {"parameters": {"brief": brief}} if brief else {}
    run = call(desk.site, f"/deployments/{desk.deployment(name)['id']}/create_flow_run", body)
    return str(run["id"])


def one_run(desk: Desk, run_id: str, states: tuple[str, ...]) -> dict[str, Any] | None:
    """The run, if it is in one of these states."""
    run: dict[str, Any] = call(desk.site, f"/flow_runs/{run_id}")
    return run if run["state_type"] in states else None


def runs(
    desk: Desk, flow: str, states: tuple[str, ...] | None = None, *, auto_scheduled: bool = False
) -> list[dict[str, Any]]:
    """A flow's runs that were started by hand or planned, newest first."""
    asked: dict[str, Any] = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC"}
    if states is not None:
        asked["flow_runs"] = {"state": {"type": {"any_": list(states)}}}
    return [run for run in call(desk.site, "/flow_runs/filter", asked) if run["auto_scheduled"] is auto_scheduled]


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
