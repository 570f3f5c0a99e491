"""The cart mail shows the live code she holds, with that code's own end in her time; it mints where she has none."""

from __future__ import annotations

import email
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from pathlib import Path

import pypdf
import pytest
from sqlalchemy import Row, insert, select

from segue.journeys.abandoned_cart import AbandonedCartBrief, cart_offer
from segue.journeys.parcels import SHOWN_IF_LEFT
from segue.journeys.welcome_insert import WelcomeInsertBrief, welcome_offer
from segue.render.wording import Calendar
from segue.service import Segue
from segue.store.engine import read, write
from segue.store.tables import voucher
from tests.journeys import counter
from tests.journeys.counter import HOUR, NOON, buy, leave_cart, mails

DAY = timedelta(days=1)
NEW_YORK = Calendar("America/New_York", "en-US")


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Segue]:
    with counter.shop(database_url, tmp_path) as segue:
        yield segue


def vouchers(segue: Segue) -> list[Row[tuple[object, ...]]]:
    with read(segue.engine) as connection:
        return list(connection.execute(select(voucher).order_by(voucher.c.id)).all())


def give(segue: Segue, lives: timedelta) -> None:
    """Let person 1 hold somebody's code."""
    with write(segue.engine) as connection:
        connection.execute(
            insert(voucher).values(
                key="other/step/x",
                code="HELD",
                profile_id=1,
                offer="other",
                percent=20,
                valid_from=NOON - DAY,
                valid_until=NOON + lives,
            )
        )


def text_of(segue: Segue) -> str:
    """The one mail's words."""
    (mail,) = [one for one in mails(segue) if one.startswith(("From:", "Subject:", "MIME", "To: p"))]
    body = email.message_from_string(mail, policy=policy.default).get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def test_a_cart_mail_that_shows_her_welcome_code_shows_its_true_end(shop: Segue) -> None:
    buy(shop, 17, 1, NOON - 3 * HOUR)
    shop.tick()
    (card,) = vouchers(shop)
    assert card.offer == "welcome"
    leave_cart(shop, 9, 1)
    shop.clock.set(NOON + HOUR)
    shop.tick()
    assert vouchers(shop) == [card], "one live offer a person"
    said = text_of(shop)
    assert f"Take 15% off this cart with your own code: {card.code}" in said
    assert f"Good until {NEW_YORK.local_time(card.valid_until)}." in said
    assert card.valid_until - NOON > 59 * DAY

    shop.clock.set(NOON + 23 * HOUR)
    shop.tick()
    (sms,) = [one for one in mails(shop) if one.startswith("To: +")]
    assert f"use {card.code} by {NEW_YORK.short_time(card.valid_until)} for 15% off" in sms
    assert vouchers(shop) == [card]


def test_who_holds_none_gets_one_of_her_own(shop: Segue) -> None:
    leave_cart(shop, 9, 1)
    shop.clock.set(NOON + HOUR)
    shop.tick()
    (own,) = vouchers(shop)
    assert (own.offer, own.percent, own.valid_until - own.valid_from) == ("cart", 10, timedelta(hours=48))
    assert own.code in text_of(shop)


def test_a_code_in_its_last_day_is_neither_shown_nor_doubled(shop: Segue) -> None:
    give(shop, 23 * HOUR)
    leave_cart(shop, 9, 1)
    shop.clock.set(NOON + HOUR)
    shop.tick()
    assert [one.code for one in vouchers(shop)] == ["HELD"]
    assert "code" not in text_of(shop)


@pytest.mark.parametrize(("lives", "is_shown"), [(6 * DAY, False), (8 * DAY, True)])
def test_paper_shows_no_code_that_runs_out_in_its_week(shop: Segue, lives: timedelta, *, is_shown: bool) -> None:
    """A mail would show it still: what is printed is read days later."""
    give(shop, lives)
    buy(shop, 17, 1, NOON - HOUR)
    shop.tick()
    (report,) = shop.print_run()
    back = pypdf.PdfReader(report.files[0]).pages[1].extract_text()
    assert ("HELD" in back) is is_shown
    assert [one.code for one in vouchers(shop)] == ["HELD"]


def test_both_journeys_show_what_she_holds() -> None:
    cart, welcome = cart_offer(AbandonedCartBrief()), welcome_offer(WelcomeInsertBrief())
    assert cart is not None
    assert welcome is not None
    assert (cart.if_live, welcome.if_live) == ("show", "show")
    assert (cart.shown_if_left, welcome.shown_if_left) == (DAY, SHOWN_IF_LEFT) == (DAY, 7 * DAY)
