"""`segue seeds` and `segue test-send`: colleagues who get test messages, and sending them some.

Addresses are typed here, on the machine, and nowhere else; nothing prints them.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli.opened import opened

_out = Console()
app = typer.Typer(help="Colleagues who get test messages.", invoke_without_command=True)


@app.callback()
def seeds(context: typer.Context) -> None:
    """List who gets test messages: labels, never addresses."""
    if context.invoked_subcommand is not None:
        return
    with opened() as segue:
        table = Table(title="Seeds; `segue seeds add LABEL CHANNEL ADDRESS` names another one")
        for head in ("number", "label", "channel"):
            table.add_column(head)
        for one in segue.seeds():
            table.add_row(str(one.id), escape(one.label), one.channel)
        _out.print(table)


@app.command()
def add(
    label: Annotated[str, typer.Argument(help="A short name, shown in place of the address.")],
    channel: Annotated[str, typer.Argument(help="email or sms.")],
    address: Annotated[str, typer.Argument(help="An e-mail address, or a phone number with its +.")],
) -> None:
    """Let a colleague get test messages."""
    with opened() as segue:
        one = segue.add_seed(label, channel, address)
        _out.print(f"Seed {one.id}, {escape(one.label)}, gets test messages by {one.channel}.")


@app.command()
def remove(number: Annotated[int, typer.Argument(help="As `segue seeds` lists it.")]) -> None:
    """Let a colleague get no more test messages."""
    with opened() as segue:
        segue.remove_seed(number)
        _out.print(f"Seed {number} is forgotten.")


def send_test(
    template: Annotated[str, typer.Argument(help="A journey's step, e.g. abandoned_cart/reminder.")],
    sample: Annotated[str, typer.Option(help="Which of the template's samples, e.g. sample_no_code.")] = "sample",
    language: Annotated[str, typer.Option(help="A code such as de: as somebody who reads it would get it.")] = "",
) -> None:
    """Send a step's sample to every seed of its channels, marked as a test; outside all statistics."""
    journey, slash, step = template.partition("/")
    if not slash:
        raise ValueError(f"name a journey and its step, e.g. {journey}/reminder")
    with opened() as segue:
        table = Table(title=f"Test of {template}")
        for head in ("seed", "channel", "what became of it", "why"):
            table.add_column(head)
        for line in segue.test_send(journey, step, sample=sample, language=language or None):
            table.add_row(escape(line.label), line.channel, line.state, line.reason or "")
        _out.print(table)
