"""The environment of somebody who has Segue installed and nothing of its repository: a folder and commands."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Each command as on a command line, run by this environment's own Python.
_COMMANDS = {
    "segue": "-c 'from segue.cli import main; main()'",
    "pytest": "-m pytest -q -rs -p no:cacheprovider",
    "pip": "-m pip --disable-pip-version-check -q",
    "python": "",
}


class Stranger:
    """A virtual environment over ours, so that nothing has to be fetched, and that leaves ours as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = folder / "environment"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self._environment], check=True)
        paths = {"base": str(self._environment), "platbase": str(self._environment)}
        site = Path(sysconfig.get_path("purelib", vars=paths))
        (site / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
        commands = self._environment / "commands"
        commands.mkdir()
        for name, start in _COMMANDS.items():
            script = commands / name
            script.write_text(f'#!/bin/sh\nexec "{self._environment}/bin/python" {start} "$@"\n')
            script.chmod(0o755)

    def run(self, commands: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Type these lines into a shell; it stops at the first that fails."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SEGUE_", "PIP_"))}
        ours = {
            "PATH": f"{self._environment / 'commands'}:{os.environ['PATH']}",
            "COLUMNS": "200",
            "SEGUE_HOME": str(self.folder / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            # Nothing is fetched: what is needed to build is there already.
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
        }
        return subprocess.run(
            ["bash", "-euc", commands],
            cwd=folder or self.folder,
            env=kept | ours,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
