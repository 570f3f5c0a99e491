"""Variants by the product's id and the option values, as stock files name them: one key, one variant.

A shop may give a variant another SKU; its key tells that it is the same one. Within a file the first variant that
claims a key has it; a later file's claim replaces an older one's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, func, select

from segue.intake import records as r
from segue.intake.report import Tally
from segue.store.bulk import ids_of, rows_where, update_many
from segue.store.tables import variant


class OptionKeys:
    """Which variant goes by which key, in one import."""

    def __init__(self, connection: Connection, tally: Tally) -> None:
        self._connection = connection
        self._tally = tally
        #: What has a greater id was written by this import.
        self._floor: int = connection.scalar(select(func.max(variant.c.id))) or 0
        self._sku_of: dict[str, str] = {}
        self._key_of: dict[str, str] = {}
        self._ids: dict[str, int] = {}
        self._new: list[str] = []
        #: Variants known before that have another SKU now.
        self.renamed = 0

    def claimed(self, fact: r.Variant, *, weakly: bool = False) -> str | None:
        """Return the key if `fact` may have it: no other SKU of this file does, and its SKU has no other.

        `weakly`: only if nobody at all has it.
        """
        key = fact.option_key
        if key is None:
            return None
        if self._sku_of.get(key, fact.sku) != fact.sku or self._key_of.get(fact.sku, key) != key:
            self._tally.warn(fact.line, "shared_sku")
            return None
        if weakly and key not in self._sku_of and ids_of(self._connection, variant, "option_key", [key]):
            return None
        self._sku_of[key] = fact.sku
        self._key_of[fact.sku] = key
        self._new.append(key)
        return key

    def make_room(self, given: dict[str, dict[str, Any]], held: dict[Any, dict[str, Any]]) -> None:
        """Take wanted keys from the variants that have them; one whose SKU is new to us gets that SKU instead."""
        wanted = {row["option_key"]: sku for sku, row in given.items() if row["option_key"] is not None}
        if not wanted:
            return
        holders = list(rows_where(self._connection, select(variant), variant.c.option_key, wanted))
        released, renamed = [], []
        for row in (dict(found._mapping) for found in holders):  # noqa: SLF001 - SQLAlchemy's public name
            sku = wanted[row["option_key"]]
            if row["sku"] == sku:
                continue
            if sku not in held and row["id"] <= self._floor and row["sku"] not in given:
                renamed.append({"id": row["id"], "sku": sku})
                held[sku] = {**row, "sku": sku}
            else:
                released.append({"id": row["id"], "option_key": None})
        update_many(self._connection, variant, released)
        self.renamed += update_many(self._connection, variant, renamed)

    def learn(self, ids: dict[str, int]) -> None:
        """Remember the ids of the variants that claimed keys."""
        self._ids |= {key: ids[self._sku_of[key]] for key in self._new}
        self._new.clear()

    def ids(self, keys: Collection[str]) -> dict[str, int]:
        """Return ids by key, as this file or an earlier one has them."""
        unmet = [key for key in keys if key not in self._ids]
        found: dict[str, int] = ids_of(self._connection, variant, "option_key", unmet) if unmet else {}
        return found | {key: self._ids[key] for key in keys if key in self._ids}
