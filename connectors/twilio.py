"""Text messages through Twilio, by its official SDK: one request a message, several in flight.

This file owns the settings and what Twilio's specification does not check; `twilio_flight` has the requests in flight,
`twilio_line` one connection, `twilio_answers` the meaning of answers, `twilio_prices` what it costs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from connectors.twilio_answers import Fate
from connectors.twilio_flight import Flight
from connectors.twilio_line import Account
from connectors.twilio_prices import PriceList
from segue.contract import (
    Capabilities,
    Channel,
    ConfigurationError,
    ConnectorError,
    Cost,
    Leaving,
    Message,
    Result,
    SmsContent,
    UnsupportedError,
    deferred,
    reason_of,
    rejected,
    retry_after_of,
)

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_WORD = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_SID = {kind: re.compile(kind + "[0-9a-fA-F]{32}") for kind in ("AC", "MG", "SK")}
_LONGEST_TEXT = 1_600  # UTF-16 units
_LONGEST_VALIDITY = 36_000  # seconds that Twilio keeps a message
#: A message says when it was judged, which was some seconds ago; and the way to the phone takes some more.
_LEEWAY = timedelta(seconds=5)
_MOST_CONNECTIONS = 100


class TwilioConnector:
    """Hands text messages to Twilio. One instance is used by one thread at a time.

    Exactly one of `messaging_service` (MG...) and `from_number` sends. The key is `auth_token`, or `api_key` (SK...)
    with `api_secret`. `pace_per_second` is in segments, over all workers: 1 is what a US long code takes; 0 is no
    limit. `timeout` is in seconds and bounds each silence. Prices are as in `PriceList`. Raises ConfigurationError,
    naming the option, for settings that cannot work.
    """

    name = "twilio"
    channels = frozenset({Channel.SMS})

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str = "",
        api_key: str = "",
        api_secret: str = "",
        messaging_service: str = "",
        from_number: str = "",
        status_callback: str = "",
        pace_per_second: float = 1.0,
        price_per_segment: str | float = "",
        prices: str = "",
        currency: str = "USD",
        connections: int = 8,
        timeout: float = 30.0,
        base_url: str = "https://api.twilio.com",
    ) -> None:
        _check_sender(messaging_service, from_number)
        _check_key(account_sid, auth_token, api_key, api_secret)
        for option, url, schemes in (
            ("base_url", base_url, {"https", "http"}),
            ("status_callback", status_callback or "https://example.com", {"https", "http"}),
        ):
            host = urlsplit(url).hostname
            if urlsplit(url).scheme not in schemes or not host or (option == "status_callback" and "_" in host):
                raise ConfigurationError(f"the twilio connector's {option} is no web address that Twilio takes")
        if not 1 <= connections <= _MOST_CONNECTIONS:
            raise ConfigurationError(f"the twilio connector's connections lie between 1 and {_MOST_CONNECTIONS}")
        if timeout <= 0 or pace_per_second < 0:
            raise ConfigurationError("the twilio connector's timeout is positive, its pace_per_second not negative")
        self._sender = {"messaging_service_sid": messaging_service} if messaging_service else {"from_": from_number}
        if status_callback:
            self._sender["status_callback"] = status_callback
        self._prices = PriceList(price=price_per_segment, prices=prices, currency=currency)
        self.capabilities = Capabilities(
            max_batch=connections, window=connections, pace_per_second=pace_per_second or None
        )
        account = Account(
            base_url=base_url,
            account_sid=account_sid,
            username=api_key or account_sid,
            password=api_secret if api_key else auth_token,
            timeout=timeout,
        )
        self._flight = Flight(account, connections)

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Send `batch`, yielding results in the order of Twilio's answers.

        Raises TransientError or ConfigurationError only while no result has been yielded; UnsupportedError, before
        anything leaves, for a message that is no text message.
        """
        if any(not isinstance(message.content, SmsContent) for message in batch):
            raise UnsupportedError("the twilio connector carries text messages only")
        began = time.monotonic()
        unsent: list[tuple[Message, ConnectorError]] = []
        bug: Exception | None = None
        answered = False

        def compose(message: Message) -> Mapping[str, object] | Fate:
            return self._request(message, timedelta(seconds=time.monotonic() - began))

        for landed in self._flight.fly(batch, leaving, compose):
            bug = bug or landed.bug
            if isinstance(landed.fate, Result):
                answered = True
                yield landed.fate
            elif landed.fate is not None:
                unsent.append((landed.message, landed.fate))
        if bug is not None:
            raise bug
        if unsent and not answered:
            raise next((error for _, error in unsent if isinstance(error, ConfigurationError)), unsent[0][1])
        for message, error in unsent:
            yield deferred(message.key, reason_of(error), retry_after_of(error))

    def cost(self, message: Message) -> Cost | None:
        """What Twilio will charge for `message` by the shop's price list; None where it has no price."""
        content = message.content
        return self._prices.cost(message.address, content.segments) if isinstance(content, SmsContent) else None

    def close(self) -> None:
        """Hang up; safe to call twice."""
        self._flight.close()

    def _request(self, message: Message, elapsed: timedelta) -> Mapping[str, object] | Fate:
        """What to ask of Twilio, or why it would be asked in vain; `elapsed` has passed since `send` was called."""
        text = message.content.text if isinstance(message.content, SmsContent) else ""
        if not _E164.fullmatch(message.address):
            return rejected(message.key, "number_malformed")
        if not text.strip():
            return rejected(message.key, "content_malformed")
        try:
            size = len(text.encode("utf-16-le")) // 2
        except UnicodeEncodeError:
            return rejected(message.key, "content_malformed")
        if size > _LONGEST_TEXT:
            return rejected(message.key, "content_too_long")
        request: dict[str, object] = {"to": message.address, "body": text, **self._sender}
        if message.valid_until is not None:
            left = message.valid_until - message.at - elapsed
            if left < timedelta(seconds=1):
                return rejected(message.key, "too_late")
            # A duration, so no clock is read: neither the machine's, nor Twilio's.
            request["validity_period"] = min(_LONGEST_VALIDITY, max(1, (left - _LEEWAY) // timedelta(seconds=1)))
        return request


def _check_sender(service: str, number: str) -> None:
    if bool(service) == bool(number):
        raise ConfigurationError("the twilio connector needs one of messaging_service and from_number, not both")
    if service and not _SID["MG"].fullmatch(service):
        raise ConfigurationError("the twilio connector's messaging_service is MG and 32 hexadecimal digits")
    if number and not any(kind.fullmatch(number) for kind in (_E164, _SHORT_CODE, _WORD)):
        raise ConfigurationError(
            "the twilio connector's from_number is a number such as +12025550100, a short code, or up to 11 letters"
        )


def _check_key(account_sid: str, auth_token: str, api_key: str, api_secret: str) -> None:
    if not _SID["AC"].fullmatch(account_sid):
        raise ConfigurationError("the twilio connector's account_sid is AC and 32 hexadecimal digits")
    if api_key and not _SID["SK"].fullmatch(api_key):
        raise ConfigurationError("the twilio connector's api_key is SK and 32 hexadecimal digits")
    if bool(api_key) != bool(api_secret) or bool(api_key) == bool(auth_token):
        raise ConfigurationError("the twilio connector needs auth_token, or api_key together with api_secret")
