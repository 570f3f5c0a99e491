"""A run's page is one artifact: written once, and rewritten in place as more becomes known."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort


def newest(key: str, flow_run_id: str) -> Artifact | None:
    """The newest artifact that a flow run left under a key, with its text; None where there is none."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[key]), flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(flow_run_id)])
            ),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    return found[0] if found else None


def rewrite(key: str, flow_run_id: str, text: str, description: str | None = None) -> bool:
    """Give a flow run's artifact under a key another text where it stands; False where there is none.

    A new version would stand on the page of whoever writes it, not on the run's own.
    """
    found = newest(key, flow_run_id)
    if found is None:
        return False
    change = ArtifactUpdate(data=text) if description is None else ArtifactUpdate(data=text, description=description)
    with get_client(sync_client=True) as client:
        client.update_artifact(found.id, change)
    return True
