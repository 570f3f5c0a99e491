"""Files that are no exports however they are called: folders, PDFs, spreadsheets, ZIPs inside ZIPs, and leaflets."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from segue.intake.errors import IntakeError

_PDF = b"%PDF"
_ZIP = b"PK\x03\x04"
#: What spreadsheets of the older kind (.xls) begin with.
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_SHEET = re.compile(r"xl/.+\.(xml|bin)\Z")
_LEAFLET = re.compile(r"(read[ _-]?me|licen[sc]e|liesmich)[^/]*?(\.(txt|md|rst|html?|pdf|rtf))?\Z", re.IGNORECASE)


def is_leaflet(path: Path) -> bool:
    """Whether a file only tells of the others, as `readme.txt` does: nobody means it to be imported."""
    return _LEAFLET.match(path.name) is not None


def is_spreadsheet(path: Path) -> bool:
    """Whether a file is a workbook, whatever it is called: XLSX and ODS are ZIPs inside."""
    head = _head(path)
    if head == _OLD_OFFICE:
        return True
    if head != _ZIP:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(_SHEET.match(name) for name in names):
                return True
            return "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:100]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        return False


def require_export(path: Path) -> None:
    """Raise IntakeError, with the cure, for what is no file at all or a kind of file that is never an export."""
    if path.is_dir():
        raise IntakeError(f"{path.name} is a folder; name the files in it ({path.name}/*)")
    if not path.is_file():
        raise IntakeError(f"{path.name} does not exist or is not a file; check the path")
    head = _head(path)
    if head == _PDF:
        raise IntakeError(f"{path.name}: this is a PDF; save it as CSV")
    if is_spreadsheet(path):
        raise IntakeError(f"{path.name}: this is a spreadsheet; save it as CSV")
    if head == _ZIP:
        raise IntakeError(f"{path.name} is a ZIP archive of its own; unpack it and import its files")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as probe:
            return probe.read(4)
    except OSError:
        return b""  # who opens it in earnest says why it cannot be opened
