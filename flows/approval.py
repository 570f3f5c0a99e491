"""Asking people: a large or dear run waits for somebody's yes, in no process and with no worker.

Suspended, a run ends its process; answered, it starts from the top in a new one and finds what it asked by its id.
"""

from __future__ import annotations

from enum import StrEnum

from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.errors import FlowError, without_personal_data
from flows.local import local
from flows.typed import NAME, Quiet
from segue.journeys.definition import Brief, Journey
from segue.service import Frozen, Start, open_segue

#: What a yes lets happen to how many people.
MESSAGES = "people would be written to**, now or when their hours allow."


class Decision(StrEnum):
    """What the form offers; neither is chosen beforehand."""

    APPROVE = "Send it"
    REFUSE = "Do not send it"


class Approval(Quiet, RunInput):
    """What somebody says to a waiting run."""

    decision: Decision = Field(title="Your decision", description="A refused run sends nothing, now or later.")
    name: str = Field(
        title="Your name", description="It is kept with the run.", min_length=2, max_length=80, pattern=NAME
    )


def ask(frozen: Frozen, title: str, asked: str | None, what: str = MESSAGES) -> Approval:
    """Return somebody's answer; the first time, end this process until there is one.

    Raises FlowError where the run came from no deployment: there would be nothing to start again.
    """
    try:
        answer = suspend_flow_run(
            wait_for_input=Approval.with_initial_data(description=question(frozen, title, asked, what)),
            key=frozen.name,
            timeout=max(1, int(frozen.left.total_seconds())),
        )
    except RuntimeError as refused:
        raise FlowError(
            f"Run {frozen.run_id} needs somebody's yes ({frozen.asks}) and cannot wait for it: {refused} Start it from "
            "its deployment, or raise the limit SEGUE_APPROVE_ABOVE_MESSAGES or SEGUE_APPROVE_ABOVE_COST_MINOR."
        ) from None
    if answer is None:
        raise FlowError(f"Run {frozen.run_id} was resumed without an answer; nothing was sent.")
    return answer


def question(frozen: Frozen, title: str, asked: str | None = None, what: str = MESSAGES) -> str:
    """What the form says above its fields, as Markdown; `asked` repeats what was chosen on the run's own form."""
    others = f" {frozen.left_out:,} others would not: left out, or held back to measure." if frozen.left_out else ""
    until = f" until {local(frozen.until)}" if frozen.until else ""
    changes, shown = "if the form or the settings change", "How many, where, and why others not,"
    if what == MESSAGES:
        changes = "if the template, the offer or the settings change, or one in ten of these people is due no more"
        shown = "Who, why not, what it costs and what it looks like"
    return (
        f"# {title}: run {frozen.run_id}\n\n"
        f"{f'{asked}.' if asked else ''}\n\n"
        f"**{frozen.to_send:,} {what}{others}\n\n"
        f"You are asked because {frozen.asks}. {shown} stands in the run's Artifacts tab.\n\n"
        f"Your yes is for exactly this: nobody is added, and {changes}, you are asked again. It counts{until}. "
        f"Fingerprint: `{frozen.digest[:12]}`"
    )


def settled(
    journey: Journey, brief: Brief, frozen: Frozen, start: Start, asked: str | None
) -> tuple[Frozen, str | None, str | None]:
    """Act on the answer to what was asked: what may be sent, who agreed, and why it has to be asked again, if so.

    A refused run is stopped for good and raises RefusedError.
    """
    answer = ask(frozen, journey.title, asked)
    with without_personal_data(f"The answer to run {frozen.run_id}"), open_segue() as segue:
        if answer.decision is Decision.REFUSE:
            segue.refuse(frozen.run_id, answer.name)
            raise RefusedError(frozen.run_id)
        void = segue.approve(frozen.run_id, frozen.digest, answer.name)
        if void is None:
            return frozen, answer.name, None
        return segue.freeze_again(journey, brief, frozen.run_id, start=start), None, void


class RefusedError(FlowError):
    """Somebody said no."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} was refused; nothing was sent.")
        self.run_id = run_id
