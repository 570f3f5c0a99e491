"""What a marketer saved as the defaults of the journeys' deployments: what their schedules run with."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_type_hints

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from flows.errors import FlowError
from segue.journeys.definition import Brief, Journey


def saved_briefs(journeys: Mapping[str, Journey]) -> dict[str, Brief]:
    """Return the brief of each journey that has a schedule and for which something is saved, by name.

    Raises FlowError where what is saved no longer fits the journey's form.
    """
    found = {}
    with get_client(sync_client=True) as client:
        for name, journey in journeys.items():
            called = f"{name.replace('_', '-')}/live"
            try:
                deployment = client.read_deployment_by_name(called)
            except ObjectNotFound:
                continue
            # What runs by hand only starts nothing by itself, in a rehearsal neither.
            if deployment.schedules and deployment.entrypoint and deployment.parameters:
                found[name] = brief_of(journey, called, deployment.entrypoint, deployment.parameters)
    return found


def brief_of(journey: Journey, called: str, entrypoint: str, saved: Mapping[str, Any]) -> Brief:
    """Read saved parameters as the journey's form does; `entrypoint` is `flows/abandoned_cart.py:abandoned_cart`."""
    path, _, name = entrypoint.partition(":")
    flow: Flow[Any, Any] = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
    form = get_type_hints(flow.fn)["brief"]
    try:
        brief: Brief = form.model_validate(saved.get("brief", {})).brief_for(journey)
    except ValidationError as error:
        fields = ", ".join(sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]}))
        raise FlowError(
            f"The defaults saved for {called} no longer fit its form ({fields}). Open the deployment, choose Edit and "
            "save it with the fields shown there."
        ) from None
    return brief
