"""Let what is known of sizes fade: facts about somebody refresh her sizes, silence does not."""

from __future__ import annotations

from prefect import flow
from prefect.logging import get_run_logger

from flows.errors import without_personal_data
from segue.service import open_segue


@flow(name="refresh-sizes")
def refresh_sizes() -> int:
    """Count anew a seventh of all who have sizes; returns how many people that were."""
    with without_personal_data("Refreshing sizes"), open_segue() as segue:
        people = segue.refresh_sizes()
    get_run_logger().info("The sizes of %s people were counted anew", people)
    return people
