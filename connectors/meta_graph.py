"""One ad account at Meta's Graph API, spoken to by Meta's own SDK, and what its answers and silences mean.

The SDK's errors quote the request and its addresses hold the token, so nothing of them is passed on. It takes any
answer that is neither empty nor JSON for a yes, and stumbles over some that are no JSON; both are seen to here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import requests
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi, FacebookResponse
from facebook_business.exceptions import FacebookError, FacebookRequestError
from facebook_business.session import FacebookSession
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from segue.contract import (
    AUDIENCE_GONE,
    ConfigurationError,
    ConnectorError,
    RejectedError,
    TransientError,
    UncertainError,
)

#: Too many calls: of the app, user, page, account or business; 80003 is of custom audiences.
_RATES: Final = frozenset({4, 17, 32, 341, 613, *range(80_000, 80_015)})
#: Token, permissions, or a stop that only the account's owner can lift.
_ACCESS: Final = frozenset({3, 10, 102, 190, 294, 368, 2635, *range(200, 300)})
#: Something broke inside; whether before or after the change was made, nobody says.
_BROKEN: Final = frozenset({1, 2})
_GONE: Final = frozenset({803})
#: Code 100 about a thing that is not there, or not ours.
_NO_SUCH_OBJECT: Final = 33
_USAGE: Final = "X-Business-Use-Case-Usage"
_LONGEST_WISH: Final = timedelta(days=1)


class Graph:
    """The API of one account. The SDK keeps its connection."""

    def __init__(self, *, access_token: str, app_secret: str, api_version: str, base_url: str, timeout: float) -> None:
        session = FacebookSession(access_token=access_token, app_secret=app_secret or None, timeout=timeout)
        if base_url:
            session.GRAPH = base_url.rstrip("/")  # on this session alone: on the class it would be everybody's
        self._session = session
        # Made directly, so that neither its default nor its crash reporter is set for the whole process.
        self._api = FacebookAdsApi(session, api_version or None)

    def get(self, path: tuple[str, ...], params: Mapping[str, Any]) -> dict[str, Any]:
        """Ask, changing nothing: a silence is transient."""
        try:
            return self._told(lambda: self._api.call("GET", path, params=dict(params)))
        except UncertainError as error:
            raise TransientError(str(error)) from None

    def post(self, path: tuple[str, ...], params: Mapping[str, Any]) -> dict[str, Any]:
        """Make something."""
        return self._told(lambda: self._api.call("POST", path, params=dict(params)))

    def change(self, audience: str, schema: list[str], rows: list[list[str]], *, remove: bool) -> dict[str, Any]:
        """Add people to an audience, or remove them from it."""
        people = CustomAudience(audience, api=self._api)
        act = people.remove_users if remove else people.add_users
        return self._told(lambda: act(schema, rows, is_raw=True, pre_hashed=True))

    def close(self) -> None:
        """Let go of the connection; the next request opens another."""
        self._session.requests.close()

    def _told(self, ask: Any) -> dict[str, Any]:
        """The answer, which is a JSON object with status 200. Raises a ConnectorError that quotes nothing."""
        try:
            answer: FacebookResponse = ask()
        except FacebookRequestError as error:
            raise _sorted(error) from None
        except requests.RequestException as error:
            raise _unanswered(error) from None
        except (FacebookError, TypeError, ValueError, KeyError, AttributeError) as error:
            raise UncertainError(f"Meta's SDK could not read the answer ({type(error).__name__})") from None
        told = answer.json()
        if answer.status() != 200 or not isinstance(told, dict):
            raise UncertainError(f"Meta answered with status {answer.status()} and nothing to be read")
        return told


def _unanswered(error: requests.RequestException) -> ConnectorError:
    """Whether the request can have left: not before there was a connection."""
    if isinstance(error, requests.exceptions.SSLError):
        return ConfigurationError("Meta shows a certificate that is not trusted; check `base_url`")
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectTimeout) or isinstance(cause, NewConnectionError | ConnectTimeoutError):
        return TransientError(f"Meta is out of reach ({type(error).__name__})")
    return UncertainError(f"Meta did not answer ({type(error).__name__})")


def _sorted(error: FacebookRequestError) -> ConnectorError:
    """Meta's error by what is done next; codes as in its Graph and Marketing API error references."""
    code, subcode, status = error.api_error_code(), error.api_error_subcode(), error.http_status()
    what = f"error {code}" + (f", subcode {subcode}" if subcode else "") if code else f"status {status}"
    if code in _RATES or status == 429:
        return TransientError(f"Meta is throttling ({what})", retry_after=_wish(error.http_headers()))
    if code in _ACCESS or status == 401:
        return ConfigurationError(
            f"Meta refuses access ({what}); check `access_token`, its permission ads_management, `ad_account`, and that"
            " the account has accepted the terms of Custom Audiences"
        )
    if code in _GONE or (code == 100 and subcode == _NO_SUCH_OBJECT):
        return RejectedError(f"Meta has no such audience ({what}); it is made anew", reason=AUDIENCE_GONE)
    if code in _BROKEN or status >= 500 or code is None:
        return UncertainError(f"Meta broke while it had the request ({what})")
    if error.api_transient_error():
        return TransientError(f"Meta could not do it now ({what})", retry_after=_wish(error.http_headers()))
    return RejectedError(f"Meta refuses the request ({what})", reason=f"meta_{code}")


def _wish(headers: Mapping[str, str]) -> timedelta | None:
    """When Meta wants to be asked again: Retry-After in seconds, or its own estimate in minutes."""
    try:
        if "Retry-After" in headers:
            wish = timedelta(seconds=float(headers["Retry-After"]))
        else:
            told = json.loads(headers.get(_USAGE, ""))
            minutes = [float(one.get("estimated_time_to_regain_access", 0)) for uses in told.values() for one in uses]
            wish = timedelta(minutes=max(minutes))
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None
    return wish if timedelta(0) < wish <= _LONGEST_WISH else None
