"""Connectors of strangers: the example, and one made by following the how-to, installed and passing the contract."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import segue.contract
from segue.cli.skeleton import Carried, write_skeleton
from tests.connectors.stranger import ROOT, Stranger

_EXAMPLE = ROOT / "examples" / "segue-example-connector"
_PAGE = (ROOT / "docs" / "how-to" / "add-a-connector.md").read_text("utf-8")
#: Commands on the page: those of the first part, and those that switch it on.
_BEGIN, _SWITCH_ON = re.findall(r"```sh\n(.*?)```", _PAGE, re.DOTALL)

pytestmark = pytest.mark.xdist_group("strangers")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    return Stranger(tmp_path_factory.mktemp("stranger"))


def _texts(package: Path) -> dict[str, str]:
    """Every file of a package that git would keep."""
    made = ("__pycache__", ".egg-info", ".pytest_cache", ".ruff_cache", ".hypothesis")
    return {
        str(path.relative_to(package)): path.read_text("utf-8")
        for path in sorted(package.rglob("*"))
        if path.is_file() and not any(part.endswith(made) for part in path.parts)
    }


def _require_green(told: str) -> None:
    """All of the contract passed but what is no connector's duty."""
    assert re.search(r"^\d\d passed", told, re.MULTILINE), told
    assert [line for line in told.splitlines() if line.startswith("SKIPPED") and "it has no prices" not in line] == []


def test_the_example_is_what_the_command_writes(tmp_path: Path) -> None:
    """So that neither goes out of date; `segue connectors new example --channel sms` in examples/ mends it."""
    assert _texts(_EXAMPLE) == _texts(write_skeleton("example", Carried.SMS, tmp_path))


def test_the_example_is_installed_and_found_by_its_entry_point(stranger: Stranger) -> None:
    """The same way in as for our own. Its tests are those of the package that the how-to makes, which are run there."""
    shutil.copytree(_EXAMPLE, stranger.folder / "example")
    loaded = stranger.run(
        """pip install ./example
python -c '
from importlib.metadata import entry_points
from segue.contract import MessageConnector
kind = entry_points(group="segue.connectors")["example"].load()
assert isinstance(kind(token="t"), MessageConnector)
print(kind.__module__)'"""
    )
    assert loaded.stdout.strip() == "segue_example", loaded.stderr


def test_the_how_to_works_as_it_stands(stranger: Stranger) -> None:
    """Its commands, typed one after the other."""
    done = stranger.run(_BEGIN)
    assert done.returncode == 0, done.stdout + done.stderr
    _require_green(done.stdout)
    (row,) = [line for line in done.stdout.splitlines() if "segue-acme-connector" in line and "│" in line]
    assert "sms" in row
    assert "token*" in row
    package = stranger.folder / "segue-acme-connector"
    for name in re.findall(r"^\| `([\w./]+\.\w+)` \|", _PAGE, re.MULTILINE):
        assert (package / name).is_file()
    on = stranger.run(_SWITCH_ON)
    assert on.returncode == 0, on.stdout + on.stderr
    assert "sms by acme, print by print_insert, offers by files, audience by audiences_csv" in on.stdout


def test_it_imports_the_contract_and_nothing_else_of_ours() -> None:
    """What `docs/how-to/add-a-connector.md` promises."""
    source = (_EXAMPLE / "src" / "segue_example" / "__init__.py").read_text()
    ours = [line for line in source.splitlines() if line.lstrip().startswith(("from segue", "import segue"))]
    assert ours == ["from segue.contract import ("]


def test_the_how_to_speaks_the_contracts_words() -> None:
    """Every name the page tells a stranger to type exists in the contract."""
    spoken = set(re.findall(r"\b(?:raise|return|yield) (\w+)\(", _PAGE)) - {"send_each"}
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
