"""How widely properties are searched for an example that breaks them.

The suite draws the same examples on the same code, so that it tells of a change what that change did.
`SEGUE_SEARCH=20 pytest tests` draws twenty times as many, other ones each time: what a night's search is for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import hypothesis
import pytest

_ASKED = os.environ.get("SEGUE_SEARCH")
#: Who sets one of these waits for an end that is hours away.
_WIDE = ("SEGUE_SEARCH", "SEGUE_SHOPS")
#: Hypothesis's own number, of a property that names none.
_USUAL = 100


def examples(usual: int) -> int:
    """How many a property draws whose usual number this is."""
    return usual * int(_ASKED or 1)


def give_time(items: Iterable[pytest.Item]) -> None:
    """Let a search that somebody asked for come to its end: it is no test that hangs, and none is stopped for it."""
    if any(os.environ.get(name) for name in _WIDE):
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


def keep_one_search() -> None:
    """Set what all properties share.

    Machines differ by a factor of two from hour to hour: no test asserts seconds, these neither.
    """
    hypothesis.settings.register_profile(
        "segue", deadline=None, derandomize=_ASKED is None, max_examples=examples(_USUAL)
    )
    hypothesis.settings.load_profile("segue")
