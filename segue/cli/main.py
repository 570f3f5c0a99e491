"""`segue`: one command a verb. Errors are one sentence: what, which, and how to fix it."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli import connectors, seeds
from segue.cli.finance import finance
from segue.cli.imports import import_files
from segue.cli.opened import opened
from segue.cli.printing import print_cards
from segue.cli.referrals import referrals
from segue.cli.rehearse import rehearse_period
from segue.cli.segments import segments
from segue.cli.vouchers import vouchers

app = typer.Typer(
    help="Segue runs a shop's customer journeys over e-mail, SMS, print and ads.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console()
app.command("import")(import_files)
app.command("print")(print_cards)
app.command()(referrals)
app.command()(vouchers)
app.command()(finance)
app.command("rehearse")(rehearse_period)
app.command()(segments)
app.command("test-send")(seeds.send_test)
app.add_typer(connectors.app, name="connectors")
app.add_typer(seeds.app, name="seeds")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo and its gallery go.")] = Path("out"),
    customers: Annotated[int, typer.Option(min=200, help="How many customers the sample shop has.")] = 1000,
) -> None:
    """Play a sample shop's year and leave a gallery of who got what and why."""
    from segue.cli.season import play_demo
    from segue.settings import load_settings

    page = play_demo(folder, out, customers=customers, settings=load_settings())
    out.print(f"\nOpen [bold]{page.resolve().as_uri()}[/bold] in a browser to see who got what and why.")
    out.print(
        f"Next: [bold].venv/bin/segue explain sarah@example.com --home {folder / 'home'}[/bold], "
        "or [bold]make up[/bold] for the marketer's desk."
    )


@app.command()
def up(
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on; see `segue up -- --help`.")] = None,
) -> None:
    """Start the Prefect server, its pages and a worker, with every deployment. Ends with Ctrl-C."""
    # This process becomes the other one, so that whoever ends it ends all of it.
    os.execv(sys.executable, [sys.executable, "-m", "flows.up", *(arguments or [])])  # noqa: S606


@app.command()
def explain(
    who: Annotated[str, typer.Argument(help="An e-mail address, a phone number, or a profile id.")],
    home: Annotated[Path | None, typer.Option(help="Look into this home, e.g. the demo's out/home.")] = None,
) -> None:
    """Tell what somebody got, what not, and why."""
    with opened(home) as segue:
        out.print(segue.explain(who))


@app.command()
def outbox() -> None:
    """Show what waits, what is uncertain and what stands still."""
    with opened() as segue:
        if still := segue.standing_still():
            brakes = Table(title="Standing still; `segue resume NAME` lets it go on")
            for head in ("name", "reason", "since"):
                brakes.add_column(head)
            for one in still:
                brakes.add_row(one.name, escape(one.reason or ""), f"{one.since:%Y-%m-%d %H:%M} UTC")
            out.print(brakes)
        table = Table(title="Outbox")
        for head in ("journey", "step", "state", "reason", "messages"):
            table.add_column(head, justify="right" if head == "messages" else "left")
        for row in segue.waiting():
            table.add_row(*[str(cell) if cell is not None else "" for cell in row])
        out.print(table)


_NAME = "all, journey:abandoned_cart, run:7, channel:sms or connector:smtp."


@app.command()
def pause(
    name: Annotated[str, typer.Argument(help=_NAME)],
    reason: Annotated[str, typer.Option(help="Why, for whoever wonders later; no personal data.")],
) -> None:
    """Put the brake on: nothing leaves by this name until it is resumed; what waits is kept."""
    with opened() as segue:
        segue.pause(name, reason=reason)
        out.print(f"{name} stands still; [bold]segue resume {name}[/bold] lets it go on.")


@app.command()
def resume(name: Annotated[str, typer.Argument(help=_NAME)]) -> None:
    """Let go of the brake, e.g. after mending a login that the provider refused."""
    with opened() as segue:
        out.print(f"{name} goes on." if segue.resume(name) else f"{name} did not stand still.")


@app.command()
def doctor() -> None:
    """Check the database, the brand, every template and every connector; say what is wrong and how to fix it."""
    with opened() as segue:
        out.print(f"Segue {version('segue')}, database at revision {segue.revision()}")
        for journey in segue.journeys.values():
            renders = segue.sample_renders(journey)
            out.print(f"[green]ok[/green] {journey.title}: {len(renders)} sample messages render")
        serving = [(str(channel), one.name) for channel, one in segue.connectors.by_channel.items()]
        serving += [("offers", segue.connectors.offers.name)]
        serving += [("audience", name) for name in segue.connectors.audiences]
        out.print(f"[green]ok[/green] connectors: {', '.join(f'{what} by {name}' for what, name in serving)}")


def main() -> None:
    """Run the command line; known errors end with one sentence instead of a traceback."""
    try:
        app()
    except Exception as error:
        from segue.cli.troubles import sentence_of

        sentence = sentence_of(error)
        if sentence is None:
            raise
        _end(sentence)


def _end(sentence: str) -> NoReturn:
    Console(stderr=True).print(f"[red]segue:[/red] {escape(sentence)}", highlight=False)
    raise SystemExit(2) from None
