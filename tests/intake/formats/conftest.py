"""Fixtures of the formats' tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from segue.clock import VirtualClock
from segue.intake import ImportReport, import_export
from segue.intake.formats import format_named

from .shopify_files import NOW


@pytest.fixture
def load(engine: Engine, tmp_path: Path) -> Callable[..., ImportReport]:
    """Import a file, or text as one; `days` after the first day."""
    files = count()

    def run(source: str | Path, days: int = 0, kind: str | None = None, **options: Any) -> ImportReport:
        path = source
        if isinstance(source, str):
            path = tmp_path / f"export{next(files)}.csv"
            path.write_text(source)
        clock = VirtualClock(NOW + timedelta(days=days))
        return import_export(
            engine,
            path,
            None if kind is None else format_named(kind),
            clock=clock,
            hash_address=lambda address: f"hash of {len(address)}",
            **options,
        )

    return run
