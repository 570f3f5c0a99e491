"""Why did this customer get it, or not? Answered from an id, so that no address is ever typed into Prefect."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field, field_validator

from flows.errors import FlowError, without_personal_data
from segue.service import Why, WhyLine, open_segue, words

#: Ids of shops and ours; no @ and no +, which addresses and phone numbers have.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
#: A number this long is somebody's phone without its plus, unless a shop says `gid://` or the like before it.
_PHONE: Final = re.compile(r"0\d{6,}|[\d.() -]*[.() -][\d.() -]*")


class ExplainForm(BaseModel):
    """For names and addresses use `segue explain` on the machine itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, title="Explain a customer")

    customer: str = Field(
        ...,
        title="Customer id or profile id",
        description="As the shop or a run's page writes it, e.g. 1042. Never an address or a phone number: Prefect "
        "keeps what is typed here.",
        min_length=1,
        max_length=64,
    )

    @field_validator("customer")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        told = value.strip()
        if not _ID.fullmatch(told) or _PHONE.fullmatch(told):
            raise ValueError("give the customer's id or the profile id; an address or a phone number has no place here")
        return told


@flow(name="explain-customer")
def explain_customer(brief: ExplainForm) -> int:
    """Tell what somebody got, what not, and why. Returns how many messages were considered."""
    with without_personal_data("Explaining a customer"), open_segue() as segue:
        people = segue.why(brief.customer)
    if not people:
        raise FlowError("Nobody has that id. Take it from a run's page, or from the shop's list of customers.")
    create_markdown_artifact(
        "\n\n".join(_page(one) for one in people), key="explain-customer", description="What she got, what not, why"
    )
    return sum(len(one.lines) for one in people)


def _page(why: Why) -> str:
    head = f"# Profile {why.profile_id}"
    if not why.lines:
        return f"{head}\n\n**No journey has considered this person yet.**"
    got = sum(line.group == "accepted" for line in why.lines)
    said = f"**{got} of {len(why.lines)} messages were sent.** Times are {'local' if why.zone else 'UTC'}."
    rows = ["| When | Message | What became of it | Why |", "| :-- | :-- | :-- | :-- |"]
    rows += [f"| {' | '.join(_cells(line, why.zone))} |" for line in why.lines]
    return "\n\n".join([head, said, "\n".join(rows)])


def _cells(line: WhyLine, zone: str | None) -> tuple[str, ...]:
    until = f"; looked at again {_time(line.until, zone)}" if line.until else ""
    message = f"{words.title(line.journey)}, {words.step(line.step)}"
    return (
        _time(line.at, zone),
        f"{message} ({words.channel(line.channel)})" if line.channel else message,
        words.group(line.group),
        f"{words.reason(line.reason)}{until}",
    )


def _time(at: datetime, zone: str | None) -> str:
    try:
        local = at.astimezone(ZoneInfo(zone or "UTC"))
    except (KeyError, ValueError):  # a zone of which this machine has not heard
        local = at
    return f"{local:%a %d %b %Y, %H:%M}"
