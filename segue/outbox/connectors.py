"""The one place that loads connectors (with `audiences`, later): by entry point, ours and strangers' alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from segue.contract import Channel, ConfigurationError, MessageConnector, OfferConnector
from segue.settings import Settings

GROUP = "segue.connectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectors:
    """Which connector serves which channel, and which makes codes known."""

    by_channel: Mapping[Channel, MessageConnector]
    offers: OfferConnector

    def close(self) -> None:
        """Close each once."""
        for connector in {id(one): one for one in self.by_channel.values()}.values():
            connector.close()


def load_connectors(settings: Settings) -> Connectors:
    """Make the connectors that `settings.connectors` names, each once.

    Raises ConfigurationError naming what is wrong and what there is.
    """
    made: dict[str, Any] = {}
    for name in settings.connectors.values():
        if name not in made:
            made[name] = _make(name, settings)
    by_channel = {Channel(channel): made[name] for channel, name in settings.connectors.items() if channel != "offers"}
    for channel, connector in by_channel.items():
        if channel not in connector.channels:
            raise ConfigurationError(f"the connector {connector.name} does not carry {channel}; see SEGUE_CONNECTORS")
    name = settings.connectors.get("offers", "files")
    offers = made.get(name) or _make(name, settings)
    if not isinstance(offers, OfferConnector):
        raise ConfigurationError("the connector named for offers cannot publish codes; see SEGUE_CONNECTORS")
    return Connectors(by_channel=by_channel, offers=offers)


def installed_connectors() -> dict[str, str]:
    """Every connector that could be named, and the package it comes from."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point.dist.name if point.dist is not None else "" for point in found}


def _make(name: str, settings: Settings) -> Any:
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise ConfigurationError(f"there is no connector {name}; installed are {', '.join(sorted(found))}")
    folders = {"files": settings.outbox, "offers_csv": settings.outbox, "print_insert": settings.print_folder}
    options: dict[str, Any] = {"folder": folders[name]} if name in folders else {}
    try:
        return found[name].load()(**options | settings.connector_options.get(name, {}))
    except TypeError as error:
        raise ConfigurationError(f"the connector {name} does not take these options: {error}") from None
