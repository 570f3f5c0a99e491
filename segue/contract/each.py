"""`send_each`: turns a provider that takes one message a call into a connector that takes a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from segue.contract.errors import (
    ConfigurationError,
    ConnectorError,
    RejectedError,
    TransientError,
    UncertainError,
    UnsupportedError,
)
from segue.contract.protocols import Leaving
from segue.contract.types import Message, Result, deferred, rejected, uncertain


def send_each(
    batch: Sequence[Message],
    leaving: Leaving,
    send_one: Callable[[Message], Result],
) -> Iterator[Result]:
    """Send one by one, so that an error at the tenth call loses none of the nine answers before it.

    A `RejectedError` or `UncertainError` from `send_one` is that message's fate. A `TransientError` or
    `ConfigurationError` stops the batch: raised while nothing was accepted, else the rest is deferred.
    """
    answered_any = False
    for position, message in enumerate(batch):
        leaving(message.key)
        try:
            result = send_one(message)
        except RejectedError as error:
            result = rejected(message.key, error.reason)
        except UncertainError:
            result = uncertain(message.key, "no_answer")
        except (TransientError, ConfigurationError, UnsupportedError) as error:
            if not answered_any:
                raise
            yield from (deferred(m.key, reason_of(error), retry_after_of(error)) for m in batch[position:])
            return
        answered_any = True
        yield result


def reason_of(error: ConnectorError) -> str:
    """The machine-readable word for an error that stopped a batch."""
    if isinstance(error, RejectedError):
        return error.reason
    return {
        TransientError: "unreachable",
        UncertainError: "no_answer",
        ConfigurationError: "configuration",
        UnsupportedError: "unsupported",
    }.get(type(error), "error")


def retry_after_of(error: ConnectorError) -> timedelta | None:
    """The provider's wish about when to come back, if it gave one."""
    return error.retry_after if isinstance(error, TransientError) else None
