"""Tests at the desk: what a form says, or a template's sample, sent to the seed list. Labels and counts, no address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows.errors import FlowError, without_personal_data
from flows.forms import JourneyForm, Mode, language_called
from flows.markdown import escaped
from flows.report import Report
from segue.journeys.definition import Brief, Journey
from segue.service import TrialLine, open_segue, words

_REASONS: Final = {
    "paused": "the brake is on",
    "pace": "the provider takes no more in this second: try again",
    "no_connector": "no connector serves this channel",
}


def try_out(journey: Journey, form: JourneyForm, brief: Brief) -> Report:
    """Send the form's own words to every seed, marked as a test; nobody is chosen and nothing is asked for."""
    by_hand(
        "What is saved for this deployment or its schedule asks for a test. Open the deployment, choose Edit, set "
        f"*What should happen* to *{Mode.BY_START.value}* and save; look into Edit of its schedule, too. A test is "
        "chosen under Custom run, for one run alone."
    )
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(str(flow_run.id)), name="Test")
    with without_personal_data(f"A test of {journey.name}"), open_segue() as segue:
        try:
            lines = segue.test_words(journey, brief, language=language_called(form.test_language))
        except (KeyError, ValueError) as error:
            raise FlowError(str(error.args[0])) from None
    taken = accepted(lines)
    create_markdown_artifact(
        page(journey.title, lines, form.asked()),
        key=f"{journey.name.replace('_', '-')}-test",
        description=f"{journey.title}: {taken} of {len(lines)} test messages sent",
    )
    return Report(journey=journey.name, run_id=None, preview=False, considered=0, groups={}, tests=taken)


def by_hand(cure: str) -> None:
    """Raise FlowError with `cure` where a schedule started this run: it would mail the seeds each time."""
    if _is_scheduled():
        raise FlowError(f"A test goes out only when somebody starts it by hand, so nothing was sent. {cure}")


def _is_scheduled() -> bool:
    with get_client(sync_client=True) as client:
        return bool(client.read_flow_run(UUID(str(flow_run.id))).auto_scheduled)


def page(title: str, lines: Sequence[TrialLine], asked: str | None) -> str:
    """Write what became of each test message as Markdown."""
    heads = ("Seed", "By", "What became of it", "Why")
    rows = [f"| {' | '.join(heads)} |", "| :-- | :-- | :-- | :-- |"]
    rows += [f"| {' | '.join(escaped(cell) for cell in row(line).values())} |" for line in lines]
    parts = [
        f"# {title}: test, no customer got anything",
        *filter(None, (asked,)),
        f"**{accepted(lines):,} of {len(lines):,} test messages sent**, each marked as one. They count nowhere.",
        "\n".join(rows),
    ]
    return "\n\n".join(parts) + "\n"


def row(line: TrialLine) -> dict[str, str]:
    """What became of a test message, in words."""
    state = "Held" if line.state == "held" else words.group(line.state) if line.state != "deferred" else "Not now"
    why = _REASONS.get(line.reason or "", (line.reason or "").replace("_", " "))
    return {"Seed": line.label, "By": words.channel(line.channel), "What became of it": state, "Why": why}


def accepted(lines: Sequence[TrialLine]) -> int:
    """How many the providers took."""
    return sum(line.state == "accepted" for line in lines)
