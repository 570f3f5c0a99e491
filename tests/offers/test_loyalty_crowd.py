"""Several processes' worth of hands on one ledger: nothing is booked twice and nobody spends what another spent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import Engine

from segue.offers.loyalty import spend
from segue.store.engine import open_engine, write
from tests.offers.points import book, change, day, entries, held, ordered, people, redeemed, touched

HANDS = 4


def test_hands_that_book_and_spend_at_one_instant(engine: Engine, database_url: str) -> None:
    people(engine, 1, 2)
    for number in range(1, 21):
        ordered(engine, number, number % 2 + 1, 20, number / 10)
    touched(engine, 1, "follow", "pinterest")
    touched(engine, 2, "mention", "pinterest")
    redeemed(engine, 2, 30, 33)
    book(engine, 31.5)
    change(engine, 1, refunded_minor=2000)  # order 1 is hers who has id 2, and counts
    change(engine, 20, cancelled_at=day(32))  # order 20 is hers who has id 1, and counts
    barrier = Barrier(HANDS)

    def hand(number: int) -> bool:
        mine = open_engine(database_url)
        try:
            barrier.wait()
            book(mine, 40)
            with write(mine) as connection:
                return spend(connection, 1, 100, f"till-{number}", day(40))
        finally:
            mine.dispose()

    with ThreadPoolExecutor(HANDS) as pool:
        spent = list(pool.map(hand, range(HANDS)))
    assert sum(spent) == 2  # 10 orders of 20, less one, and 25 for the follow: 205
    assert held(engine, 40, 1) == (5, 0)
    assert held(engine, 40, 2) == (10 * 20 - 20 + 50 - 30, 0)
    before = entries(engine)
    book(engine, 40)
    assert entries(engine) == before
