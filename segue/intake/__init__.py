"""Other people's data into facts: well-known exports, tables through a mapping file, Segment-style calls.

Again is once, a file goes in whole or not at all, and whatever is left out is counted with its reason and line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.lazily import lazily

if TYPE_CHECKING:
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
else:
    __getattr__ = lazily(
        __name__,
        {
            "segue.intake.anything": ("Hints", "files_of", "import_anything"),
            "segue.intake.doors": (
                "DateOrder",
                "HashAddress",
                "Progress",
                "import_events",
                "import_export",
                "import_table",
            ),
            "segue.intake.errors": ("IntakeError", "MappingError", "OptionError"),
            "segue.intake.foreign": ("is_leaflet",),
            "segue.intake.formats": ("FORMATS", "Format", "format_named"),
            "segue.intake.mapping": ("Mapping", "load_mapping"),
            "segue.intake.report": ("ImportReport", "Problem"),
            "segue.intake.sizes": ("age_sizes",),
            "segue.intake.tokens": ("ReadLink", "link_reader"),
        },
    )

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
