"""Errors that are known: each ends a command with one sentence instead of a traceback."""

from __future__ import annotations

from sqlalchemy.exc import OperationalError

from segue.contract import ConnectorError
from segue.intake import IntakeError
from segue.render import RenderError

_KNOWN = (IntakeError, RenderError, ConnectorError, FileExistsError, KeyError, ValueError)


def sentence_of(error: Exception) -> str | None:
    """What to say of an error; None where it is none that we know."""
    if isinstance(error, OperationalError):
        return f"the database cannot be reached: {' '.join(str(error.orig).split())}; check SEGUE_DATABASE_URL"
    if isinstance(error, _KNOWN):
        return str(error.args[0] if error.args else error)
    return None
