"""Codes: which code each message may name, minted or found, and known to the shop before anything names it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from segue.contract import Key, OfferConnector, Outcome
from segue.offers import OfferedVoucher, mark_published, mint, vouchers_of
from segue.outbox.frame import Asked
from segue.store.engine import read, write

_LOG = logging.getLogger(__name__)


def codes_of(
    engine: Engine, rows: pd.DataFrame, asked: Asked, offers: OfferConnector, *, now: datetime, secret: bytes
) -> Mapping[Key, OfferedVoucher]:
    """The code each message may name, by message key: its own, or the one an earlier step minted."""
    step = asked.step
    if step.shows_code_of is not None:
        source = {_sibling(key, step.shows_code_of): key for key in rows["key"]}
        with read(engine) as connection:
            found = vouchers_of(connection, list(source))
        return {source[key]: one for key, one in found.items() if one.is_published and one.voucher.valid_until > now}
    offer = step.offer(asked.brief) if step.offer is not None else None
    if offer is None:
        return {}
    wanted = [(Key(key), int(profile_id)) for key, profile_id in zip(rows["key"], rows["profile_id"], strict=True)]
    with write(engine) as connection:
        minted = mint(connection, wanted, offer, now=now, secret=secret)
    live = {key: one for key, one in minted.items() if one.voucher.valid_until > now}
    return _published(engine, live, offers, now)


def _published(
    engine: Engine, minted: dict[Key, OfferedVoucher], offers: OfferConnector, now: datetime
) -> Mapping[Key, OfferedVoucher]:
    """Make codes known where they are spent; no transaction is open while the shop is asked."""
    news = {key: one for key, one in minted.items() if not one.is_published}
    if not news:
        return minted
    known: list[Key] = []
    try:
        for result in offers.publish([one.voucher for one in news.values()]):
            if result.outcome is Outcome.ACCEPTED:
                known.append(result.key)  # noqa: PERF401 - an error half-way keeps what came before it
    except Exception as error:  # noqa: BLE001 - a shop that breaks must not stop messages without a code
        # What was answered before the error counts; the rest waits for its code.
        _LOG.warning("%s of %s codes published by %s: %s", len(known), len(news), offers.name, type(error).__name__)
    with write(engine) as connection:
        mark_published(connection, known, at=now)
    return minted | {
        key: OfferedVoucher(voucher=news[key].voucher, profile_id=news[key].profile_id, is_published=True)
        for key in known
    }


def _sibling(key: str, step: str) -> Key:
    journey, _, occasion = key.split("/", 2)
    return Key(f"{journey}/{step}/{occasion}")


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
