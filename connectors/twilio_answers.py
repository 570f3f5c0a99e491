"""What Twilio's answers mean: its error codes, sorted by what to do next.

Codes are as on twilio.com/docs/api/errors. Those about one number are that message's fate; those about our own number,
service or account stop the channel; a code without a place here is a refusal of this one message.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from segue.contract import ConfigurationError, ConnectorError, Key, Result, deferred, rejected, uncertain

Fate = Result | ConnectorError
"""What became of one request: an answer about its message, or why nothing can be sent at all."""

#: Nobody can be reached there by text message, ever; or she said stop, which stops all of ours.
_DEAD = {
    21211: "number_invalid",
    21217: "number_invalid",
    21265: "number_is_a_short_code",
    21610: "opted_out",
    21614: "number_not_mobile",
    21635: "number_is_a_landline",
}
_REFUSED = {
    21266: "number_is_the_sender",
    21602: "content_malformed",
    21605: "content_too_long",
    21612: "unreachable",
    21617: "content_too_long",
    21619: "content_malformed",
}
#: Nothing was sent, and later it may be. With how long to leave it alone where the answer does not say.
_LATER = {
    14107: ("throttled", None),
    20429: ("throttled", None),
    # Her country is not switched on: mended in the console, and no reason to stop those of other countries.
    21408: ("region_not_enabled", timedelta(hours=1)),
    21611: ("queue_full", timedelta(minutes=15)),
    63017: ("throttled", None),
    63038: ("daily_limit", timedelta(hours=1)),
}
_SENDER = "check `from_number` or `messaging_service`"
_CURES = {
    20003: "refuses the key; check `account_sid`, `auth_token` or `api_key` and `api_secret`",
    20005: "says that the account is not active",
    20006: "denies access; check what the key may do",
    20008: "was given test credentials for what needs real ones",
    20404: "does not know the account; check `account_sid` and `base_url`",
    21212: f"refuses the sender; {_SENDER}",
    21267: f"lets no trial account write as a word; {_SENDER}",
    21603: f"misses the sender; {_SENDER}",
    21606: f"refuses the sender; {_SENDER}",
    21608: "serves a trial account, which reaches verified numbers only; upgrade it",
    21609: "refuses the address for news; check `status_callback`",
    21659: f"refuses the sender, which is no number of Twilio's; {_SENDER}",
    21660: f"refuses the sender, which belongs to another account; {_SENDER}",
    21661: f"refuses the sender, which carries no text messages; {_SENDER}",
    21701: "does not know the messaging service; check `messaging_service`",
    21703: "finds no number in the messaging service; add one in the console",
    21704: "finds no number in the messaging service that could send; add one in the console",
    21705: "refuses the messaging service; check `messaging_service`",
}
_UNAUTHORISED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def fate_of(key: Key, status: int, code: int, retry_after: str | None) -> Fate:
    """Sort an answer that is no success; `code` is Twilio's, or the status where the answer has none."""
    if code in _DEAD:
        return rejected(key, _DEAD[code], suppress=True)
    if code in _REFUSED:
        return rejected(key, _REFUSED[code])
    if code in _LATER:
        reason, wait = _LATER[code]
        return deferred(key, reason, seconds(retry_after) or wait)
    if code in _CURES:
        return ConfigurationError(f"Twilio {_CURES[code]}")
    return _fate_by_status(key, status, code, retry_after)


def _fate_by_status(key: Key, status: int, code: int, retry_after: str | None) -> Fate:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return deferred(key, "throttled", seconds(retry_after))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return uncertain(key, f"status_{status}")
    if status in _UNAUTHORISED:
        return ConfigurationError(f"Twilio {_CURES[20003]}")
    if code == status:  # Twilio's own refusals have a code
        return ConfigurationError(f"what answers at `base_url` with status {status} is not Twilio's API; check it")
    return rejected(key, f"twilio_{code}")


def seconds(text: str | None) -> timedelta | None:
    """A Retry-After that is a number of seconds within a day; None for any other."""
    try:
        wait = float(text or "")
    except ValueError:
        return None
    return timedelta(seconds=wait) if 0 <= wait <= 86_400 else None
