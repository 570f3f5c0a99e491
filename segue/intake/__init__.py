"""Other people's data into facts: well-known exports, tables through a mapping file, Segment-style calls.

Again is once, a file goes in whole or not at all, and whatever is left out is counted with its reason and line.
"""

from segue.intake.anything import Hints, files_of, import_anything
from segue.intake.doors import (
    DateOrder,
    HashAddress,
    Progress,
    import_events,
    import_export,
    import_table,
)
from segue.intake.errors import IntakeError, MappingError, OptionError
from segue.intake.foreign import is_leaflet
from segue.intake.formats import FORMATS, Format, format_named
from segue.intake.mapping import Mapping, load_mapping
from segue.intake.report import ImportReport, Problem
from segue.intake.sizes import age_sizes
from segue.intake.tokens import ReadLink, link_reader

__all__ = [
    "FORMATS",
    "DateOrder",
    "Format",
    "HashAddress",
    "Hints",
    "ImportReport",
    "IntakeError",
    "Mapping",
    "MappingError",
    "OptionError",
    "Problem",
    "Progress",
    "ReadLink",
    "age_sizes",
    "files_of",
    "format_named",
    "import_anything",
    "import_events",
    "import_export",
    "import_table",
    "is_leaflet",
    "link_reader",
    "load_mapping",
]
