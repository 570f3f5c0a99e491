"""The verbs of the brake: what stands still, and stopping a run for good."""

from __future__ import annotations

from importlib.metadata import entry_points

from segue.contract import Channel
from segue.journeys.definition import Journey
from segue.outbox import brake
from segue.outbox.brake import Standing
from segue.outbox.connectors import installed_connectors
from segue.outbox.stop import StoppedRun, stop_run
from segue.service.desk import Desk
from segue.store.engine import read, write


def brake_choices() -> tuple[str, ...]:
    """Everything that can be paused by name, runs aside, in the order in which a form offers it."""
    return (
        "all",
        *(f"journey:{name}" for name in journey_choices()),
        *(f"channel:{channel.value}" for channel in Channel),
        *(f"connector:{name}" for name in sorted(installed_connectors())),
    )


def journey_choices() -> tuple[str, ...]:
    """The names of all installed journeys."""
    return tuple(sorted(point.name for point in entry_points(group="segue.journeys")))


class BrakeVerbs(Desk):
    """Pause, resume, stop; each is in force before the next batch leaves."""

    def pause(self, name: str, *, reason: str) -> None:
        """Put the brake on `all`, `journey:x`, `run:7`, `channel:sms` or `connector:smtp`.

        Raises ValueError with the choice for any other name.
        """
        brake.check_name(name, journeys=journey_choices(), connectors=self._connector_names())
        with write(self.engine) as connection:
            brake.set_paused(connection, name, paused=True, reason=reason, now=self.clock.now())

    def resume(self, name: str) -> bool:
        """Let go of the brake on `name`; False where it was not on. Raises ValueError as `pause` does."""
        with write(self.engine) as connection:
            if name in brake.paused_names(connection):
                brake.set_paused(connection, name, paused=False, reason=None, now=self.clock.now())
                return True
        brake.check_name(name, journeys=journey_choices(), connectors=self._connector_names())
        return False

    def standing_still(self) -> list[Standing]:
        """Everything the brake is on for, with the reason and since when."""
        with read(self.engine) as connection:
            return brake.standing_still(connection)

    def standing_over(self, journey: Journey, run_id: int | None) -> list[Standing]:
        """What of it can hold messages of this run: everything, the journey, the run, a channel or connector of it."""
        names: set[str] = set()
        for channel in {one for step in journey.steps for one in step.channels}:
            serving = self.connectors.by_channel.get(channel)
            connector = None if serving is None else serving.name
            names.update(brake.names_over(journey.name, channel=channel.value, connector=connector, run_id=run_id))
        return [one for one in self.standing_still() if one.name in names]

    def stop_run(self, run_id: int, *, reason: str) -> StoppedRun:
        """Stop a run for good: what has not left will not. Raises LookupError where there is no such run."""
        with write(self.engine) as connection:
            return stop_run(
                connection,
                run_id,
                reason=reason,
                now=self.clock.now(),
                journeys=self.journeys,
                is_spool=self._keeps_a_spool,
            )
