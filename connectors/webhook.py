"""Posts messages and audience changes as signed JSON to an address of the shop's own: for what has no connector yet.

This file owns the settings and the order of events; `webhook_body` and `webhook_members` say what is posted and how
answers are read, `webhook_line` what a status or a silence means, `segue.contract.signing` how requests are signed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from connectors.webhook_body import SCHEMA_VERSION, idempotency_key, members_body, messages_body, results
from connectors.webhook_line import Line, address
from connectors.webhook_members import FIELDS, member, require_fields
from segue.contract import (
    AudienceChange,
    Capabilities,
    Channel,
    ConfigurationError,
    ConnectorError,
    Key,
    Leaving,
    Members,
    Message,
    Outcome,
    Result,
    UncertainError,
    accepted,
    deferred,
    reason_of,
    rejected,
    retry_after_of,
    uncertain,
)
from segue.contract.signing import SIGNATURE_HEADER, sign

_LARGEST_BATCH = 500
_SHORTEST_SECRET = 16


class WebhookConnector:
    """Posts to one address, over one kept connection. One instance is used by one thread at a time.

    `url` is https, or http on this machine itself. `secret` signs; several, separated by spaces, while they are
    changed. `batch` is the most messages one request holds, `timeout` the seconds a silence may last. `idempotent`
    says that the receiver promises to take a key once. `base_url` replaces the host of `url`. `ca_file` names
    certificates to trust instead of the system's. Raises ConfigurationError for settings that cannot work.
    """

    name = "webhook"
    channels = frozenset({Channel.EMAIL, Channel.SMS, Channel.PRINT})
    fields = FIELDS

    def __init__(
        self,
        *,
        url: str,
        secret: str,
        batch: int = 100,
        timeout: float = 10.0,
        idempotent: bool = False,
        base_url: str = "",
        ca_file: str = "",
        seconds: Callable[[], float] = time.time,
    ) -> None:
        target = address(url, "url")
        self._secrets = tuple(secret.split())
        if not self._secrets or any(len(one) < _SHORTEST_SECRET for one in self._secrets):
            raise ConfigurationError(
                f"the webhook connector's secret has at least {_SHORTEST_SECRET} characters; make one with"
                " `openssl rand -hex 32`, and separate several by spaces"
            )
        if not 1 <= batch <= _LARGEST_BATCH or timeout <= 0:
            raise ConfigurationError(
                f"the webhook connector's batch lies between 1 and {_LARGEST_BATCH}, its timeout above 0 seconds"
            )
        self.capabilities = Capabilities(max_batch=batch, window=batch, idempotent=idempotent)
        self._path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        self._line = Line(address(base_url, "base_url") if base_url else target, ca_file=ca_file, timeout=timeout)
        self._seconds = seconds

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Post `batch` as one request and yield what the answer says of each message.

        Whatever concerns the request as a whole is raised, and then nothing was accepted.
        """
        if not batch:
            return
        body = messages_body(batch)
        self._line.open()
        for message in batch:
            leaving(message.key)
        yield from self._post(body, [message.key for message in batch])

    def ensure(self, name: str, description: str) -> str:  # noqa: ARG002 - the receiver is told of it with its members
        """An audience is known by its name; the receiver makes it when it is first told of."""
        return name

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        """Post who goes, then who comes, as a request each. Whom nobody could name is not posted."""
        require_fields(change)
        trouble: ConnectorError | None = None
        is_told = False
        for action, members in (("remove", change.remove), ("add", change.add)):
            keys = [key for key, _ in members]
            if trouble is not None:
                yield from (deferred(key, reason_of(trouble), retry_after_of(trouble)) for key in keys)
                continue
            try:
                for result in self._change(change, action, members):
                    is_told = is_told or result.outcome is Outcome.ACCEPTED
                    yield result
            except ConnectorError as error:
                if not is_told:
                    raise
                trouble = error
                is_lost = isinstance(error, UncertainError)
                yield from (
                    uncertain(key, "no_answer") if is_lost else deferred(key, reason_of(error), retry_after_of(error))
                    for key in keys
                )

    def close(self) -> None:
        """Hang up; the next request opens the line again."""
        self._line.close()

    def _change(self, change: AudienceChange, action: str, members: Members) -> Iterator[Result]:
        known = [(key, said) for key, one in members if (said := member(change, one)) is not None]
        answers: list[Result] = []
        if known:
            body = members_body(change, action, known)
            self._line.open()
            answers = list(self._post(body, [key for key, _ in known]))
        named = {key for key, _ in known}
        nameless = [key for key, _ in members if key not in named]
        yield from answers
        yield from (accepted(key) if action == "remove" else rejected(key, "invalid_entry") for key in nameless)

    def _post(self, body: bytes, keys: Sequence[Key]) -> Iterator[Result]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "segue",
            "Segue-Version": str(SCHEMA_VERSION),
            "Idempotency-Key": idempotency_key(keys),
            # The clock that counts is the receiver's; a virtual one would make every request look old.
            SIGNATURE_HEADER: sign(body, secrets=self._secrets, at=int(self._seconds())),
        }
        yield from results(keys, self._line.post(self._path, body, headers))
