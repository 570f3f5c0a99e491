"""`segue connectors`: which are installed, what they carry and take; `segue connectors new`: one of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli.carried import Carried

if TYPE_CHECKING:
    from segue.outbox.installed import Installed

app = typer.Typer(help="List the connectors installed, what they carry and take; or begin one of your own.")
_out = Console()


@app.callback(invoke_without_command=True)
def connectors(context: typer.Context) -> None:
    """List the connectors installed: what each carries, what it serves here, and the settings it takes."""
    if context.invoked_subcommand is not None:
        return
    from segue.outbox.installed import describe_connectors
    from segue.settings import load_settings

    table = Table(title="Connectors")
    table.add_column("name", no_wrap=True)
    for head in ("from", "carries", "serves here", "settings (* must be given)"):
        table.add_column(head, overflow="fold")  # a setting's name that is cut short is of no use
    chosen = load_settings().connectors
    for one in describe_connectors():
        serves = ", ".join(channel for channel, names in chosen.items() if one.name in _listed(names))
        table.add_row(one.name, one.package, ", ".join(one.carries), serves, escape(_settings(one)))
    _out.print(table)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What settings will call it: small letters, digits and _, e.g. acme.")],
    channel: Annotated[Carried, typer.Option(help="What it carries.")],
    folder: Annotated[Path, typer.Option(help="Where the package's folder goes.")] = Path(),
) -> None:
    """Write a package with a connector that works and a contract test that is green, to be changed step by step."""
    from importlib.metadata import entry_points

    from segue.cli.skeleton import write_skeleton

    if any(point.name == name for point in entry_points(group="segue.connectors")):
        raise ValueError(
            f"a connector {name} is installed already, and of two with one name nobody could say which serves: choose "
            "another name; `segue connectors` lists those there are"
        )
    package = write_skeleton(name, channel, folder)
    _out.print(f"[bold]{escape(str(package))}[/bold] holds a connector, its test and a README. Next:", highlight=False)
    _out.print(f"  cd {escape(str(package))}\n  pip install --editable .\n  pytest", highlight=False)


def _listed(names: str) -> list[str]:
    """Several may keep audiences: `meta,webhook`."""
    return [name.strip() for name in names.split(",")]


def _settings(one: Installed) -> str:
    if one.trouble is not None:
        return one.trouble
    return ", ".join(f"{s.name}*" if s.default is None else f"{s.name}={s.default}" for s in one.settings)
