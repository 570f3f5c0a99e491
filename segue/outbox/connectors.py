"""The one place that loads connectors: by entry point, ours and strangers' alike."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from segue.contract import (
    AudienceConnector,
    CatalogueConnector,
    Channel,
    ConfigurationError,
    MessageConnector,
    OfferConnector,
)
from segue.settings import Settings

GROUP = "segue.connectors"
#: Connectors whose `folder` comes from a setting of Segue's own, by that setting's name.
OWN_FOLDERS = {"files": "outbox", "audiences_csv": "outbox", "offers_csv": "outbox", "print_insert": "print_folder"}

#: Lays out the product feed as a file, whichever ad platforms there are: most of them fetch it from an address.
FEED_FILE = "audiences_csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectors:
    """Which connector serves which channel, and which makes codes known."""

    by_channel: Mapping[Channel, MessageConnector]
    offers: OfferConnector
    #: The ad platforms that mirror audiences, by name.
    audiences: Mapping[str, AudienceConnector] = field(default_factory=dict)
    #: What is given the product feed, by name: the platforms that take one, and the file that the others fetch.
    feeds: Mapping[str, CatalogueConnector] = field(default_factory=dict)

    def close(self) -> None:
        """Close each once."""
        every: list[MessageConnector | AudienceConnector] = [*self.by_channel.values(), *self.audiences.values()]
        for connector in {id(one): one for one in every}.values():
            connector.close()


def load_connectors(settings: Settings) -> Connectors:
    """Make the connectors that `settings.connectors` names, each once; `audience` may name several: `meta,tiktok`.

    Raises ConfigurationError naming what is wrong and what there is.
    """
    made: dict[str, Any] = {}
    installed = {point.name: point for point in entry_points(group=GROUP)}
    platforms = _listed(settings.connectors.get(Channel.AUDIENCE, ""))
    single = {channel: name for channel, name in settings.connectors.items() if channel != Channel.AUDIENCE}
    for name in (*single.values(), *platforms):
        if name not in made:
            made[name] = _make(name, installed, settings)
    by_channel = {Channel(channel): made[name] for channel, name in single.items() if channel != "offers"}
    for channel, connector in by_channel.items():
        if channel not in connector.channels:
            raise ConfigurationError(f"the connector {connector.name} does not carry {channel}; see SEGUE_CONNECTORS")
    name = settings.connectors.get("offers", "files")
    offers = made.get(name) or _make(name, installed, settings)
    if not isinstance(offers, OfferConnector):
        raise ConfigurationError("the connector named for offers cannot publish codes; see SEGUE_CONNECTORS")
    for name in platforms:
        if not isinstance(made[name], AudienceConnector):
            raise ConfigurationError(f"the connector {name} keeps no audiences; see SEGUE_CONNECTORS")
    file = made.get(FEED_FILE) or _make(FEED_FILE, installed, settings)
    feeds = {name: made[name] for name in platforms if isinstance(made[name], CatalogueConnector)}
    return Connectors(
        by_channel=by_channel,
        offers=offers,
        audiences={name: made[name] for name in platforms},
        feeds={**feeds, FEED_FILE: file},
    )


def _listed(names: str) -> list[str]:
    return list(dict.fromkeys(name for part in names.split(",") if (name := part.strip())))


def installed_connectors() -> dict[str, str]:
    """Every connector that could be named, and the package it comes from."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point.dist.name if point.dist is not None else "" for point in found}


def keeps_a_spool(name: str) -> bool:
    """True where the installed connector `name` prints only when a print run asks; it is looked at, not made."""
    for point in entry_points(group=GROUP):
        if point.name == name:
            try:
                return hasattr(point.load(), "close_spool")
            except Exception:  # noqa: BLE001 - what cannot be loaded can print nothing either
                return False
    return False


def _make(name: str, found: Mapping[str, EntryPoint], settings: Settings) -> Any:
    if name not in found:
        raise ConfigurationError(f"there is no connector {name}; installed are {', '.join(sorted(found))}")
    options: dict[str, Any] = {"folder": getattr(settings, OWN_FOLDERS[name])} if name in OWN_FOLDERS else {}
    options |= settings.connector_options.get(name, {})
    try:
        kind = found[name].load()
        _check_options(name, kind, options)
        return kind(**options)
    except ImportError as error:
        raise ConfigurationError(f"the connector {name} cannot be loaded: {error}; install its package") from error
    except TypeError as error:
        raise ConfigurationError(f"the connector {name} does not take these options: {error}") from None


def _check_options(name: str, kind: Any, options: Mapping[str, Any]) -> None:
    """Raise ConfigurationError naming each option that is unknown or lacks. No value is told: some are secrets."""
    takes = inspect.signature(kind).parameters
    if any(one.kind is one.VAR_KEYWORD for one in takes.values()):
        return
    cure = f"see {name} in SEGUE_CONNECTOR_OPTIONS, and `segue connectors` for what it takes"
    if unknown := sorted(options.keys() - takes.keys()):
        raise ConfigurationError(f"the connector {name} does not take these options: {', '.join(unknown)}; {cure}")
    if lacking := [one.name for one in takes.values() if one.default is one.empty and one.name not in options]:
        raise ConfigurationError(f"the connector {name} lacks these options: {', '.join(lacking)}; {cure}")
