"""The shapes a connector has. Protocols: nothing to inherit, nothing to register but an entry point.

A message goes to a person, an audience is a set, a page is spooled until its run is closed, and a
code must be known where it is spent: four shapes, because they fail in four ways.

All connectors: constructor with keyword-only settings; never retry, never sleep, never log an address,
never read the environment. Network connectors take a `base_url` (or host and port), so that official
specifications and SDK judges can be pointed at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from segue.contract.types import (
    AudienceChange,
    Capabilities,
    CatalogueItem,
    Channel,
    Cost,
    Key,
    Message,
    Redemption,
    Result,
    Voucher,
)

Leaving = Callable[[Key], None]
"""Called with a message's key just before its bytes leave; the outbox writes it to its journal."""


@runtime_checkable
class MessageConnector(Protocol):
    """Speaks to one provider that carries messages to people."""

    name: str
    channels: frozenset[Channel]
    capabilities: Capabilities

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Hand over `batch` (at most `capabilities.max_batch`) and yield one result per message as answers come.

        Raises a `ConnectorError` only while nothing of the batch has been accepted.
        """

    def close(self) -> None:
        """Let go of connections and files; safe to call twice."""


@runtime_checkable
class PricedConnector(Protocol):
    """A message connector that knows its prices; any may be one, none has to."""

    def cost(self, message: Message) -> Cost | None:
        """What handing `message` over will cost, None where it is not known.

        Asked before every hand-over, and in previews about messages that never leave: it asks nobody and never raises.
        """


@runtime_checkable
class PrintConnector(Protocol):
    """A message connector whose `send` spools pages by key: accepted means spooled, again is once."""

    name: str
    channels: frozenset[Channel]
    capabilities: Capabilities

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Spool `batch`, one page a key.

        What an accepted page is called (`provider_id`) is its location, a `/` and whatever tells pages apart: print
        runs ask for the pages of a place by that name.
        """

    def close_spool(self, location: str, keep: Sequence[Key], *, name: str) -> Sequence[Path]:
        """Print the pages of `keep`, in that order, for one location; return the files made, the pages first.

        `name` names this run's files; the same name again makes them anew. Pages stay in the spool, to be
        printed again. Raises UnsupportedError, saying how many, if keys of `keep` are not spooled; then nothing
        is printed.
        """

    def reprint(self, keys: Sequence[Key], *, name: str) -> Path:
        """Print the pages of `keys`, as they were first spooled, any time later, from whatever location."""

    def close(self) -> None:
        """Let go of files; safe to call twice."""


@runtime_checkable
class AudienceConnector(Protocol):
    """Mirrors sets of people in an ad platform."""

    name: str
    #: `max_batch`: most members one `sync` call takes, added and removed together; the connector splits further.
    #: A call should be through within a minute or two: where removals are slow, `max_removals` keeps them few.
    capabilities: Capabilities
    #: The kinds of identifiers it sends, of `IDENTIFIER_KINDS`, in the order an audience is made with.
    fields: tuple[str, ...]

    def ensure(self, name: str, description: str) -> str:
        """Return the platform's id of the audience called `name`, which is made there if it is missing.

        Asking twice, or in two processes one after the other, is making once: look for it by its name first.
        Raises as `sync` does.
        """

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        """Apply a difference, removals before additions; applying it twice is applying it once.

        One result per member, by its key. Accepted: the platform took it, whether or not it knows such a person; also
        for removing somebody who is not there. A member that it can do nothing with (no address, or one that is none)
        is rejected when added, with a reason, and costs the others nothing. Deferred: nothing was changed. Uncertain:
        nobody knows; the very same is asked again later.

        Errors as by `send`: raised only while nothing has been accepted. A RejectedError whose reason is
        `AUDIENCE_GONE` says that the platform has no such audience: it is made anew and filled again.
        Fields that the connector does not send are an UnsupportedError, before anything leaves.
        """

    def close(self) -> None:
        """Let go of connections and files; safe to call twice."""


@runtime_checkable
class CatalogueConnector(Protocol):
    """Makes the product feed known to an ad platform, or lays it where a platform fetches it."""

    name: str

    def publish_feed(self, items: Iterable[CatalogueItem]) -> int:
        """Replace the whole feed by `items`; return how many it now has. Readers see the old feed or the new one.

        What is not among `items` is no longer shown. Raises as `send` does.
        """


@runtime_checkable
class OfferConnector(Protocol):
    """Makes codes known where they are spent."""

    name: str

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Make the codes known; one result per voucher, by its key. Publishing twice is publishing once.

        Deferred (`pending`, say) means that the code is not usable yet: publish it again, later, until it is
        accepted. A withdrawn code is rejected; it never comes back to life. Errors are raised as by `send`.
        """

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Make the codes worthless for good; yield each of which that is certain, known to the shop before or not.

        What is not yielded is not worthless yet: withdraw it again, later.
        """

    def redemptions(self) -> Iterator[Redemption]:
        """Yield what the shop says was used: all it knows, each time, each use of a code in an order once."""
