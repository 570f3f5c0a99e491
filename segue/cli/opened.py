"""Segue, opened for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.service import Segue


@contextmanager
def opened(home: Path | None = None) -> Iterator[Segue]:
    """Segue on this machine's settings (or on another home), its database brought up to date."""
    from segue.service import open_segue
    from segue.settings import load_settings, settings_of

    settings = load_settings()
    if home is not None:
        settings = settings_of(home).model_copy(update={"home": home, "database_url": ""})
    with open_segue(settings) as segue:
        segue.install()
        yield segue
