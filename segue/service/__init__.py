"""The front door: the few verbs that flows, the CLI and later the web edge may call.

Everything a verb returns to a flow is ids and counts. Names and addresses appear only in `explain` and the
gallery, which never cross into Prefect.

Verbs that judge, draw or print import what does so when they are called: a command or a flow that only looks something
up, or pauses a channel, need not wait for pandas. `tests/test_cli_start.py` keeps it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from segue.audiences.report import AudienceLine, AudienceReport, FeedReport
from segue.audiences.usual import UnusualAudience
from segue.clock import Clock, SystemClock, VirtualClock
from segue.gallery import words
from segue.lazily import lazily
from segue.offers import CodeCount, ReferralCount, Refusal, ReviewedReferral, Settled, SuspectReferral
from segue.outbox.brake import BrakeError, Standing
from segue.outbox.connectors import Connectors
from segue.outbox.count import DrainCount
from segue.outbox.freeze import ApprovalError
from segue.outbox.print_report import PrintReport
from segue.outbox.results import Results
from segue.outbox.states import ALL_BUCKETS
from segue.outbox.stop import StoppedRun
from segue.outbox.summary import Pace, Spending, Summary
from segue.outbox.trial import TrialLine
from segue.outbox.usual import Size, Unusual
from segue.render.samples import SampleRender
from segue.service.approving import Frozen, Start
from segue.service.brake import brake_choices, journey_choices
from segue.service.filling import FillVerbs
from segue.service.leading import LeadVerbs
from segue.service.notices import NoticeError, Receivers, receivers_of
from segue.service.offered import (
    OfferedVerbs,
    categories,
    channels_bought_on,
    channels_listed_on,
    networks,
    packing_places,
    place_choices,
    popup_choices,
    review_choices,
    segment_names,
    size_systems,
    sources,
    template_languages,
    templates_of,
    unprintable,
)
from segue.service.referrals import ReferralVerbs
from segue.service.results import ResultVerbs, RunToRefresh
from segue.service.running import RunPlan, RunVerbs, Shard
from segue.service.segments import SegmentLine, SegmentVerbs
from segue.service.trials import SeedLine, TrialVerbs, sample_choices, trial_choices
from segue.service.why import Why, WhyLine, WhyVerbs
from segue.settings import Settings, load_settings
from segue.store.fingerprint import keep_fingerprint
from segue.store.migrate import migrate

if TYPE_CHECKING:
    from segue.intake import (
        FORMATS,
        Hints,
        ImportReport,
        IntakeError,
        MappingError,
        OptionError,
        files_of,
        is_leaflet,
    )
    from segue.outbox.handover import Probe
else:
    __getattr__ = lazily(
        __name__,
        {
            "segue.intake": (
                "FORMATS",
                "Hints",
                "ImportReport",
                "IntakeError",
                "MappingError",
                "OptionError",
                "files_of",
                "is_leaflet",
            )
        },
    )


class Segue(
    FillVerbs,
    LeadVerbs,
    OfferedVerbs,
    ReferralVerbs,
    ResultVerbs,
    RunVerbs,
    SegmentVerbs,
    TrialVerbs,
    WhyVerbs,
):
    """The verbs of an open installation. Make one with `open_segue`."""

    def install(self) -> None:
        """Create or migrate the database; safe to call at every start.

        The first call ties the database to this installation's secret; with another one ConfigurationError is raised.
        """
        migrate(self.engine, buckets=ALL_BUCKETS)
        keep_fingerprint(self.engine, self.secret)
        self.check_secret()
        self.keep_starters()


@contextmanager
def open_segue(
    settings: Settings | None = None,
    clock: Clock | None = None,
    *,
    connectors: Connectors | None = None,
    probe: Probe = lambda _name: None,
) -> Iterator[Segue]:
    """Open the installation that `settings` describe (the environment's, if None).

    The clock is the machine's, or a standing one where the settings name an instant. `connectors` replaces
    the configured ones and `probe` is called at named points of a message's life: both are for tests and benches.
    """
    chosen = settings or load_settings()
    if clock is None:
        clock = VirtualClock(chosen.virtual_now) if chosen.virtual_now is not None else SystemClock()
    with Segue(chosen, clock, connectors=connectors, probe=probe) as segue:
        yield segue


__all__ = [
    "FORMATS",
    "ApprovalError",
    "AudienceLine",
    "AudienceReport",
    "BrakeError",
    "CodeCount",
    "DrainCount",
    "FeedReport",
    "Frozen",
    "Hints",
    "ImportReport",
    "IntakeError",
    "MappingError",
    "NoticeError",
    "OptionError",
    "Pace",
    "PrintReport",
    "Receivers",
    "ReferralCount",
    "Refusal",
    "Results",
    "ReviewedReferral",
    "RunPlan",
    "RunToRefresh",
    "SampleRender",
    "SeedLine",
    "SegmentLine",
    "Segue",
    "Settled",
    "Shard",
    "Size",
    "Spending",
    "Standing",
    "Start",
    "StoppedRun",
    "Summary",
    "SuspectReferral",
    "TrialLine",
    "Unusual",
    "UnusualAudience",
    "Why",
    "WhyLine",
    "brake_choices",
    "categories",
    "channels_bought_on",
    "channels_listed_on",
    "files_of",
    "is_leaflet",
    "journey_choices",
    "networks",
    "open_segue",
    "packing_places",
    "place_choices",
    "popup_choices",
    "receivers_of",
    "review_choices",
    "sample_choices",
    "segment_names",
    "size_systems",
    "sources",
    "template_languages",
    "templates_of",
    "trial_choices",
    "unprintable",
    "words",
]
