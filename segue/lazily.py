"""Packages that load a part of theirs when somebody asks for a name of it (PEP 562), and not all parts at once.

`from segue.intake import IntakeError` loads the errors, not every format of every system. `segue.contract`,
`segue.intake`, `segue.render` and `segue.service` do it with what is large and seldom asked for. Each writes such
imports for type checkers, and hands this module the same names by the module they are in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, parts: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of `package`: each name is found in the module that lists it."""
    homes = {name: module for module, names in parts.items() for name in names}

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find
