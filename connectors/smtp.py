"""E-mail through any SMTP server: kept connections, pipelined envelopes, and an honest word about every message.

This file owns the settings and the kept connections; `smtp_delivery` a batch's order of events, `smtp_line` one
connection, `smtp_open` its beginning, `smtp_replies` the meaning of answers. When to try again is the outbox's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.smtp_delivery import Delivery
from connectors.smtp_line import Line
from connectors.smtp_open import Server
from segue.contract import (
    Capabilities,
    Channel,
    ConfigurationError,
    ConnectorError,
    EmailContent,
    Leaving,
    Message,
    Result,
    UnsupportedError,
)

_WINDOW = 500
#: A further connection is worth its greeting from this many messages on.
_WORTH_A_CONNECTION = 8


class SmtpConnector:
    """Hands mails to one SMTP server. One instance is used by one thread at a time.

    `timeout` is in seconds and bounds each silence. `ssl` is TLS from the first byte (port 465) and makes
    `starttls` moot. `messages_per_connection` (0: no limit) is for servers that count; Yahoo's count to 20.
    Raises ConfigurationError for settings that cannot work.
    """

    name = "smtp"
    channels = frozenset({Channel.EMAIL})
    #: A whole batch may be marked at once. On the wire there is one end of data a connection, and one more
    #: may be answered while its result waits to be read.
    capabilities = Capabilities(max_batch=_WINDOW, window=_WINDOW)

    def __init__(
        self,
        *,
        host: str,
        port: int = 587,
        username: str = "",
        password: str = "",
        starttls: bool = True,
        ssl: bool = False,
        ca_file: str = "",
        hello: str = "",
        connections: int = 4,
        messages_per_connection: int = 0,
        timeout: float = 30.0,
    ) -> None:
        if not 1 <= connections <= _WINDOW // 2:
            raise ConfigurationError(f"the smtp connector's connections must lie between 1 and {_WINDOW // 2}")
        if timeout <= 0 or messages_per_connection < 0:
            raise ConfigurationError(
                "the smtp connector's timeout must be positive, its messages_per_connection not negative"
            )
        self._server = Server(
            host=host,
            port=port,
            username=username,
            password=password,
            starttls=starttls,
            tls=ssl,
            ca_file=ca_file,
            hello=hello,
            timeout=timeout,
            most=messages_per_connection,
        )
        self._connections = connections
        self._kept: list[Line] = []

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Send `batch`, yielding results in the order of the server's answers.

        Raises TransientError or ConfigurationError only while no result has been yielded; UnsupportedError,
        before anything is written, for a message that is no e-mail.
        """
        if any(not isinstance(message.content, EmailContent) for message in batch):
            raise UnsupportedError("the smtp connector carries e-mail only")
        if not batch:
            return
        wanted = min(self._connections, -(-len(batch) // _WORTH_A_CONNECTION))
        lines = self._lines(wanted)
        try:
            yield from Delivery(batch, leaving, lines, self._server).run()
        finally:
            for line in lines:
                if line.busy or line.used_up:
                    line.close(politely=True)
                else:
                    line.stale = True
                    self._kept.append(line)

    def close(self) -> None:
        """Say good-bye on every kept connection; safe to call twice."""
        while self._kept:
            self._kept.pop().close(politely=True)

    def _lines(self, wanted: int) -> list[Line]:
        """Kept connections first, then new ones; fewer than wanted if the server will not have more."""
        lines = [self._kept.pop() for _ in range(min(wanted, len(self._kept)))]
        while len(lines) < wanted:
            try:
                lines.append(self._server.open())
            except ConnectorError:
                if not lines:
                    raise
                break
        return lines
