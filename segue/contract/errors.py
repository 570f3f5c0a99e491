"""Errors, sorted by what the caller does next.

    ConnectorError
    ├── TransientError      nothing was sent; try the batch again, after `retry_after` if given
    ├── UncertainError      it may have been sent; never repeat blindly
    ├── RejectedError       the provider refused this recipient or this content, for good
    ├── UnsupportedError    we asked for what this connector cannot express; raised before any network
    └── ConfigurationError  key, sender or account is wrong; pause the channel, burn no attempts

An exception concerns the whole batch and is raised only while nothing has been accepted.
Once one message was accepted, the others come back as results. A text names the provider
and the cure, never a key, an address, a phone number or a name.
"""

from __future__ import annotations

from datetime import timedelta


class ConnectorError(Exception):
    """A connector could not do what it was asked."""


class TransientError(ConnectorError):
    """Nothing was sent; the provider is busy, throttling or unreachable."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UncertainError(ConnectorError):
    """The bytes left and no answer came; the batch may have been sent."""


class RejectedError(ConnectorError):
    """The provider refused, and will refuse again."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnsupportedError(ConnectorError):
    """The message asks for something this connector cannot express; nothing left."""


class ConfigurationError(ConnectorError):
    """The connector's own settings are wrong, so no message can leave; nothing was sent."""
