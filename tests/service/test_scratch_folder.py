"""What a rehearsal copies is closed to others and does not outlive it, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segue.service import scratch_folder as module
from segue.service.scratch_folder import scratch_folder

#: The module alone: the whole front door takes seconds to import.
_CHILD = """
import runpy, sys, time
from pathlib import Path
scratch_folder = runpy.run_path(sys.argv[2])["scratch_folder"]
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "data").write_text("hers")
    print(folder, flush=True)
    time.sleep(60)
"""


def _folders(home: Path) -> list[Path]:
    return [one for one in (home / "rehearsals").iterdir() if one.is_dir()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_one_that_is_ended_or_killed(tmp_path: Path, number: signal.Signals) -> None:
    """The next one sweeps what a killed one left; one that runs is left alone."""
    command = [sys.executable, "-c", _CHILD, str(tmp_path), module.__file__]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    folder = Path(child.stdout.readline().strip())
    with child.stdout:
        with scratch_folder(tmp_path) as mine:
            assert {mine, folder} == set(_folders(tmp_path))
            assert (folder / "data").exists()
            assert [one.stat().st_mode & 0o777 for one in (mine, mine.parent)] == [0o700, 0o700]
        child.send_signal(number)
        child.wait()
    assert _folders(tmp_path) == ([] if number is signal.SIGTERM else [folder])
    with scratch_folder(tmp_path) as mine:
        assert _folders(tmp_path) == [mine]
    assert _folders(tmp_path) == []


def test_a_failure_leaves_nothing_and_the_signal_as_it_was(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), scratch_folder(tmp_path):
        1 / 0  # noqa: B018 - any error
    assert _folders(tmp_path) == []
    assert signal.getsignal(signal.SIGTERM) is before
