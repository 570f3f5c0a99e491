"""Sizes fade by themselves: within a week everybody's are counted anew, and nobody's twice a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from segue.intake import age_sizes
from segue.journeys.size_rules import HALF_LIFE
from segue.journeys.sizes import refresh_sizes
from segue.store.engine import read, write
from segue.store.tables import order, order_line, product, profile, profile_size, variant

BOUGHT = datetime(2024, 5, 1, 12, tzinfo=UTC)
PEOPLE = 15


@pytest.fixture
def buyers(engine: Engine) -> Engine:
    """Fifteen who bought a size 8 each, counted on that day; the last one's purchase is not counted at all."""
    stamp = {"recorded_at": BOUGHT}
    with write(engine) as connection:
        connection.execute(
            insert(product).values(id=1, external_id="p", title="P", category="tops", size_system="us_women", **stamp)
        )
        connection.execute(
            insert(variant).values(id=1, product_id=1, sku="p-8", size="8", price_minor=100, currency="USD")
        )
        for who in range(1, PEOPLE + 1):
            connection.execute(insert(profile).values(id=who, created_at=BOUGHT))
            connection.execute(
                insert(order).values(
                    id=who, external_id=f"o{who}", profile_id=who, sales_channel="web", currency="USD",
                    total_minor=100, occurred_at=BOUGHT, paid_at=BOUGHT, **stamp,
                )
            )  # fmt: skip
            connection.execute(
                insert(order_line).values(
                    order_id=who, position=1, variant_id=1, quantity=1, unit_price_minor=100, total_minor=100
                )
            )
        refresh_sizes(connection, range(1, PEOPLE), BOUGHT)
    return engine


def evidence(engine: Engine) -> dict[int, float]:
    with read(engine) as connection:
        found = connection.execute(select(profile_size.c.profile_id, profile_size.c.evidence))
        return {row.profile_id: round(row.evidence, 4) for row in found}


def test_in_seven_nights_everybody_once(buyers: Engine) -> None:
    assert evidence(buyers) == dict.fromkeys(range(1, PEOPLE), 1.0)
    start = BOUGHT + HALF_LIFE
    counts = []
    for night in range(7):
        before = evidence(buyers)
        counts.append(age_sizes(buyers, start + timedelta(days=night)))
        changed = [who for who, worth in evidence(buyers).items() if worth != before[who]]
        assert len(changed) == counts[-1]
    assert (counts, sum(counts)) == ([2] * 7, PEOPLE - 1)
    assert all(0.49 < worth <= 0.5 for worth in evidence(buyers).values())
    # Again on the same night: as it was.
    before = evidence(buyers)
    age_sizes(buyers, start + timedelta(days=6))
    assert evidence(buyers) == before


def test_what_fades_to_nothing_is_forgotten(buyers: Engine) -> None:
    for night in range(7):
        age_sizes(buyers, BOUGHT + 60 * HALF_LIFE + timedelta(days=night))
    assert evidence(buyers) == {}
    assert age_sizes(buyers, BOUGHT + 60 * HALF_LIFE) == 0
