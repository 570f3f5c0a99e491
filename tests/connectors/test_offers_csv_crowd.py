"""Several writers and tills at one folder, as real processes, and writers that are killed."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.offers_csv import OffersCsvConnector
from segue.contract import Key, Outcome
from segue.contract.suite import voucher
from tests.connectors.test_offers_csv import AT, TillFolder, other, reasons, rows_of
from tests.processes import CONTEXT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "till"


def _write(folder: str, barrier: Any, options: dict[str, str]) -> None:
    connector = OffersCsvConnector(folder=folder, **options)
    barrier.wait()
    for start in range(0, 90, 3):
        results = list(connector.publish([voucher(n) for n in range(start, start + 3)]))
        assert all(r.outcome is Outcome.ACCEPTED or r.reason == "code_withdrawn" for r in results)
        if start % 9 == 0:
            assert list(connector.withdraw([voucher(start).code])) == [voucher(start).code]


def _ring_up(folder: str, barrier: Any, number: int) -> None:
    """A till: reads what is valid, takes each code it sees once, and writes in pieces, as a slow disk does."""
    till = TillFolder(Path(folder))
    path = Path(folder) / "redemptions" / f"till-{number}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    barrier.wait()
    with path.open("a", buffering=1, newline="") as file:
        file.write("code,order_id,redeemed_at\n")
        until = time.monotonic() + 60
        while len(seen) < 40 and time.monotonic() < until:
            fresh = {code for code in till.known() if len(code) == 9} - seen
            for code in sorted(fresh):
                line = f"{code},till{number}-{code},{AT.isoformat()}\n"
                file.write(line[:12])
                file.flush()
                file.write(line[12:])
                seen.add(code)
    assert len(seen) >= 40


@pytest.mark.parametrize(
    "options", [{}, {"columns": "valid_until,percent,amount,currency,code"}], ids=["plain", "moved"]
)
def test_two_writers_and_two_tills_at_once(folder: Path, options: dict[str, str]) -> None:
    """Real processes: every line whole, every code once, every use told once, no withdrawn code back."""
    barrier = CONTEXT.Barrier(4)
    work: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
        (_write, (str(folder), barrier, options)),
        (_write, (str(folder), barrier, options)),
        (_ring_up, (str(folder), barrier, 1)),
        (_ring_up, (str(folder), barrier, 2)),
    ]
    workers = [CONTEXT.Process(target=target, args=arguments) for target, arguments in work]
    for worker in workers:
        worker.start()
    reader = OffersCsvConnector(folder=folder, **options)
    while any(worker.is_alive() for worker in workers):
        told = Counter((one.code, one.order_id) for one in reader.redemptions())
        assert set(told.values()) <= {1}
        time.sleep(0.02)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    lines = rows_of(folder / "codes.csv")
    assert all(None not in row and None not in row.values() for row in lines)
    counted = Counter(row["code"] for row in lines)
    assert set(counted.values()) == {1}
    gone = set(TillFolder(folder).codes("withdrawn.csv"))
    assert gone == {voucher(n).code for n in range(0, 90, 9)}
    assert TillFolder(folder).known() == {voucher(n).code for n in range(90)} - gone
    told = Counter((one.code, one.order_id) for one in reader.redemptions())
    taken = [row["order_id"] for n in (1, 2) for row in rows_of(folder / "redemptions" / f"till-{n}.csv")]
    assert sorted(order for _, order in told) == sorted(taken)


def _publish_for_ever(folder: str) -> None:
    connector = OffersCsvConnector(folder=folder)
    for number in range(1_000_000):
        for result in connector.publish([voucher(number)]):
            assert result.outcome is Outcome.ACCEPTED
            (Path(folder) / "accepted.txt").open("a").write(f"{voucher(number).code}\n")


def test_killed_writers_lose_no_accepted_code(folder: Path) -> None:
    """SIGKILL at any moment: what was accepted is in the file, once, and the next one can go on."""
    for _ in range(3):
        dying = CONTEXT.Process(target=_publish_for_ever, args=(str(folder),))
        dying.start()
        until = time.monotonic() + 60
        path = folder / "accepted.txt"
        before = path.stat().st_size if path.exists() else 0
        while (path.stat().st_size if path.exists() else 0) < before + 300 and time.monotonic() < until:
            time.sleep(0.005)
        assert dying.pid is not None
        os.kill(dying.pid, signal.SIGKILL)
        dying.join()
        assert dying.exitcode == -signal.SIGKILL
    accepted = set((folder / "accepted.txt").read_text().split())
    assert reasons(OffersCsvConnector(folder=folder).publish([other(0, code="LAST", key=Key("a/b/c"))])) == [None]
    counted = Counter(row["code"] for row in rows_of(folder / "codes.csv"))
    assert set(counted.values()) == {1}
    assert accepted | {"LAST"} <= set(counted)
