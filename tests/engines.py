"""Engines of one test process share what they have learnt, and leave the disk alone."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache

from segue.store import engine as store

#: Environment variable: a PostgreSQL database to warm up on.
WARM: Final = "SEGUE_TESTS_WARM"
#: What SQLite is told outside tests.
AS_SHIPPED: Final = store._PRAGMAS


def share_what_engines_learn() -> None:
    """Let all engines of this process share one cache of compiled statements, and let SQLite leave the disk alone.

    Each test opens an engine on a database of its own, and half of its time went into compiling the same statements
    again. Dialects of a kind are alike in one process, so what one has compiled serves the others. As for the disk:
    tests kill processes, never the machine.
    """
    shared: dict[type[Dialect], LRUCache[Any, Any]] = {}

    def create(*given: Any, **options: Any) -> Engine:
        made = create_engine(*given, **options)
        kind = type(made.dialect)
        if kind not in shared:
            kind.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]
            kind.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign]
            shared[kind] = LRUCache(4_000)
        made._compiled_cache = shared[kind]
        return made

    store.create_engine = create  # type: ignore[attr-defined]
    store._PRAGMAS = tuple("synchronous=OFF" if one == "synchronous=FULL" else one for one in AS_SHIPPED)
