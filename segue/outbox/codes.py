"""Codes: which code each message may name, minted or found, and known to the shop before anything names it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine

from segue.contract import Key, OfferConnector
from segue.offers import Offer, OfferedVoucher, best, live_vouchers, mint, publish, vouchers_of
from segue.outbox.frame import Asked
from segue.store.engine import read, write


class Codes:
    """The codes of one step's rows: all minted and published together when the first of them is asked for.

    So a shard pays for two commits, not each of its windows; and a broken template mints nothing.
    """

    def __init__(
        self, engine: Engine, rows: pd.DataFrame, asked: Asked, shop: OfferConnector, *, now: datetime, secret: bytes
    ) -> None:
        self._engine = engine
        self._rows = rows
        self._asked = asked
        self._shop = shop
        self._now = now
        self._secret = secret

    def of(self, key: Key) -> OfferedVoucher | None:
        """The live code that the message `key` may name; it must wait while that one is not published."""
        return self._found.get(key)

    @cached_property
    def _found(self) -> Mapping[Key, OfferedVoucher]:
        return codes_of(self._engine, self._rows, self._asked, self._shop, now=self._now, secret=self._secret)


def codes_of(
    engine: Engine, rows: pd.DataFrame, asked: Asked, shop: OfferConnector, *, now: datetime, secret: bytes
) -> Mapping[Key, OfferedVoucher]:
    """The live code each message may name, by message key: its own, another live one, or an earlier step's."""
    step = asked.step
    wanted = [(Key(key), int(profile_id)) for key, profile_id in zip(rows["key"], rows["profile_id"], strict=True)]
    if step.shows_code_of is not None:
        with read(engine) as connection:
            found = _shown_before(connection, wanted, asked, step.shows_code_of, now)
        # The step that minted it makes it known; if the shop never learnt of it, nobody was told of it either.
        return {key: one for key, one in found.items() if one.is_published}
    if step.shows_granted_code:
        with read(engine) as connection:
            granted = vouchers_of(connection, [key for key, _ in wanted])
        return _published(engine, _live(granted, now), shop, now)
    offer = step.offer(asked.brief) if step.offer is not None else None
    if offer is None:
        return {}
    with write(engine) as connection:
        named = mint(connection, wanted, offer, now=now, secret=secret)
    return _published(engine, _live(named, now), shop, now)


def shown(offered: OfferedVoucher | None) -> dict[str, Any] | None:
    """Return what a template may say of a voucher: the context `voucher`."""
    if offered is None:
        return None
    voucher = offered.voucher
    return {
        "code": voucher.code,
        "percent": voucher.percent,
        "amount_minor": voucher.amount_minor,
        "currency": voucher.currency,
        "valid_until": voucher.valid_until.isoformat(),
    }


def _shown_before(
    connection: Connection, wanted: Collection[tuple[Key, int]], asked: Asked, earlier: str, now: datetime
) -> Mapping[Key, OfferedVoucher]:
    """The code of the step `earlier` for the same occasion: the one it minted, or showed instead of minting."""
    source = {key: _sibling(key, earlier) for key, _ in wanted}
    minted = vouchers_of(connection, list(source.values()))
    found = _live({key: minted[one] for key, one in source.items() if one in minted}, now)
    make = asked.journey.step(earlier).offer
    offer: Offer | None = make(asked.brief) if make is not None else None
    if offer is not None and offer.if_live == "show":
        without = {key: profile_id for key, profile_id in wanted if source[key] not in minted}
        held = live_vouchers(connection, set(without.values()), now)
        for key, profile_id in without.items():
            codes = [one for one in held.get(profile_id, ()) if _is_left(one, now, offer.shown_if_left)]
            if codes:
                found[key] = best(codes)
    return found


def _live(named: Mapping[Key, OfferedVoucher], now: datetime) -> dict[Key, OfferedVoucher]:
    return {key: one for key, one in named.items() if one.voucher.valid_until > now and not one.is_spent}


def _is_left(one: OfferedVoucher, now: datetime, least: timedelta) -> bool:
    return one.voucher.valid_until - now >= least


def _published(
    engine: Engine, named: Mapping[Key, OfferedVoucher], shop: OfferConnector, now: datetime
) -> Mapping[Key, OfferedVoucher]:
    """Make codes known where they are spent, each once, whichever message shows it."""
    news = {one.voucher.key: one.voucher for one in named.values() if not one.is_published}
    if not news:
        return named
    known = publish(engine, list(news.values()), shop, now)
    return {key: replace(one, is_published=True) if one.voucher.key in known else one for key, one in named.items()}


def _sibling(key: str, step: str) -> Key:
    journey, _, occasion = key.split("/", 2)
    return Key(f"{journey}/{step}/{occasion}")
