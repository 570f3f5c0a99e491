"""Personal codes in a Shopify shop, by its GraphQL Admin API (version 2026-10).

This file owns the settings; `shopify_discounts` says which discount a code belongs to, `shopify_publish` and
`shopify_withdraw` in which order things happen, `shopify_shelf` asks and changes, `shopify_documents` holds the
documents and the pages of shopify.dev they follow, `shopify_line` one connection and what its failures mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from connectors import shopify_documents as documents
from connectors.shopify_discounts import Discounts
from connectors.shopify_line import AdminLine, Shop
from connectors.shopify_publish import Memory, Publication
from connectors.shopify_shelf import Shelf
from connectors.shopify_withdraw import Withdrawal
from segue.contract import (
    ConfigurationError,
    ConnectorError,
    Redemption,
    Result,
    UncertainError,
    Voucher,
    deferred,
    reason_of,
    retry_after_of,
    uncertain,
)

#: Shopify shows an app the orders of this many days unless it has read_all_orders (object Order).
_DAYS_OF_ORDERS: Final = 60
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", re.IGNORECASE)
_WORDS: Final = re.compile(r"[A-Za-z0-9]+")


class ShopifyOffersConnector:
    """Makes codes known to one shop. One instance is used by one thread at a time.

    `shop` is the myshopify.com domain, `token` an Admin API access token, `prefix` the first word of our discounts'
    titles, `window_minutes` the steps to which windows are widened, `timeout` the seconds a silence may last.
    `base_url` replaces https://`shop`. Raises ConfigurationError for settings that cannot work.
    """

    name = "shopify_offers"

    def __init__(
        self,
        *,
        shop: str = "",
        token: str,
        api_version: str = documents.API_VERSION,
        base_url: str = "",
        prefix: str = "Segue",
        window_minutes: int = 60,
        timeout: float = 10.0,
    ) -> None:
        if not base_url and not _DOMAIN.fullmatch(shop):
            raise ConfigurationError("`shop` is the shop's domain, such as example.myshopify.com")
        url = urlsplit(base_url or f"https://{shop}")
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ConfigurationError("`base_url` is an address such as https://example.myshopify.com")
        if not token or not token.isascii() or not token.isprintable():
            raise ConfigurationError("`token` is the Admin API access token of an app installed in the shop")
        if not _WORDS.fullmatch(prefix) or len(prefix) > 50:
            raise ConfigurationError("`prefix` is one word of letters and digits")
        if not 1 <= window_minutes <= 1440 or timeout <= 0:
            raise ConfigurationError("`window_minutes` is 1 to 1440 and `timeout` more than 0 seconds")
        self._shop = Shop(base_url=url.geturl(), api_version=api_version, token=token, timeout=timeout)
        self._discounts = Discounts(prefix=prefix, step=timedelta(minutes=window_minutes))
        self._memory = Memory()

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Make the codes known. Shopify adds them in the background: until then they are deferred, `pending`.

        Errors as in the contract: raised while nothing was answered, else the rest is deferred or, where a change
        may have been made, uncertain; publishing again is safe in every case.
        """
        waiting = list(vouchers)
        with self._shop.talk() as line:
            publication = Publication(Shelf(line), self._discounts, self._memory, vouchers)
            try:
                for result in publication.results():
                    waiting = [one for one in waiting if one.key != result.key]
                    yield result
            except ConnectorError as error:
                if len(waiting) == len(vouchers):
                    raise
                lost = publication.leaving if isinstance(error, UncertainError) else frozenset()
                for one in waiting:
                    if one.code in lost:
                        yield uncertain(one.key, "no_answer")
                    else:
                        yield deferred(one.key, reason_of(error), retry_after_of(error))

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Make the codes worthless for good and yield those that are; the others are on their way, so ask again."""
        named = False
        with self._shop.talk() as line:
            try:
                for code in Withdrawal(Shelf(line), self._discounts).named(codes):
                    named = True
                    yield code
            except ConnectorError:
                if not named:
                    raise

    def redemptions(self) -> Iterator[Redemption]:
        """Yield each order of the last 60 days that used a code of ours, under the order's name (`#1001`).

        Shopify counts uses in the background, so the newest orders may be missing until the next time.
        """
        with self._shop.talk() as line:
            shelf = Shelf(line)
            told: set[tuple[str, str]] = set()
            for code, order in shelf.orders(self._used(line, shelf)):
                if (code, order["name"]) not in told:
                    told.add((code, order["name"]))
                    at = datetime.fromisoformat(order["createdAt"])
                    yield Redemption(code=code, order_id=order["name"], redeemed_at=at)

    def _used(self, line: AdminLine, shelf: Shelf) -> list[str]:
        """The codes of ours that were used and whose orders can still be read."""
        line.ask(documents.CURRENCY, {})  # its answer carries the shop's clock
        search = f"title:{self._discounts.prefix}* AND method:code AND times_used:>0"
        if line.clock is not None:
            search += f" AND ends_at:>'{line.clock - timedelta(days=_DAYS_OF_ORDERS + 1):%Y-%m-%dT%H:%M:%SZ}'"
        discounts = [
            node["id"]
            for node in shelf.pages(documents.USED, {"query": search}, "discountNodes")
            if self._discounts.is_ours(node["discount"].get("title", ""))
        ]
        return [
            code["code"]
            for discount in discounts
            for code in shelf.pages(documents.USED_CODES, {"id": discount}, "discountNode", "discount", "codes")
            if code["asyncUsageCount"] > 0
        ]
