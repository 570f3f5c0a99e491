"""An installation: the engine, secret, journeys, templates, connectors and rules that one set of settings describes.

Each part is made when it is first asked for, so that looking something up does not compile templates.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from segue.clock import Clock
from segue.journeys.definition import Journey
from segue.outbox.connectors import Connectors, load_connectors
from segue.outbox.handover import Probe
from segue.outbox.rules import rules_of
from segue.outbox.worker import Worker
from segue.policy import Rules
from segue.render import Library, Links, load_brand
from segue.settings import Settings
from segue.store.engine import open_engine


class Installation:
    """What `settings` describe, opened piece by piece; closed as a context manager or by `close`."""

    def __init__(self, settings: Settings, clock: Clock, *, connectors: Connectors | None, probe: Probe) -> None:
        self.settings = settings
        self.clock = clock
        self._probe = probe
        self._given_connectors = connectors
        self._worker: Worker | None = None

    @cached_property
    def engine(self) -> Engine:
        """The store."""
        return open_engine(self.settings.store_url)

    @cached_property
    def secret(self) -> bytes:
        """The key behind links, codes and address hashes; made once in `home` where none is set."""
        if self.settings.secret_key is not None:
            return self.settings.secret_key.get_secret_value().encode("utf-8")
        return _kept_secret(self.settings.home / "secret.key")

    @cached_property
    def journeys(self) -> Mapping[str, Journey]:
        """Every journey installed, ours and strangers', by name."""
        return {point.name: point.load() for point in entry_points(group="segue.journeys")}

    @cached_property
    def library(self) -> Library:
        """The templates, compiled once."""
        brand = load_brand(self.settings.brand)
        return Library(self.settings.templates, brand, Links(self.settings.base_url, self.secret))

    @cached_property
    def connectors(self) -> Connectors:
        """The connectors the settings name."""
        return self._given_connectors or load_connectors(self.settings)

    @cached_property
    def rules(self) -> Rules:
        """The policy rules as the settings have them."""
        return rules_of(self.settings)

    @property
    def worker(self) -> Worker:
        """The worker of this process; its journal opens with the first drain."""
        if self._worker is None:
            self._worker = Worker(
                self.engine,
                settings=self.settings,
                secret=self.secret,
                journeys=self.journeys,
                library=self.library,
                connectors=self.connectors,
                rules=self.rules,
                clock=self.clock,
                probe=self._probe,
            )
        return self._worker

    def close(self, *, failed: bool = False) -> None:
        """Give back leases, connections and files; safe to call twice."""
        if self._worker is not None:
            self._worker.close(keep_journal=failed)
            self._worker = None
        if "connectors" in self.__dict__:
            self.connectors.close()
        if "engine" in self.__dict__:
            self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close(failed=exception[0] is not None)


def _kept_secret(path: Path) -> bytes:
    """Read the secret, making it first where there is none; two processes starting at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        for _ in range(50):
            if kept := path.read_bytes():
                return kept
            time.sleep(0.02)
        raise RuntimeError(f"{path} is empty; delete it and start again") from None
    with os.fdopen(file, "wb") as handle:
        secret = secrets.token_hex(32).encode("ascii")
        handle.write(secret)
    return secret
