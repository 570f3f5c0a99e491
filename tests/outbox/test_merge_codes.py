"""Codes of people who become one: told to the shop under one key for ever, and no second one beside the merge."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from connectors.files import FilesConnector
from segue.contract import Key, OfferConnector, Redemption
from segue.contract.fake import FakeOffers
from segue.journeys.definition import Brief
from segue.offers import Offer, ledger, live_vouchers, mint, record_redemptions, settle
from segue.store.engine import read, write
from segue.store.tables import message, voucher
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.merges import code, found, letter, merge, owners, put
from tests.outbox.shop import NOW, SECRET, add_people, an_offer, journey, step
from tests.outbox.test_merge_messages import MONTH, monthly

HERS, YOUNGERS = f"letters/only/{MONTH}1", f"letters/only/{MONTH}2"


def an_offer_shown(_brief: Brief) -> Offer:
    """The cart's offer."""
    return Offer(name="cart", percent=10, valid_for=timedelta(hours=48), if_live="show")


@pytest.fixture(params=["files", "fake"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> OfferConnector:
    """Shops that take one code for one thing only."""
    return FilesConnector(folder=tmp_path / "till") if request.param == "files" else FakeOffers()


class Forgetful:
    """A shop that knows the codes, and whose answer is lost."""

    name = "forgetful"

    def __init__(self, shop: OfferConnector) -> None:
        self._shop = shop

    def publish(self, vouchers: object) -> Iterator[object]:
        list(self._shop.publish(vouchers))  # type: ignore[arg-type]
        raise ConnectionError
        yield


def test_a_code_published_but_not_marked_is_told_again_under_its_own_key(desk: Desks, shop: OfferConnector) -> None:
    """The younger profile's mail of the month waits with a code; the merge gives its message another key."""
    one = desk(step(due=monthly, offer=an_offer), people=2, promised=False, offers=Forgetful(shop))
    one.promise()
    one.change([1], not_before=NOW + timedelta(days=1), state="queued")
    one.drain()
    assert one.states() == {("held", "code_unpublished"): 1, ("queued", None): 1}
    found(one.engine, (1, 2))
    assert merge(one.engine) == 1
    assert one.states() == {("held", "code_unpublished"): 1, ("skipped", "merged"): 1}
    one.clock.advance(timedelta(hours=1))
    after = one.sibling(offers=shop)
    after.drain()
    assert after.states() == {("accepted", None): 1, ("skipped", "merged"): 1}
    (mail,) = after.wire.received
    with read(one.engine) as connection:
        row = connection.execute(select(voucher)).one()
    assert mail.key == HERS == row.message_key
    assert row.key == YOUNGERS
    assert row.code in mail.content.text  # type: ignore[union-attr]
    after.worker.close()


def test_what_was_told_under_a_key_marks_that_code_and_no_other(engine: Engine) -> None:
    """Two codes change messages while the shop learns of one: the other one is not known."""
    add_people(engine, 2)
    put(engine, message, letter(1, f"{MONTH}1", "held", reason="quiet_hours"), letter(2, f"{MONTH}2", "accepted"))
    put(engine, voucher, *(code(n, f"letters/only/{MONTH}{n}", code=f"CODE-{n}", published_at=None) for n in (1, 2)))
    fake = FakeOffers()
    tell = fake.publish

    def merging_meanwhile(vouchers: object) -> Iterator[object]:
        told = [one for one in vouchers if one.code == "CODE-1"]  # type: ignore[attr-defined]
        results = list(tell(told))
        found(engine, (1, 2))
        assert merge(engine) == 1
        yield from results

    fake.publish = merging_meanwhile  # type: ignore[method-assign, assignment]
    settle(engine, fake, NOW)
    with read(engine) as connection:
        rows = connection.execute(select(voucher.c.code, voucher.c.message_key, voucher.c.published_at)).all()
    known = {row.code: row.published_at is not None for row in rows}
    assert {row.code: row.message_key for row in rows} == {"CODE-1": YOUNGERS, "CODE-2": HERS}
    assert known == {"CODE-1": True, "CODE-2": False}
    assert fake.known() == {"CODE-1"}


@pytest.mark.parametrize("winner", [1, 2])
def test_the_same_code_on_every_retry_and_in_the_last_call_after_a_merge(
    engine: Engine, tmp_path: Path, winner: int
) -> None:
    """Both were told a code by their mail of the month; whichever mail has the key, it names the code it named."""
    add_people(engine, 2)
    loser = 3 - winner
    put(
        engine,
        message,
        letter(winner, f"{MONTH}{winner}", "accepted"),
        letter(loser, f"{MONTH}{loser}", "deferred", reason="throttled"),
    )
    put(engine, voucher, *(code(n, f"letters/only/{MONTH}{n}", code=f"CODE-{n}") for n in (1, 2)))
    found(engine, (1, 2))
    merge(engine)
    with write(engine) as connection:
        again = mint(connection, [(Key(HERS), 1)], an_offer_shown(Brief()), now=NOW, secret=SECRET)
    assert again[Key(HERS)].voucher.code == f"CODE-{winner}"
    last = step("last", shows_code_of="only", due=monthly)
    with Desk(engine, tmp_path / "home", [journey(step(due=monthly, offer=an_offer_shown), last)]) as one:
        one.promise()
        one.drain()
        (mail,) = one.wire.received
        assert mail.key == f"letters/last/{MONTH}1"
        assert f"CODE-{winner}" in mail.content.text  # type: ignore[union-attr]


def test_no_mint_slips_between_the_look_and_the_merge(engine: Engine) -> None:
    """Somebody mints for the younger profile and has not committed; the merge waits, and she holds one live code."""
    add_people(engine, 2)
    put(engine, message, letter(1, "cart:1"), letter(2, "cart:2"))
    found(engine, (1, 2))
    barrier, went = threading.Barrier(2), []

    def merge_beside() -> None:
        barrier.wait(20)
        went.append(merge(engine))

    merging = threading.Thread(target=merge_beside)
    merging.start()
    with write(engine) as connection:
        made = mint(connection, [(Key("letters/only/cart:2"), 2)], an_offer(Brief()), now=NOW, secret=SECRET)
        assert len(made) == 1
        barrier.wait(20)
        merging.join(1.0)  # time enough to get past us, were nothing in the way
        assert merging.is_alive() or went == [0]
    merging.join(20)
    if went == [0]:  # it gave up waiting, and the pair stayed on record
        assert merge(engine) == 1
    assert owners(engine)["voucher"] == {1}
    with write(engine) as connection:
        assert mint(connection, [(Key("letters/only/cart:1"), 1)], an_offer(Brief()), now=NOW, secret=SECRET) == {}
    with read(engine) as connection:
        assert [len(held) for held in live_vouchers(connection, [1, 2], NOW).values()] == [1]


def test_who_mints_right_after_the_merge_sees_what_she_holds(engine: Engine) -> None:
    """The merge is not committed yet; whoever mints for the one who stays waits for it."""
    add_people(engine, 2)
    put(engine, voucher, code(2, "letters/only/cart:2"))
    found(engine, (1, 2))
    made: list[dict[Key, object]] = []

    def mint_beside() -> None:
        with write(engine) as connection:
            wanted = [(Key("letters/only/cart:1"), 1)]
            made.append(dict(mint(connection, wanted, an_offer(Brief()), now=NOW, secret=SECRET)))

    minting = threading.Thread(target=mint_beside)

    def begin(point: str) -> None:
        if point == "merge_before_commit":
            minting.start()
            minting.join(1.0)

    assert merge(engine, probe=begin) == 1
    minting.join(20)
    assert made == [{}]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_use_told_during_a_merge_waits_for_whom_the_code_went_to(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another till, which knows her under the other id, would count the same code at the same instant."""
    add_people(engine, 2)
    put(engine, voucher, code(2, "letters/only/cart:2", code="C"))
    found(engine, (1, 2))
    lock = ledger.lock_people
    asked: list[set[int]] = []

    def merged_meanwhile(connection: object, people: object) -> None:
        if not asked:
            assert merge(engine) == 1
        asked.append(set(people))  # type: ignore[call-overload]
        lock(connection, people)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger, "lock_people", merged_meanwhile)
    with write(engine) as connection:
        used = Redemption(code="C", order_id="o1", redeemed_at=NOW)
        assert record_redemptions(connection, [used], source="till", now=NOW).new == 1
        held = connection.scalars(text("SELECT objid FROM pg_locks WHERE locktype = 'advisory'")).all()
    assert asked == [{2}, {1}]
    assert {1, 2} <= set(held)
