"""The same seed makes the same shop, wherever and whenever."""

import hashlib
import os
import subprocess
import sys

import pytest

from segue.sample import write_shop

SCRIPT = """
import hashlib, pathlib, sys
from segue.sample import write_shop
folder = pathlib.Path(sys.argv[1])
write_shop(folder, seed=8)
print(hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in sorted(folder.iterdir()))).hexdigest())
"""


def digest(folder) -> str:
    return hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in sorted(folder.iterdir()))).hexdigest()


def test_two_processes_with_other_hash_seeds_and_zones_write_the_same_bytes(shop, tmp_path):
    for hash_seed, zone in (("1", "UTC"), ("4242", "Asia/Kathmandu")):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone, "LC_ALL": "C"}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / hash_seed)],
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        assert run.stdout.strip() == digest(shop.files.folder)


def test_another_seed_is_another_shop(shop, tmp_path):
    write_shop(tmp_path, seed=9)
    for name in ("customers.csv", "orders.csv", "events.jsonl", "stock.csv", "consents.csv"):
        assert (tmp_path / name).read_bytes() != (shop.files.folder / name).read_bytes()


def test_counts_are_the_records_in_the_files(shop):
    for path in shop.files.in_order():
        header = 0 if path.suffix == ".jsonl" else 1
        with path.open(encoding="utf-8", newline="") as file:
            assert shop.files.counts[path.name] == sum(1 for _ in file) - header


def test_progress_grows_within_each_part(tmp_path):
    told: dict[str, list[float]] = {}
    write_shop(tmp_path, customers=200, progress=lambda what, share: told.setdefault(what, []).append(share))
    assert list(told) == ["people", "year", "files"]
    for shares in told.values():
        assert shares == sorted(shares)
        assert shares[-1] == 1.0


def test_too_few_customers_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 200"):
        write_shop(tmp_path, customers=199)
