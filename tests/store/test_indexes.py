"""The questions that are asked every few minutes, or for every person, read an index and not the whole table."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Select, insert, select

from segue.offers import shop
from segue.store.engine import read, write
from segue.store.sql import among
from segue.store.tables import profile, voucher

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)


@pytest.fixture
def full(engine: Engine) -> Engine:
    """Many people, some of whom were merged; many codes, few of which anything is to be done about."""
    people, codes = range(1, 2_001), range(1, 2_001)
    with write(engine) as connection:
        connection.execute(
            insert(profile),
            [{"id": n, "created_at": NOW, "merged_into": 1 if n % 400 == 0 else None} for n in people],
        )
        connection.execute(
            insert(voucher),
            [
                {
                    "key": f"k{n}", "code": f"c{n}", "profile_id": n, "offer": "x", "percent": 10,
                    "valid_from": NOW, "valid_until": NOW + timedelta(days=n % 90),
                    "published_at": NOW if n % 400 else None, "revoked_at": None if n % 401 else NOW,
                }
                for n in codes
            ],
        )  # fmt: skip
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return engine


def plan(engine: Engine, question: Select[Any], **values: Any) -> str:
    """How the database would answer."""
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with read(engine) as connection:
        compiled = question.compile(dialect=connection.dialect)
        given = compiled.construct_params(values)
        bound = {
            name: compiled._bind_processors[name](value) if name in compiled._bind_processors else value
            for name, value in given.items()
        }
        if compiled.positional:
            rows = connection.exec_driver_sql(explain + str(compiled), tuple(bound[n] for n in compiled.positiontup))
        else:
            rows = connection.exec_driver_sql(explain + str(compiled), bound)
        return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize(
    ("question", "index"),
    [(shop._UNPUBLISHED, "ix_voucher_unpublished"), (shop._TO_WITHDRAW, "ix_voucher_to_withdraw")],
)
def test_settling_with_the_shop_reads_only_what_is_open(full: Engine, question: Select[Any], index: str) -> None:
    said = plan(full, question, now=NOW)
    assert index in said
    assert not re.search(r"(Seq Scan on|SCAN) voucher", said), said


def test_who_went_into_somebody_is_found_by_an_index(full: Engine) -> None:
    with read(full) as connection:
        question = select(profile.c.id).where(among(connection, profile.c.merged_into, [1, 2, 3]))
    said = plan(full, question)
    assert "ix_profile_merged" in said, said
