"""What `make up` does between server and worker: install the store, bring the deployments in line.

A process of its own (`python -m flows.prepare [--reset]`), because Prefect reads its environment when imported.
"""

from __future__ import annotations

import sys

from flows.deployments import DeploymentError, Synced, sync
from segue.service import open_segue


def prepare(*, reset: bool = False) -> Synced:
    """Create or migrate the store of this environment's settings, then sync; harmless to repeat."""
    with open_segue() as segue:
        segue.install()
    return sync(reset=reset)


def main(arguments: list[str]) -> int:
    """Print one line a deployment, or say what to do."""
    try:
        done = prepare(reset="--reset" in arguments)
    except DeploymentError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent process shows it
        return 1
    for verb in ("created", "updated", "unchanged"):
        for name in getattr(done, verb):
            print(f"{name}: {verb}")  # noqa: T201 - the parent process reads it
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
