"""The default shop, written once and read back as text: what any importer would see."""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from segue.sample import ShopFiles, draw_pictures, write_shop


@dataclass(frozen=True)
class Read:
    """The files of a shop, parsed."""

    files: ShopFiles

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.files.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def customer(self, customer_id: str) -> dict[str, str]:
        return next(row for row in self.rows("customers") if row["customer_id"] == customer_id)

    def calls(self) -> list[dict[str, Any]]:
        """Every call once: repeats of a flaky network are left out."""
        lines = self.files.events.read_text(encoding="utf-8").splitlines()
        return list({call["messageId"]: call for call in map(json.loads, lines)}.values())

    def carts(self) -> dict[str, list[dict[str, Any]]]:
        """Calls by cart, oldest first."""
        carts = defaultdict(list)
        for call in self.calls():
            if cart_id := call.get("properties", {}).get("cart_id"):
                carts[cart_id].append(call)
        return carts


def at(text: str) -> datetime:
    """An instant of the files."""
    return datetime.fromisoformat(text)


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Read:
    return Read(write_shop(tmp_path_factory.mktemp("shop")))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> tuple[Path, ...]:
    return draw_pictures(tmp_path_factory.mktemp("pictures"))
