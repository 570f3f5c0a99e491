"""Custom Audiences in one of Meta's ad accounts (Facebook, Instagram), by Meta's own SDK: `pip install 'segue[meta]'`.

This file owns the settings and the order of events; `meta_rows` says how people are told, `meta_graph` speaks to Meta.
Meta shows a change in its audiences within a day.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.meta_rows import KEYS, Row, by_count, by_length, require_fields, rows_of, schema_of
from segue.contract import (
    AudienceChange,
    Capabilities,
    ConfigurationError,
    ConnectorError,
    Key,
    Result,
    UncertainError,
    accepted,
    deferred,
    reason_of,
    rejected,
    retry_after_of,
    uncertain,
)

try:
    from connectors.meta_graph import Graph
except ImportError as missing:
    raise ConfigurationError("the meta connector needs Meta's SDK; install it: pip install 'segue[meta]'") from missing

_LOG = logging.getLogger(__name__)
_ACCOUNT: Final = re.compile(r"(?:act_)?([0-9]{1,20})", re.ASCII)
_VERSION: Final = re.compile(r"(?:v[0-9]{1,3}\.[0-9])?", re.ASCII)
#: Audiences in one page of the account's list.
_PAGE: Final = 200

Request = tuple[bool, Sequence[tuple[Key, Row]]]
"""Whether to remove, and whom."""


class MetaConnector:
    """Keeps audiences in one ad account. One instance is used by one thread at a time.

    `access_token` is a system user's with ads_management; `ad_account` its number, with or without act_; with
    `app_secret` requests carry a proof of it. `api_version` such as v26.0 replaces the SDK's own, `base_url`
    https://graph.facebook.com; `timeout` is the seconds a silence may last. Raises ConfigurationError for settings
    that cannot work.
    """

    name = "meta"
    fields = tuple(KEYS)
    # A removal goes into the address of its request, a dozen people at a time: 200 of them are some fifteen requests.
    capabilities = Capabilities(max_batch=10_000, window=10_000, idempotent=True, min_audience=100, max_removals=200)

    def __init__(
        self,
        *,
        access_token: str,
        ad_account: str | int,
        app_secret: str = "",
        api_version: str = "",
        base_url: str = "",
        timeout: float = 60.0,
    ) -> None:
        account = _ACCOUNT.fullmatch(str(ad_account))
        if account is None:
            raise ConfigurationError("the meta connector's ad_account is the account's number, such as act_1234567890")
        if not access_token or not access_token.isascii() or not access_token.isprintable():
            raise ConfigurationError("the meta connector's access_token is a system user's token with ads_management")
        if not _VERSION.fullmatch(api_version) or timeout <= 0:
            raise ConfigurationError("the meta connector's api_version is such as v26.0, its timeout above 0 seconds")
        if base_url and urlsplit(base_url).scheme not in {"http", "https"}:
            raise ConfigurationError("the meta connector's base_url is an address such as https://graph.facebook.com")
        self._account = f"act_{account[1]}"
        self._graph = Graph(
            access_token=access_token,
            app_secret=app_secret,
            api_version=api_version,
            base_url=base_url,
            timeout=timeout,
        )

    def ensure(self, name: str, description: str) -> str:
        """Return the id of the account's audience called `name`, the eldest if there are several; else make it."""
        found = [one["id"] for one in self._audiences() if one.get("name") == name]
        if found:
            return str(min(found, key=lambda one: (len(one), one)))
        made = self._graph.post(
            (self._account, "customaudiences"),
            {
                "name": name,
                "description": description,
                "subtype": "CUSTOM",
                "customer_file_source": "USER_PROVIDED_ONLY",
            },
        )
        if not isinstance(made.get("id"), str) or not made["id"]:
            raise UncertainError("Meta made an audience and did not say which; it is looked for by its name")
        return str(made["id"])

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        """Remove, then add, in as many requests as it takes.

        Meta tells how many entries it cannot use and not whose they are, so all are accepted, and the first result of
        each request carries the number.
        """
        require_fields(change)
        gone, absent = rows_of(change.fields, change.remove)
        come, nameless = rows_of(change.fields, change.add)
        requests: list[Request] = [(True, share) for share in by_length(gone)]
        requests += [(False, share) for share in by_count(come)]
        trouble: ConnectorError | None = None
        for number, (remove, share) in enumerate(requests):
            keys = [key for key, _ in share]
            if trouble is None:
                try:
                    unusable = self._change(change, share, remove=remove)
                except ConnectorError as error:
                    if number == 0:
                        raise
                    trouble = error
                    yield from (_unsettled(key, error) for key in keys)
                else:
                    yield replace(accepted(keys[0]), unusable=unusable)
                    yield from (accepted(key) for key in keys[1:])
            else:
                yield from (deferred(key, reason_of(trouble), retry_after_of(trouble)) for key in keys)
        yield from (accepted(key) for key in absent)
        yield from (rejected(key, "invalid_entry") for key in nameless)

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        self._graph.close()

    def _audiences(self) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            page = self._graph.get((self._account, "customaudiences"), {"fields": ["name"], "limit": _PAGE, **after})
            yield from page.get("data", [])
            paging = page.get("paging") or {}
            if "next" not in paging:
                return
            after = {"after": paging["cursors"]["after"]}

    def _change(self, change: AudienceChange, share: Sequence[tuple[Key, Row]], *, remove: bool) -> int:
        """One request; returns how many of its entries Meta cannot use."""
        rows = [row for _, row in share]
        told = self._graph.change(change.external_id, schema_of(change.fields), rows, remove=remove)
        received, unusable = told.get("num_received"), told.get("num_invalid_entries")
        if received != len(rows):
            raise UncertainError(f"Meta received {received} of {len(rows)} entries")
        if not isinstance(unusable, int) or unusable <= 0:
            return 0
        _LOG.warning("Meta cannot use %s of %s entries of the audience %s", unusable, len(rows), change.audience)
        return min(unusable, len(rows))


def _unsettled(key: Key, error: ConnectorError) -> Result:
    if isinstance(error, UncertainError):
        return uncertain(key, "no_answer")
    return deferred(key, reason_of(error), retry_after_of(error))
