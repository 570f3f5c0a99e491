"""An installation: the engine, secret, journeys, templates, connectors and rules that one set of settings describes.

Each part is made when it is first asked for, so that looking something up does not compile templates. What the worker
and the templates need is imported then, too: pandas alone takes longer to load than most questions to answer.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from segue.clock import Clock
from segue.contract import ConfigurationError
from segue.journeys.definition import Journey
from segue.outbox.connectors import Connectors, load_connectors
from segue.outbox.rules import rules_of
from segue.policy import Rules
from segue.render import Links, load_brand
from segue.settings import Settings
from segue.store.engine import open_engine
from segue.store.fingerprint import is_secret_of

if TYPE_CHECKING:
    from segue.outbox.handover import Probe
    from segue.outbox.worker import Worker
    from segue.render import Library


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
        url = self.settings.store_url
        try:
            if "@" not in (make_url(url).host or ""):  # else part of a password passes for the host and would be shown
                return open_engine(url)
        except (ArgumentError, ImportError, ValueError):
            pass  # their texts may hold the address, and the password with it
        raise ConfigurationError(
            "SEGUE_DATABASE_URL is no address Segue can use; write postgresql+psycopg://user:password@host/name, with"
            " signs such as @ or / in the password percent-encoded, or sqlite:////folder/file"
        )

    @cached_property
    def secret(self) -> bytes:
        """The key behind links, codes and address hashes; made once in `home` where none is set."""
        if self.settings.secret_key is not None:
            return self.settings.secret_key.get_secret_value().encode("utf-8")
        return _kept_secret(self.settings.home / "secret.key")

    @cached_property
    def journeys(self) -> Mapping[str, Journey]:
        """Every journey installed, ours and strangers', by name."""
        return {point.name: _loaded(point) for point in entry_points(group="segue.journeys")}

    @cached_property
    def library(self) -> Library:
        """The templates, compiled once."""
        from segue.render import Library

        brand = load_brand(self.settings.brand)
        return Library(
            self.settings.templates, brand, Links(self.settings.base_url, self.secret), pictures=self.settings.pictures
        )

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
            from segue.outbox.worker import Worker

            self.check_secret()
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

    def check_secret(self) -> None:
        """Raise ConfigurationError where the database was set up with another secret than ours.

        Under another one the people who unsubscribed would not be recognised, and would be mailed.
        """
        if not is_secret_of(self.engine, self.secret):
            home = self.settings.home.absolute()
            ours = "SEGUE_SECRET_KEY" if self.settings.secret_key else home / "secret.key"
            raise ConfigurationError(
                f"this database was set up with another secret key than {ours} holds; set SEGUE_SECRET_KEY to the same"
                f" value on every host, or copy secret.key from the first host's home to {home}"
            )

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


def _loaded(point: EntryPoint) -> Journey:
    try:
        journey: Journey = point.load()
    except Exception as error:
        package = point.dist.name if point.dist is not None else "an unknown package"
        raise ConfigurationError(
            f"the journey {point.name} cannot be loaded: the entry point {point.value} of {package} ends in"
            f" {type(error).__name__}: {error}; correct it and install the package again, or uninstall it"
        ) from error
    return journey


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
