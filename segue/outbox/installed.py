"""What is installed that could be named in the settings, described without making any of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from segue.contract import ConfigurationError
from segue.outbox.connectors import GROUP, OWN_FOLDERS

#: What a class can do, by a method that only such a connector has.
_SHAPES = {"sync": "audience", "publish": "offers", "publish_feed": "catalogue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One keyword setting of a connector."""

    name: str
    #: As Python writes it; None if it must be given.
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A connector that an entry point names."""

    name: str
    package: str
    #: Channels, `audience`, `offers` and `catalogue`.
    carries: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    #: Why it cannot be used yet, and what to do.
    trouble: str | None = None


def describe_connectors() -> list[Installed]:
    """Every connector that could be named, by name. One that cannot be loaded hides no other."""
    return [_describe(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)]


def _describe(point: EntryPoint) -> Installed:
    package = point.dist.name if point.dist is not None else ""
    try:
        made = point.load()
    except ConfigurationError as error:
        return Installed(name=point.name, package=package, trouble=str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's package may fail in any way
        trouble = f"cannot be loaded ({type(error).__name__}: {error}); install {package or 'its package'} again"
        return Installed(name=point.name, package=package, trouble=trouble)
    channels = sorted(str(channel) for channel in getattr(made, "channels", ()))
    shapes = [shape for method, shape in _SHAPES.items() if hasattr(made, method)]
    return Installed(
        name=point.name,
        package=package,
        carries=tuple(dict.fromkeys([*channels, *shapes])),
        settings=tuple(one for one in _settings(made) if not (one.name == "folder" and point.name in OWN_FOLDERS)),
    )


def _settings(made: Any) -> Iterator[Setting]:
    """The keywords of its constructor that a file of settings can hold, those that must be given first."""
    given = [one for one in inspect.signature(made).parameters.values() if one.kind is one.KEYWORD_ONLY]
    for one in sorted(given, key=lambda one: one.default is not one.empty):
        if one.default is one.empty:
            yield Setting(name=one.name, default=None)
        elif isinstance(one.default, str | int | float | bool):
            yield Setting(name=one.name, default=repr(one.default))
