"""What `make up` does between server and worker: install the store, bring deployments and automations in line.

A process of its own (`python -m flows.prepare [--reset]`), because Prefect reads its environment when imported.
"""

from __future__ import annotations

import sys

from flows.automations import Told, sync_notices
from flows.deployments import DeploymentError, Synced, sync
from segue.service import NoticeError, open_segue, receivers_of

#: Before the line that says who is told when something is wrong; flows/up.py looks for it.
NOTICES = "notices: "


def prepare(*, reset: bool = False) -> tuple[Synced, Told]:
    """Create or migrate the store of this environment's settings, then sync; harmless to repeat.

    Raises NoticeError before anything is changed on the server, DeploymentError where that refuses.
    """
    with open_segue() as segue:
        segue.install()
        receivers = receivers_of(segue.settings)
    return sync(reset=reset), sync_notices(receivers, reset=reset)


def main(arguments: list[str]) -> int:
    """Print one line a deployment, or say what to do."""
    try:
        done, told = prepare(reset="--reset" in arguments)
    except (DeploymentError, NoticeError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent process shows it
        return 1
    for verb in ("created", "updated", "unchanged"):
        for name in getattr(done, verb):
            print(f"{name}: {verb}")  # noqa: T201 - the parent process reads it
    print(f"{NOTICES}{told.where}")  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
