"""Prism serves a provider's own specification, and refuses what it does not allow: an npm package, here or not."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PRISM = Path(__file__).resolve().parents[2] / ".venv/judges/prism/node_modules/@stoplight/prism-cli/dist/index.js"
_NODE = shutil.which("node")

#: Skips where it is missing, and says how to get it.
needs_prism = pytest.mark.skipif(
    not _PRISM.exists() or _NODE is None,
    reason="Prism is not at hand: npm install --prefix .venv/judges/prism @stoplight/prism-cli@5.14.2",
)


@contextmanager
def serving(specification: Path) -> Iterator[str]:
    """Prism's address while it serves this specification."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(_NODE), str(_PRISM), "mock", "-v", "error", "-h", "127.0.0.1", "-p", str(port), str(specification)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "Prism ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Prism does not listen")
