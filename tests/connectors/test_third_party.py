"""The example package, as a stranger would use it: installed, found by its entry point, and passing the contract."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_EXAMPLE = _ROOT / "examples" / "segue_webhook"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example as pip would lay it out; pip itself would have to fetch a build tool."""
    made = tmp_path_factory.mktemp("stranger")
    shutil.copytree(_EXAMPLE, made / "source")
    project = tomllib.loads((_EXAMPLE / "pyproject.toml").read_text())["project"]
    site = made / "site"
    record = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    record.mkdir(parents=True)
    shutil.copy(_EXAMPLE / "segue_webhook.py", site)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        f"[{group}]\n{name} = {target}"
        for group, points in project["entry-points"].items()
        for name, target in points.items()
    ]
    (record / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return made


def _run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(installed / "site"), str(_ROOT)])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=installed,
        env=environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_found_by_its_entry_point(installed: Path) -> None:
    """The same way in as for our own connectors."""
    code = (
        "from importlib.metadata import entry_points; from segue.contract import MessageConnector;"
        "kind = {p.name: p for p in entry_points(group='segue.connectors')}['webhook'].load();"
        "assert isinstance(kind(base_url='https://hooks.example.com/messages', token='t'), MessageConnector)"
    )
    done = _run(installed, "-c", code)
    assert done.returncode == 0, done.stderr


def test_it_passes_the_contract(installed: Path) -> None:
    """Its own test, run in its own folder, with nothing of our test set-up."""
    done = _run(installed, "-m", "pytest", "-q", "--rootdir", str(installed), str(installed / "source"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_it_imports_the_contract_and_nothing_else_of_ours() -> None:
    """What `docs/how-to/add-a-connector.md` promises."""
    source = (_EXAMPLE / "segue_webhook.py").read_text()
    ours = [line for line in source.splitlines() if line.lstrip().startswith(("from segue", "import segue"))]
    assert ours == ["from segue.contract import ("]


def test_the_how_to_follows_the_example() -> None:
    """Every name the page tells a stranger to type exists in the contract."""
    import re

    import segue.contract

    page = (_ROOT / "docs" / "how-to" / "add-a-connector.md").read_text()
    spoken = set(re.findall(r"\b(?:raise|return|yield) (\w+)\(", page)) - {"send_each"}
    assert spoken == {
        "ConfigurationError",
        "RejectedError",
        "TransientError",
        "UncertainError",
        "UnsupportedError",
        "accepted",
        "deferred",
        "rejected",
        "uncertain",
    }
    assert spoken <= set(segue.contract.__all__)
