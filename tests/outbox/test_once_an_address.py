"""Two people may share a mailbox: their messages never leave side by side."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from segue.outbox.worker import once_an_address


def named(*addresses: str) -> list[Any]:
    return [SimpleNamespace(message=SimpleNamespace(address=address)) for address in addresses]


def test_nobody_stands_twice_in_a_share_and_nobody_is_lost() -> None:
    shares = once_an_address(named("a", "b", "a", "c", "a", "b"))
    assert [[one.message.address for one in share] for share in shares] == [["a", "b", "c"], ["a", "b"], ["a"]]


def test_paper_has_no_address_and_stays_together() -> None:
    assert [len(share) for share in once_an_address(named("", "", ""))] == [3]
    assert once_an_address([]) == []
