"""A command loads what it needs and nothing else, since whoever types it waits for all that is loaded.

No seconds are asserted: a fresh interpreter tells what it has loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

#: Each takes from 30 to 400 ms. Typer asks pydantic by itself.
HEAVY = (
    {"alembic", "babel", "facebook_business", "jinja2", "manimgx_fonts", "matplotlib", "mjml", "numpy", "pandas", "PIL"}
    | {"prefect", "psycopg", "pyarrow", "pydantic_settings", "pypdf", "segno", "sendgrid", "sqlalchemy", "twilio"}
    | {"typst"}
)

#: Says what every command may be given, as `--help` does.
ALL_HELP = """
from typer.main import get_command
from segue.cli.main import app

def tell(command, words):
    app([*words, "--help"], standalone_mode=False)
    for name, one in getattr(command, "commands", {}).items():
        tell(one, [*words, name])

tell(get_command(app), [])
"""

#: Runs each argument as a command.
COMMANDS = """
import sys
from segue.cli.main import app

for words in sys.argv[1:]:
    app(words.split(), standalone_mode=False)
"""
EVENT = {
    "type": "track",
    "messageId": "one",
    "userId": "c-17",
    "event": "Product Viewed",
    "properties": {"product_id": "tide-leggings"},
    "timestamp": "2026-03-07T09:12:44Z",
}


def loaded_by(program: str, *arguments: str, folder: Path) -> set[str]:
    """Names of all modules that a fresh interpreter has loaded once it ran `program`."""
    told = folder / "modules.json"
    whole = f"import sys\ntry:\n    exec({program!r})\nfinally:\n    import json, pathlib\n"
    whole += f"    pathlib.Path({str(told)!r}).write_text(json.dumps(list(sys.modules)))\n"
    environment = os.environ | {"SEGUE_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-c", whole, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(told.read_text("utf-8")))


def tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_help_loads_only_the_command_line(tmp_path: Path) -> None:
    """`segue --help` and the help of every command load none of what does the work."""
    loaded = loaded_by(ALL_HELP, folder=tmp_path)
    assert "segue.cli.vouchers" in loaded
    assert not tops(loaded) & HEAVY
    ours = {name for name in loaded if name.startswith("segue.")}
    assert not {name for name in ours if not name.startswith("segue.cli")}


def test_commands_that_judge_nobody_load_nothing_that_judges(tmp_path: Path) -> None:
    """One after the other, in a home that is there already: making its database takes Alembic."""
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(EVENT), "utf-8")
    loaded_by(COMMANDS, "outbox", folder=tmp_path)
    loaded = loaded_by(
        COMMANDS,
        *("outbox", "vouchers", "finance", "referrals", "segments", "seeds", "resume channel:sms"),
        *("pause channel:sms --reason test", "import --formats", f"import {file}"),
        folder=tmp_path,
    )
    assert "segue.intake.event_door" in loaded
    assert tops(loaded) & HEAVY == {"sqlalchemy", "pydantic_settings"}


@pytest.mark.parametrize("package", ["segue.contract", "segue.intake", "segue.render", "segue.service"])
def test_a_name_that_is_loaded_late_is_there(package: str) -> None:
    """What a package writes for type checkers and what it finds when asked are two lists of one thing."""
    opened = import_module(package)
    assert [name for name in opened.__all__ if not hasattr(opened, name)] == []
