"""Why did this customer get it, or not? Answered from an id, so that no address is ever typed into Prefect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import Field, field_validator

from flows.errors import FlowError, without_personal_data
from flows.markdown import escaped
from flows.typed import CUSTOMER, Form
from segue.service import Why, WhyLine, open_segue, words

#: Say of a long row of digits that it is no phone number.
_MARKS: Final = ("#", "id:")


class ExplainForm(Form, title="Explain a customer"):
    """For names and addresses use `segue explain` on the machine itself."""

    customer: str = Field(
        ...,
        title="Customer id or profile id",
        description="As the shop or a run's page writes it, e.g. 1042. Never a name, an address or a phone number: "
        "Prefect keeps what is typed here. Before an id of seven digits or more write #, or it is taken for a phone "
        "number.",
        pattern=CUSTOMER,
    )

    @field_validator("customer")
    @classmethod
    def _without_blanks(cls, value: str) -> str:
        bare = value.strip()
        for mark in _MARKS:
            bare = bare.removeprefix(mark)
        return bare


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
    return "\n\n".join(part for part in (f"# Profile {why.profile_id}", *_parts(why)) if part)


def _parts(why: Why) -> Iterator[str]:
    yield _messages(why)
    for head, lines in (("Right now", why.now), ("Ad audiences", why.audiences)):
        if lines:
            yield f"## {head}"
            yield "\n".join(f"- **{escaped(title)}**: {escaped(said)}" for title, said in lines)


def _messages(why: Why) -> str:
    # Lists, since a table's long lines are cut on the page, and the reason would stand last.
    if not why.lines:
        return "**No journey has considered this person yet.**"
    got = sum(line.group == "accepted" for line in why.lines)
    said = f"**{got} of {len(why.lines)} messages were sent.** Times are {'local' if why.zone else 'UTC'}."
    return "\n\n".join([said, "\n".join(f"- {_told(line, why.zone)}" for line in why.lines)])


def _told(line: WhyLine, zone: str | None) -> str:
    until = f"looked at again {_time(line.until, zone)}" if line.until else ""
    message = f"{words.title(line.journey)}, {words.step(line.step)}"
    by = f" ({words.channel(line.channel)})" if line.channel else ""
    why = "; ".join(filter(None, (words.reason(line.reason), until)))
    return f"{_time(line.at, zone)}: {message}{by}: **{words.group(line.group).lower()}**{f', {why}' if why else ''}"


def _time(at: datetime, zone: str | None) -> str:
    try:
        local = at.astimezone(ZoneInfo(zone or "UTC"))
    except (KeyError, ValueError):  # a zone of which this machine has not heard
        local = at
    return f"{local:%a %d %b %Y, %H:%M}"
