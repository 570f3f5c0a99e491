"""Giving a window to a connector: whatever it does, every key has an answer afterwards.

A refusal of a whole batch is believed only for a batch of one. An error that says *nothing was sent* ends the window:
what the connector was not even asked about keeps its attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from segue.contract import (
    ConfigurationError,
    ConnectorError,
    Key,
    Message,
    MessageConnector,
    RejectedError,
    Result,
    TransientError,
    UncertainError,
    UnsupportedError,
    deferred,
    reason_of,
    rejected,
    retry_after_of,
    uncertain,
)
from segue.outbox.journal import Journal


@dataclass(slots=True)
class Sent:
    """What became of one window."""

    results: dict[Key, Result] = field(default_factory=dict)
    #: Keys the connector was never asked about.
    untried: set[Key] = field(default_factory=set)
    #: Why the connector must stand still, if it said so.
    misconfigured: str | None = None


def send(window: Sequence[Message], connector: MessageConnector, journal: Journal) -> Sent:
    """Give `window` to `connector` in batches it takes, and return an answer for every key."""
    sent = Sent()
    size = connector.capabilities.max_batch
    waiting = [window[start : start + size] for start in range(0, len(window), size)][::-1]
    stopped: TransientError | ConfigurationError | None = None
    while waiting:
        batch = waiting.pop()
        if stopped is not None:
            sent.untried |= {message.key for message in batch}
            sent.results |= {m.key: deferred(m.key, reason_of(stopped), retry_after_of(stopped)) for m in batch}
            continue
        call = _Call(batch, connector, journal)
        sent.results |= call.results
        again = call.worth_asking_again()
        if again:
            middle = len(again) // 2
            waiting += [again[middle:], again[:middle]]
        settled = {message.key for message in again}
        sent.results |= {m.key: call.fate(m.key) for m in batch if m.key not in call.results and m.key not in settled}
        if isinstance(call.error, TransientError | ConfigurationError):
            stopped = call.error
    if isinstance(stopped, ConfigurationError):
        sent.misconfigured = str(stopped)
    elif any(result.reason == "configuration" for result in sent.results.values()):
        sent.misconfigured = f"the connector {connector.name} cannot send with its present settings"
    return sent


class _Call:
    """One call of `connector.send` and everything that happened in it."""

    def __init__(self, batch: Sequence[Message], connector: MessageConnector, journal: Journal) -> None:
        self.results: dict[Key, Result] = {}
        self.error: ConnectorError | None = None
        self._batch = batch
        self._left: set[Key] = set()
        self._is_bug = False

        def leaving(key: Key) -> None:
            journal.leaving(key)
            self._left.add(key)

        try:
            for result in connector.send(batch, leaving):
                self.results[result.key] = result
                journal.answered(result)
        except ConnectorError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - a bug in a connector must not lose what became of the others
            self.error = UncertainError(f"the connector {connector.name} broke: {type(error).__name__}")
            self._is_bug = True

    def worth_asking_again(self) -> Sequence[Message]:
        """What is asked again at once in smaller batches, so that one message's fault stays its own."""
        if self._is_bug:
            unsent = [m for m in self._batch if m.key not in self._left and m.key not in self.results]
            return unsent if len(unsent) > 1 else ()
        if isinstance(self.error, RejectedError | UnsupportedError) and not self.results and len(self._batch) > 1:
            return self._batch
        return ()

    def fate(self, key: Key) -> Result:
        """The fate of a message that was given no answer."""
        error, has_left = self.error, key in self._left
        if isinstance(error, RejectedError | UnsupportedError) and len(self._batch) == 1:
            return rejected(key, reason_of(error))
        if isinstance(error, UncertainError) and not self._left and not self._is_bug:
            return uncertain(key, "no_answer")  # it forgot to say what left; the error says that something did
        if error is None or isinstance(error, UncertainError) or self.results:
            # What left may have arrived. Errors that promise *nothing was sent* do so only before the first answer.
            return uncertain(key, "no_answer") if has_left else deferred(key, "unsent", _wait(error))
        return deferred(key, reason_of(error), retry_after_of(error))


def _wait(error: ConnectorError | None) -> timedelta | None:
    return None if error is None else retry_after_of(error)
