"""What make does with what is installed and with what was made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which everything plain is installed already."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def would(project: Path, *arguments: str) -> str:
    """What make would run."""
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run([make, "-n", *arguments], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout


def test_extras_are_installed_after_a_plain_install(project: Path) -> None:
    """And once only; a plain make stays a matter of seconds before and after."""
    assert "pip" not in would(project, "install")
    assert ".[test,lint,browser]" in would(project, "install", "EXTRAS=browser")
    (project / ".venv" / ".installed-browser").touch()
    assert "pip" not in would(project, "install", "EXTRAS=browser")
    assert "pip" not in would(project, "test")


def test_clean_keeps_what_cannot_be_made_again(project: Path) -> None:
    """Mails and codes of the connector `files` lie in `out`, the store in `.segue`."""
    removed = would(project, "clean").split()
    assert ".venv" in removed
    assert not {"out", "out/outbox", ".segue"} & set(removed)
