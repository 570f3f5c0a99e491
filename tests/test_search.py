"""A wide search comes to its end, however long that takes: the suite's limit is for tests that hang."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.search import give_time


@pytest.mark.parametrize(
    ("asked", "limits"), [({}, []), ({"SEGUE_SHOPS": "1000"}, [(0,)]), ({"SEGUE_SEARCH": "20"}, [(0,)])]
)
def test_only_a_search_that_was_asked_for_has_no_limit(
    asked: dict[str, str], limits: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEGUE_SHOPS", "SEGUE_SEARCH"):
        monkeypatch.delenv(name, raising=False)
    for name, number in asked.items():
        monkeypatch.setenv(name, number)
    added: list[Any] = []
    item: Any = SimpleNamespace(add_marker=added.append)
    give_time([item])
    assert [(mark.name, mark.args) for mark in added] == [("timeout", limit) for limit in limits]
