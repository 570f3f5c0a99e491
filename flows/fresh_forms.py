"""Put what exists now into the forms that offer it, so that a new pop-up or segment need not wait for `make up`.

Called at the end of what brings new ones in, and every hour by refresh-results for what came in by the command line.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.logging import get_run_logger

from flows.choices import keeping_saved
from flows.typed import described

#: Flows with a field whose choices grow, by their module. By name, since some of them call us.
FORMS: Final = {
    "flows.campaign": "campaign",
    "flows.popup_invite": "popup_invite",
    "flows.print_run": "print_run",
    "flows.referral_review": "referral_review",
    "flows.retargeting": "retargeting",
    "flows.segments": "define_a_segment",
    "flows.test_send": "test_send",
}


def freshen_forms() -> tuple[str, ...]:
    """Patch the forms that offer something else by now; returns the names of their deployments.

    Only forms: schedules and defaults are a marketer's. A deployment that is not there is passed over, and one that
    Prefect does not let be patched is told in the run's log: what the run is about has been done.
    """
    patched = []
    with get_client(sync_client=True) as client:
        for module, attribute in FORMS.items():
            flow: Flow[Any, Any] = getattr(import_module(module), attribute)
            name = f"{flow.name}/live"
            try:
                found = client.read_deployment_by_name(name)
            except ObjectNotFound:
                continue
            form = keeping_saved(described(flow), found.parameters)
            if form == found.parameter_openapi_schema:
                continue
            try:
                client.update_deployment(found.id, DeploymentUpdate(parameter_openapi_schema=form))
            except PrefectHTTPStatusError as refused:
                status = refused.response.status_code
                get_run_logger().warning(
                    "The form of %s was left as it is (answer %s): start Segue again to see why", name, status
                )
                continue
            patched.append(name)
    return tuple(patched)
