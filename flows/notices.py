"""What colleagues are told of, and when: the events that Prefect's automations listen to, and the words they tell.

How they are brought to the server, and where they tell it, stands in `flows.automations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from flows.deployments import WORK_POOL
from flows.referral_review import EVENT as TO_REVIEW
from flows.referral_review import RESOURCE as REFERRALS
from flows.unusual import EVENT, RESOURCE, SIZE
from segue.service import Size

_OURS: Final = [
    {"prefect.resource.role": "work-pool", "prefect.resource.name": WORK_POOL},
]
_BEGINS: Final = "The run {{ flow_run.name }} of {{ flow.name }}/{{ deployment.name }}"
_LINK: Final = "\n\nIts page: {{ flow_run|ui_url }}\n\n"
_PAUSE: Final = "To stop them, start pause-or-resume with the journey's name."


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told, and when."""

    name: str
    description: str
    subject: str
    body: str
    trigger: dict[str, Any]
    #: Proactive: told when what is expected does not come.
    posture: Posture = Posture.Reactive

    def automation(self, blocks: Sequence[UUID], *, enabled: bool) -> AutomationCore:
        """As the server keeps it, telling by these blocks."""
        return AutomationCore(
            name=self.name,
            description=self.description,
            tags=["segue"],
            enabled=enabled,
            trigger=EventTrigger(type="event", posture=self.posture, threshold=1, **self.trigger),
            actions=[
                SendNotification(type="send-notification", block_document_id=one, subject=self.subject, body=self.body)
                for one in blocks
            ],
        )


def _unusual(size: Size, within: timedelta, cure: str) -> Notice:
    often = "once a day" if within == timedelta(days=1) else "once a week"
    return Notice(
        name=f"Segue: unusually {size}",
        description=f"Tells when a journey promised unusually {size} messages within 24 hours, or an audience of ads "
        f"has unusually {size} people, {often} a journey.",
        subject=f"{{{{ event.resource.name }}}}: unusually {size} {{{{ event.payload.what }}}}",
        body=f"{{{{ event.payload.said }}}}{_LINK}{cure} You are told of this journey {often} at most.",
        trigger={
            "expect": {EVENT},
            "match": {"prefect.resource.id": f"{RESOURCE}*", SIZE: size.value},
            "for_each": {"prefect.resource.id"},
            "within": within,
        },
    )


NOTICES: Final = (
    Notice(
        name="Segue: a run failed",
        description="Tells when a run failed, crashed or timed out, once an hour a flow.",
        subject="{{ flow.name }} failed",
        body=f"{_BEGINS} did not come to its end. It says: {{{{ flow_run.state.message|truncate(600) }}}}{_LINK}"
        "The last lines of its Logs tab tell more. Mend what they name and start it again: nobody gets anything twice. "
        "You are told of this flow once an hour at most.",
        trigger={
            "expect": {f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut")},
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": _OURS,
            "for_each": {"related:flow:prefect.resource.id"},
            "within": timedelta(hours=1),
        },
    ),
    Notice(
        name="Segue: a run waits for a yes",
        description="Tells when a run is so large or dear that somebody has to agree first.",
        subject="{{ flow.name }} waits for your yes",
        body=f"{_BEGINS} is large or dear. Nothing of it is sent before somebody agrees.{_LINK}"
        "Its Artifacts tab shows who would get what, who would not, what it costs, and until when a yes counts. Then "
        "choose Resume at the top of the page, and Send it or Do not send it.",
        # At once and each time: whoever is asked again has to know.
        trigger={
            "expect": {"prefect.flow-run.Suspended"},
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": _OURS,
            "for_each": {"prefect.resource.id"},
            "within": timedelta(0),
        },
    ),
    Notice(
        name="Segue: nothing starts",
        description="Tells when a run is late and no run has started for half an hour, once in half an hour.",
        subject="Nothing starts: {{ flow.name }} waits",
        body=f"{_BEGINS} is late, and no run has started within half an hour. While that lasts, nobody is written to."
        f"{_LINK}"
        f"Look whether the worker still runs, whether the work pool {WORK_POOL} is paused, and whether runs that do "
        "not end hold all its places. What is due is written once runs start again, as far as that is "
        "not too late by then. You are told once in half an hour at most.",
        # From the first late run on, and for the whole work pool: one run that starts is a worker that lives.
        trigger={
            "after": {"prefect.flow-run.Late"},
            "expect": {"prefect.flow-run.Running"},
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": _OURS,
            "for_each": {"related:work-pool:prefect.resource.id"},
            "within": timedelta(minutes=30),
        },
        posture=Posture.Proactive,
    ),
    Notice(
        name="Segue: referrals to review",
        description="Tells when a referral looks like abuse and waits for somebody, once a day.",
        subject="{{ event.payload.waiting }} to review: referrals",
        body=f"{{{{ event.payload.said }}}} Nothing of what waits is paid before somebody agrees.{_LINK}"
        "Start referral-review: its page lists them, and its form takes your yes or no. You are told once a day at "
        "most, and of each once.",
        # At once: who sends it counts the day, so that nothing is swallowed.
        trigger={
            "expect": {TO_REVIEW},
            "match": {"prefect.resource.id": REFERRALS},
            "for_each": {"prefect.resource.id"},
            "within": timedelta(0),
        },
    ),
    _unusual(Size.MANY, timedelta(days=1), f"Look whether that is meant. {_PAUSE}"),
    _unusual(
        Size.FEW,
        timedelta(days=7),
        "Look whether the shop's data still come in, and why people were left out: the run's Artifacts tab tells.",
    ),
)
