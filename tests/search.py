"""How widely properties are searched for an example that breaks them.

The suite draws the same examples on the same code, so that it tells of a change what that change did.
`SEGUE_SEARCH=20 pytest tests` draws twenty times as many, other ones each time: what a night's search is for.
"""

from __future__ import annotations

import os

import hypothesis

_ASKED = os.environ.get("SEGUE_SEARCH")
#: Hypothesis's own number, of a property that names none.
_USUAL = 100


def examples(usual: int) -> int:
    """How many a property draws whose usual number this is."""
    return usual * int(_ASKED or 1)


def keep_one_search() -> None:
    """Set what all properties share.

    Machines differ by a factor of two from hour to hour: no test asserts seconds, these neither.
    """
    hypothesis.settings.register_profile(
        "segue", deadline=None, derandomize=_ASKED is None, max_examples=examples(_USUAL)
    )
    hypothesis.settings.load_profile("segue")
