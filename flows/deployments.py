"""Bring the server's deployments in line with `prefect.yaml`, without undoing what a marketer changed.

`prefect deploy` resets schedules and defaults, so it is used for missing deployments only. Of the others just what
belongs to the code is patched: entrypoint and where the code lies, description, form, tags, version.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # Prefect brings it, without types
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.templating import apply_values
from prefect.workers.process import ProcessWorker

from flows.choices import keeping_saved
from flows.typed import described

ROOT = Path(__file__).resolve().parent.parent
WORK_POOL = "segue"


class DeploymentError(Exception):
    """A deployment could not be brought in line; the text says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What was done, as names of the form `flow/deployment`."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One deployment as `prefect.yaml` and the code describe it."""

    name: str
    ours: dict[str, Any]


def sync(root: Path = ROOT, *, reset: bool = False) -> Synced:
    """Create what is missing and patch what is ours; with `reset`, overwrite everything.

    Speaks to the server of PREFECT_API_URL. Raises DeploymentError where the server refuses.
    """
    with get_client(sync_client=True) as client:
        ensure_work_pool(client)
        wanted = read_wanted(root)
        missing = tuple(each.name for each in wanted if reset or _find(client, each.name) is None)
        if missing:
            _deploy(root, missing, server=str(client.api_url))
        patched = tuple(each.name for each in wanted if _patch(client, each))
    return Synced(
        created=missing,
        updated=tuple(name for name in patched if name not in missing),
        unchanged=tuple(each.name for each in wanted if each.name not in {*missing, *patched}),
    )


def read_wanted(root: Path) -> list[Wanted]:
    """Read `prefect.yaml` and the flows it names."""
    content = yaml.safe_load((root / "prefect.yaml").read_text())
    os.environ["PWD"] = str(root)  # `{{ $PWD }}` in the pull step means the project, wherever we were started
    pull_steps = apply_values(content["pull"], {}, remove_notset=False)
    wanted = []
    for entry in content["deployments"]:
        flow = _load(root, entry["entrypoint"])
        ours = {
            "entrypoint": entry["entrypoint"],
            "description": entry["description"],
            "parameter_openapi_schema": described(flow),
            "tags": entry["tags"],
            "version": version("segue"),
            "pull_steps": pull_steps,
        }
        wanted.append(Wanted(name=f"{flow.name}/{entry['name']}", ours=ours))
    return wanted


def difference(wanted: Wanted, found: DeploymentResponse) -> dict[str, Any]:
    """What of ours differs on the server; empty when nothing does."""
    form = keeping_saved(wanted.ours["parameter_openapi_schema"], found.parameters)
    ours = {**wanted.ours, "parameter_openapi_schema": form}
    return {field: value for field, value in ours.items() if getattr(found, field) != value}


def ensure_work_pool(client: SyncPrefectClient) -> None:
    """Make the work pool if it is missing; a pool somebody changed stays as it is."""
    try:
        client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        with suppress(ObjectAlreadyExists):  # somebody else starting up made it meanwhile
            client.create_work_pool(
                WorkPoolCreate(
                    name=WORK_POOL,
                    type="process",
                    description="Segue's flow runs, as processes on this machine.",
                    base_job_template=ProcessWorker.get_default_base_job_template(),
                )
            )


def _load(root: Path, entrypoint: str) -> Flow[Any, Any]:
    path, _, name = entrypoint.partition(":")
    flow: Flow[Any, Any] = load_flow_from_entrypoint(f"{root / path}:{name}")
    return flow


def _find(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def _patch(client: SyncPrefectClient, wanted: Wanted) -> bool:
    """Write what is ours and differs; returns whether anything did."""
    found = client.read_deployment_by_name(wanted.name)
    patch = difference(wanted, found)
    if not patch:
        return False
    try:
        client.update_deployment(found.id, DeploymentUpdate(**patch))
    except PrefectHTTPStatusError as refused:
        if refused.response.status_code != 409:
            raise
        raise DeploymentError(
            f"The defaults saved for {wanted.name} no longer fit its form. Open the deployment in the UI, choose Edit "
            "and save it with the fields shown there, or run `make deploy-reset` to go back to those of prefect.yaml."
        ) from None
    return True


def _deploy(root: Path, names: Sequence[str], *, server: str) -> None:
    """Let Prefect's own command read the file, so that its every feature means what Prefect says it means."""
    picks = [word for name in names for word in ("--name", name)]
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *picks],
        cwd=root,
        env={**os.environ, "PWD": str(root), "PREFECT_API_URL": server},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeploymentError(
            f"Prefect refused to create {', '.join(names)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
