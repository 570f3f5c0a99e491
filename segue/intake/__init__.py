"""Other people's data into facts: tables through a mapping file, Segment-style calls as JSON lines.

Again is once, a file goes in whole or not at all, and whatever is left out is counted with its reason and line.
"""

from segue.intake.doors import HashAddress, Progress, import_events, import_table
from segue.intake.errors import IntakeError, MappingError
from segue.intake.mapping import Mapping, load_mapping
from segue.intake.report import ImportReport, Problem

__all__ = [
    "HashAddress",
    "ImportReport",
    "IntakeError",
    "Mapping",
    "MappingError",
    "Problem",
    "Progress",
    "import_events",
    "import_table",
    "load_mapping",
]
