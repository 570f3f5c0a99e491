"""What intake raises. A bad row is counted in the report; these are about a whole file.

IntakeError
├── MappingError   the mapping file is wrong; nothing was read
├── OptionError    what the caller said beside the file is wrong; nothing was read
└── (itself)       the file cannot be read, or not with this mapping; nothing was written
"""

from __future__ import annotations


class IntakeError(Exception):
    """A file was refused whole and nothing of it was written; the text names the file and the cure."""


class MappingError(IntakeError):
    """A mapping file breaks its own rules; the text names the file, the table, the key and the words allowed."""


class OptionError(IntakeError):
    """A zone, currency, format ... that the caller named is none; it is wrong for every file."""


class BadValueError(Exception):
    """One cell means nothing we can use: `reason` is counted, the value itself is never kept."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
