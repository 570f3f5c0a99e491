"""In random shops, over 60 virtual days and all journeys, no promise is broken that customers or finance rely on.

Sums always add up, points are those of a pencil, nobody gets two codes, no message comes at night, without a basis,
after the purchase or over the cap. A shop is drawn by hypothesis (`story`), played through the real doors and verbs
(`player`) and judged by a plain reading of what it had told (`judge`), which shares no code with Segue.

`SEGUE_SHOPS=1000 pytest tests/shops` draws so many, other ones each time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import URL

from segue.render import Library
from tests.conftest import _administer, _text
from tests.shops.busy import BUSY, SHARED
from tests.shops.judge import faults
from tests.shops.player import play, prepare
from tests.shops.story import Story, stories

_ASKED = os.environ.get("SEGUE_SHOPS")
#: How many shops: most on SQLite, every fourth as many on PostgreSQL.
SHOPS = int(_ASKED or 3)
_DRAWN = settings(
    max_examples=SHOPS,
    deadline=None,
    derandomize=_ASKED is None,  # else a change of somebody else's would be blamed for what chance found
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Ground:
    """Where shops are played: a prepared database to copy, and the templates."""

    folder: Path
    library: Library
    #: Make a copy for the shop of this number; return its address.
    copy: Callable[[int], str]
    drop: Callable[[int], None]
    played: int = 0
    #: What left in all shops, by step and channel.
    left: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: shops write small files, and nobody needs them to last."""
    place = Path("/dev/shm")  # noqa: S108 - a folder of ours with a name nobody knows before
    folder = Path(tempfile.mkdtemp(prefix="segue_shops_", dir=place if place.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def on_sqlite(memory: Path) -> Ground:
    """Shops on SQLite."""
    base = memory / "base.db"
    library = prepare(f"sqlite:///{base}", memory)

    def copy(number: int) -> str:
        shutil.copyfile(base, memory / f"{number}.db")
        return f"sqlite:///{memory / f'{number}.db'}"

    def drop(number: int) -> None:
        for file in memory.glob(f"{number}.db*"):
            file.unlink()

    return Ground(memory, library, copy, drop)


@pytest.fixture(scope="module")
def on_postgres(memory: Path, postgres_server: URL) -> Ground:
    """Shops on PostgreSQL."""
    base = postgres_server.set(database="shops_template")
    _administer(postgres_server, "CREATE DATABASE shops_template")
    library = prepare(_text(base), memory)

    def copy(number: int) -> str:
        _administer(postgres_server, f"CREATE DATABASE shop_{number} TEMPLATE shops_template")
        return _text(postgres_server.set(database=f"shop_{number}"))

    def drop(number: int) -> None:
        _administer(postgres_server, f"DROP DATABASE shop_{number} WITH (FORCE)")

    return Ground(memory, library, copy, drop)


def _is_clean(ground: Ground, story: Story) -> None:
    ground.played += 1
    number = ground.played
    folder = ground.folder / f"shop_{number}"
    folder.mkdir()
    url = ground.copy(number)
    try:
        played = play(story, url, folder, ground.library)
    finally:
        ground.drop(number)
        shutil.rmtree(folder)
    ground.left.update(f"{one.step} {one.channel}" for stretch in played.stretches for one in stretch.handed)
    found = faults(played)
    assert not found, "\n".join(found[:20])


@_DRAWN
@example(story=BUSY)
@example(story=SHARED)
@given(story=stories())
def test_no_promise_is_broken_on_sqlite(on_sqlite: Ground, story: Story) -> None:
    """Most of the shops."""
    _is_clean(on_sqlite, story)


@settings(_DRAWN, max_examples=max(1, SHOPS // 4))
@given(story=stories())
def test_no_promise_is_broken_on_postgres(on_postgres: Ground, story: Story) -> None:
    """Fewer, on the other database."""
    _is_clean(on_postgres, story)


def test_much_of_what_can_be_sent_was_sent(on_sqlite: Ground) -> None:
    """A judge who never saw a message proves nothing."""
    if not on_sqlite.played:
        pytest.skip("the shops of SQLite were not played in this process")
    seen = {one.rpartition(" ")[0] for one in on_sqlite.left}
    assert {"abandoned_cart/reminder", "order_confirmation/receipt", "welcome_insert/insert"} <= seen
    assert sum(on_sqlite.left.values()) >= 3 * SHOPS
