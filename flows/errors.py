"""What an exception may say once it crosses into Prefect, which stores and shows it: what, where, the cure, no people.

Database drivers, pandas and template engines like to quote the value that broke them, and that value may be an
address. So only our own errors keep their text (it is written without personal data); of all others Prefect learns
the kind and the place.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
#: Where texts are written by us and checked to hold no personal data.
_OURS = ("segue.", "connectors.", "flows.")


class FlowError(Exception):
    """A flow or task stopped; safe to store and to show."""


@contextmanager
def without_personal_data(what: str) -> Iterator[None]:
    """Turn any exception of the block into a FlowError about `what`, with nothing of the original attached.

    `from None` matters: Prefect prints and stores the whole chain of causes.
    """
    try:
        yield
    except FlowError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its text must not pass
        raise FlowError(f"{what} stopped: {told(error)}") from None


def told(error: Exception) -> str:
    """What may be told of an exception: its kind and place, and its text if the text is ours."""
    kind = type(error).__name__
    text = f": {error}" if type(error).__module__.startswith(_OURS) else ""
    return f"{kind}{text} (at {_place(error)})"


def _place(error: Exception) -> str:
    """The innermost line of our own code, as `segue/outbox/promise.py:41`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(_ROOT) and ".venv" not in file.parts:
            return f"{file.relative_to(_ROOT)}:{frame.lineno}"
    return "a library"
