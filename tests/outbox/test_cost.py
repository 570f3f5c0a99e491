"""What a message costs is kept with it, summed for a run, and estimated in a preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from flows import report as pages
from segue.contract import Channel, Cost, Message, MessageConnector, SmsContent
from segue.contract.fake import FakeConnector
from segue.outbox.summary import Spending, Summary
from segue.render import TemplateError
from segue.store.engine import read, write
from segue.store.tables import identifier, message, suppression
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.prices import CENT, TEXTING, ByCountry, move_abroad, previewed, summed
from tests.outbox.shop import PlainLibrary, journey, step


class Wordy(PlainLibrary):
    """A template with a sample, whose text has two segments."""

    is_broken = False

    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        return {"sample": {"subject": 0, "voucher": None}}

    def sms(self, words: Mapping[str, Any], *, message_id: int) -> SmsContent:
        if self.is_broken:
            raise TemplateError("letters/only", "a value does not fit")
        return SmsContent(text=self._text(words), segments=2)


def texting(desk: Desks, people: int, connector: MessageConnector) -> Desk:
    one = desk(TEXTING, people=people, connector=connector)
    one.library = Wordy()
    one.worker._library = one.library  # type: ignore[assignment]
    return one


def bills(one: Desk) -> list[tuple[int | None, int | None, str | None]]:
    return [(row.segments, row.cost_micros, row.cost_currency) for row in one.rows()]


def test_segments_and_price_are_kept_with_each_message_and_summed(desk: Desks) -> None:
    one = texting(desk, 4, ByCountry(max_batch=10, window=10))
    move_abroad(one, {3: "+447700900123", 4: "+4915200000000"})
    one.wire.answer("ok", "silence", "ok")
    one.drain()
    assert sorted(bills(one), key=str) == sorted(
        [(2, 20_000, "USD"), (2, 20_000, "USD"), (2, 92_600, "GBP"), (2, None, None)], key=str
    )
    total = summed(one)
    assert {(s.currency, s.messages, s.segments, s.micros) for s in total.spendings} == {
        ("USD", 2, 4, 40_000),
        ("GBP", 1, 2, 92_600),
        (None, 1, 2, None),
    }, "what is uncertain may be billed"
    assert total.cost() == {"USD": 40_000, "GBP": 92_600}


def test_what_was_refused_or_never_left_costs_nothing(desk: Desks) -> None:
    one = texting(desk, 3, FakeConnector(max_batch=10, window=10, price=CENT, pace_per_second=4))
    one.wire.answer("rejected", "ok")
    one.drain()
    assert one.states() == {("accepted", None): 1, ("rejected", "mailbox_unknown"): 1, ("held", "pace"): 1}
    assert summed(one).spendings == (
        Spending(step="only", channel="sms", messages=1, segments=2, micros=20_000, currency="USD"),
    )
    assert bills(one).count((None, None, None)) == 1, "what waits has no bill yet"


def test_mails_without_a_price_have_no_bill_and_with_one_they_have(desk: Desks) -> None:
    one = desk(people=2)
    one.drain()
    assert bills(one) == [(None, None, None)] * 2
    assert summed(one).spendings == ()
    dear = one.sibling([journey(step("other"))], connector=FakeConnector(max_batch=10, window=10, price=CENT))
    dear.promise()
    dear.clock.advance(timedelta(days=1, minutes=1))
    dear.drain()
    dear.worker.close()
    with read(one.engine) as connection:
        rows = connection.execute(
            select(message.c.segments, message.c.cost_micros, message.c.cost_currency).where(message.c.step == "other")
        ).all()
    assert [tuple(row) for row in rows] == [(None, 10_000, "USD")] * 2


def test_a_retry_on_another_channel_forgets_the_old_bill(desk: Desks) -> None:
    one = texting(desk, 1, FakeConnector(max_batch=10, window=10, price=CENT))
    one.wire.answer("throttled")
    one.drain()
    assert bills(one) == [(2, 20_000, "USD")]
    assert summed(one).spendings == (), "it never left"
    plain = one.sibling([one.journeys["letters"]], connector=FakeConnector(max_batch=10, window=10))
    plain.clock.advance(timedelta(hours=1))
    plain.drain()
    plain.worker.close()
    assert bills(one) == [(1, None, None)]


def test_a_connector_that_cannot_count_its_money_still_sends(desk: Desks) -> None:
    class Confused(FakeConnector):
        def cost(self, message: Message) -> Cost | None:
            raise ZeroDivisionError(message.address)

    one = texting(desk, 2, Confused(max_batch=10, window=10))
    one.drain()
    assert one.states() == {("accepted", None): 2}
    assert bills(one) == [(2, None, None)] * 2


def test_who_opted_out_at_the_provider_is_suppressed_as_stopped(desk: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, not dead: a dead address would silence transactional mail to it, too."""
    one = texting(desk, 2, FakeConnector(max_batch=10, window=10))
    real: Callable[..., Any] = one.connector.send
    reasons = iter(["opted_out", "number_invalid"])

    def refusing(batch: Any, leaving: Any) -> Any:
        from dataclasses import replace

        for result in real(batch, leaving):
            yield replace(result, reason=next(reasons))

    monkeypatch.setattr(one.connector, "send", refusing)
    one.wire.answer("rejected")
    one.drain()
    with read(one.engine) as connection:
        assert sorted(connection.scalars(select(suppression.c.reason))) == ["hard_bounce", "stop"]


def test_a_preview_says_about_what_it_would_cost(desk: Desks) -> None:
    one = desk(TEXTING, people=5, promised=False)
    move_abroad(one, {4: "+447700900123"})
    connector = ByCountry()
    with write(one.engine) as connection:
        connection.execute(delete(identifier).where(identifier.c.profile_id == 5))
    total = previewed(one, Wordy(), {Channel.SMS: connector})
    assert total.count("accepted") == 4
    assert total.spendings == (
        Spending(step="only", channel="sms", messages=1, segments=2, micros=92_600, currency="GBP"),
        Spending(step="only", channel="sms", messages=3, segments=6, micros=60_000, currency="USD"),
    )
    assert connector.wire.arrived() == 0
    one.library = Wordy()
    one.worker._library = one.library  # type: ignore[assignment]
    one.promise()
    real = one.sibling(connector=connector)
    real.worker._library = one.library  # type: ignore[assignment]
    real.drain()
    real.worker.close()
    assert summed(one).spendings == total.spendings, "the estimate of a text as long as the sample is the bill"


def test_a_preview_without_prices_counts_segments(desk: Desks) -> None:
    one = desk(TEXTING, people=2, promised=False)
    library = Wordy()
    for connectors in ({}, {Channel.SMS: FakeConnector()}):
        (spent,) = previewed(one, library, connectors).spendings
        assert (spent.messages, spent.segments, spent.micros) == (2, 4, None)
    library.is_broken = True
    assert previewed(one, library, {}).spendings == ()
    assert previewed(one, None, {}).spendings == ()


def page_of(*spendings: Spending, preview: bool) -> str:
    total = Summary(
        journey="letters", run_id=None if preview else 1, preview=preview, lines=(), examples={}, spendings=spendings
    )
    return "\n".join(pages.costs(total))


def test_the_page_says_about_where_it_is_an_estimate() -> None:
    dollars = Spending(step="only", channel="sms", messages=3_000, segments=6_000, micros=49_800_000, currency="USD")
    pounds = Spending(step="only", channel="sms", messages=1, segments=1, micros=4_630, currency="GBP")
    nobody = Spending(step="only", channel="sms", messages=1, segments=1, micros=None, currency=None)
    told = page_of(dollars, pounds, nobody, preview=True)
    assert "| about 49.80 USD | 3,000 | about 6,000 |" in told
    assert "| about 0.00463 GBP | 1 |" in told
    assert "| not known | 1 |" in told
    assert "**about 0.00463 GBP + 49.80 USD**" in told
    assert "about" not in page_of(dollars, preview=False)
    assert page_of(preview=True) == ""
