"""E-mail through SendGrid's Mail Send API, on its official SDK: up to 1,000 people a request.

This file owns the settings and a batch's order of events; `sendgrid_plan` who shares a request, `sendgrid_request` what
is in it, `sendgrid_shapes` how many mails become one text with substitutions, `sendgrid_line` the connection,
`sendgrid_answers` the meaning of answers. Accepted means queued at SendGrid; its event webhook tells what became of a
mail.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from sendgrid import SendGridAPIClient

from connectors.sendgrid_answers import Answer, Refused, Taken, understand
from connectors.sendgrid_line import KeptClient, Line
from connectors.sendgrid_plan import plan
from connectors.sendgrid_request import MOST_PEOPLE, Request
from segue.contract import (
    Capabilities,
    Channel,
    ConfigurationError,
    Key,
    Leaving,
    Message,
    Result,
    TransientError,
    UncertainError,
    accepted,
    deferred,
    reason_of,
    rejected,
    retry_after_of,
    uncertain,
)

_REGIONS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
#: SendGrid takes less than 30 MB a mail; its requests stay well below.
_MOST_BYTES = 19_000_000
_HERE = {"127.0.0.1", "::1", "localhost"}


class SendgridConnector:
    """Hands mails to SendGrid. One instance is used by one thread at a time.

    `region` is `global` or `eu`; `base_url`, if given, counts instead. With `sandbox` SendGrid checks every request
    and delivers nothing. `timeout` is in seconds and bounds each silence. `people_per_request` is at most 1,000.
    Raises ConfigurationError for settings that cannot work.
    """

    name = "sendgrid"
    channels = frozenset({Channel.EMAIL})
    #: One request is under way at a time, with a thousand people at most.
    capabilities = Capabilities(max_batch=MOST_PEOPLE, window=MOST_PEOPLE)

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "",
        region: str = "global",
        sandbox: bool = False,
        timeout: float = 30.0,
        people_per_request: int = MOST_PEOPLE,
    ) -> None:
        if not re.fullmatch(r"[!-~]+", api_key):
            raise ConfigurationError("the sendgrid connector needs an `api_key`, without blanks")
        if region not in _REGIONS:
            raise ConfigurationError("the sendgrid connector's region is `global` or `eu`")
        if not 1 <= people_per_request <= MOST_PEOPLE or timeout <= 0:
            raise ConfigurationError(
                f"the sendgrid connector's people_per_request lies between 1 and {MOST_PEOPLE}, its timeout above 0"
            )
        host = (base_url or _REGIONS[region]).rstrip("/")
        url = urlsplit(host)
        if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and url.hostname in _HERE)):
            raise ConfigurationError(
                "the sendgrid connector's base_url must be an https address (http on this machine)"
            )
        self._sandbox = sandbox
        self._most = people_per_request
        self._line = Line(host, timeout)
        sdk = SendGridAPIClient(api_key, host=host)
        sdk.client = KeptClient(self._line, host=host, version=3, request_headers=sdk.client.request_headers)
        self._mail_send = sdk.client.mail.send

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Send `batch` request by request, yielding results after each answer.

        A refused request is taken apart until the refusal is one message's; what was not at fault leaves without it.
        Raises TransientError or ConfigurationError only while no result has been yielded; UnsupportedError, before
        anything is written, for a message that is no e-mail.
        """
        requests, refused = plan(batch, self._most)
        waiting = deque(requests)
        announced: set[Key] = set()
        has_answered = False
        while waiting:
            request = waiting.popleft()
            try:
                verdict = self._ask(request, leaving, announced)
            except UncertainError as error:
                yield from (uncertain(key, "no_answer") for key in request.keys)
                # Whoever would be asked next may not answer either: one request in doubt is enough.
                yield from _put_off(waiting, TransientError(str(error)))
                break
            except (TransientError, ConfigurationError) as error:
                if not has_answered:
                    raise
                yield from _put_off([request, *waiting], error)
                break
            if isinstance(verdict, Taken):
                yield from (accepted(key, verdict.provider_id) for key in request.keys)
                has_answered = True
                continue
            for part in _taken_apart(request, verdict):
                if isinstance(part, Result):
                    yield part
                    has_answered = True
                else:
                    waiting.appendleft(part)
        yield from refused

    def close(self) -> None:
        """Hang up; safe to call twice."""
        self._line.close()

    def _ask(self, request: Request, leaving: Leaving, announced: set[Key]) -> Taken | Refused:
        """Post one request and say what its answer means; raises as `understand` and `Line` do."""
        payload = request.payload(sandbox=self._sandbox)
        if len(payload) > _MOST_BYTES:
            return Refused({}, "message_too_big")
        self._line.open()
        for key in request.keys:
            if key not in announced:  # a request that is asked again in parts has told the journal already
                announced.add(key)
                leaving(key)
        answer: Answer = self._mail_send.post(request_body=payload)
        return understand(answer, sandbox=self._sandbox)


def _taken_apart(request: Request, refused: Refused) -> Iterator[Request | Result]:
    """Reject the messages a refusal names and let the others try again; name none, and the halves try, last first."""
    letters = request.letters
    named = {number: reason for number, reason in refused.named.items() if number < len(letters)}
    if len(letters) == 1:
        yield rejected(letters[0].message.key, refused.reason)
    elif named:
        yield from (rejected(letters[number].message.key, reason) for number, reason in sorted(named.items()))
        if others := [letter for number, letter in enumerate(letters) if number not in named]:
            yield Request(request.common, others)
    else:
        yield from reversed(request.halves())


def _put_off(requests: Iterable[Request], error: TransientError | ConfigurationError) -> Iterator[Result]:
    """Everything in `requests`, to be tried again."""
    for request in requests:
        yield from (deferred(key, reason_of(error), retry_after_of(error)) for key in request.keys)
