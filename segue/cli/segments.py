"""`segue segments`: named groups of people, what each means, and how many that are now."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli.opened import opened

if TYPE_CHECKING:
    from pydantic import ValidationError

_out = Console()


def segments(
    *,
    define: Annotated[
        list[Path] | None,
        typer.Option(
            help="Keep the segment of this TOML file: name, title, and a table \\[\\[conditions]] for each, with its"
            " kind; may be given again."
        ),
    ] = None,
) -> None:
    """List segments with how many people each means now; define new ones."""
    from pydantic import ValidationError

    with opened() as segue:
        for file in define or ():
            name, title, conditions = _read(file)
            try:
                segue.define_segment(name, title, {"conditions": conditions})
            except ValidationError as error:
                raise ValueError(f"{file.name}: {_told(error)}") from None
        table = Table(title="Segments")
        for head in ("name", "title", "who", "people"):
            table.add_column(head, justify="right" if head == "people" else "left")
        for one in segue.segments():
            table.add_row(one.name, escape(one.title), escape(one.words), f"{one.people:,}")
        _out.print(table)


def _read(file: Path) -> tuple[str, str, object]:
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"there is no file {file}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name} is no TOML: {error}") from None
    name = str(found.get("name", file.stem))
    return name, str(found.get("title", name)), found.get("conditions", [])


def _told(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
