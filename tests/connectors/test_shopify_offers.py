"""Codes in a Shopify shop: the contract, and what a pretended shop in a process of its own then holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shopify_discounts import Discounts
from connectors.shopify_offers import ShopifyOffersConnector
from segue.contract import Key, Voucher
from segue.contract.suite import OfferConnectorContract, voucher
from tests.connectors.shopify_shop import TOKEN, Shop, running_shop
from tests.connectors.shopify_state import AT


@pytest.fixture(scope="module")
def building() -> Iterator[Shop]:
    with running_shop() as shop:
        yield shop


@pytest.fixture
def shop(building: Shop) -> Shop:
    building.do("reset")
    return building


def connect(shop: Shop, **options: object) -> ShopifyOffersConnector:
    return ShopifyOffersConnector(base_url=shop.url, token=TOKEN, timeout=2, **options)  # type: ignore[arg-type]


class TestContract(OfferConnectorContract):
    @pytest.fixture
    def till(self, shop: Shop) -> Shop:
        return shop

    @pytest.fixture
    def connector(self, shop: Shop) -> ShopifyOffersConnector:
        return connect(shop)

    @pytest.fixture
    def reborn(self, shop: Shop) -> ShopifyOffersConnector:
        return connect(shop)


def other(number: int, **changed: object) -> Voucher:
    return dataclasses.replace(voucher(number), **changed)  # type: ignore[arg-type]


def said(connector: ShopifyOffersConnector, vouchers: list[Voucher]) -> list[str]:
    """A word a voucher: the reason, or the outcome where there is none."""
    results = list(connector.publish(vouchers))
    assert sorted(r.key for r in results) == sorted(v.key for v in vouchers)
    by_key = {r.key: r.reason or r.outcome.value for r in results}
    return [by_key[v.key] for v in vouchers]


def percents(*numbers: int) -> list[Voucher]:
    """Vouchers of one worth and one window."""
    return [voucher(2 * number) for number in numbers]


ACCEPTED = "accepted"


def test_codes_of_one_worth_and_window_share_a_discount(shop: Shop) -> None:
    """Each may be used once; the discount says worth, window and the first word, and combines with nothing."""
    said(connect(shop), [voucher(1), voucher(2), voucher(3), voucher(4)])
    assert shop.do("titles") == [
        [
            "Segue 15.00USD 20260514T1500Z 20260516T1500Z",
            "2026-05-14T15:00:00+00:00",
            "2026-05-16T15:00:00+00:00",
            1,
            {"discountAmount": {"amount": "15.00", "appliesOnEachItem": False}},
        ],
        [
            "Segue 10pc 20260514T1500Z 20260516T1500Z",
            "2026-05-14T15:00:00+00:00",
            "2026-05-16T15:00:00+00:00",
            1,
            {"percentage": 0.1},
        ],
    ]
    (made, _) = (one["variables"]["discount"] for one in shop.do("asked") if one["operation"] == "SegueCreate")
    assert made["combinesWith"] == {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": False}
    assert (made["context"], made["customerGets"]["items"]) == ({"all": "ALL"}, {"all": True})


def test_another_window_is_another_discount(shop: Shop) -> None:
    """Longer, later, or worth more: never in the same discount, and never the same code."""
    changed = [
        other(4, valid_until=AT + timedelta(hours=50)),
        other(6, valid_from=AT + timedelta(hours=1)),
        other(8, percent=11),
    ]
    assert said(connect(shop), [voucher(2), *changed]) == [ACCEPTED] * 4
    assert len(shop.do("titles")) == 4
    assert said(connect(shop), [other(2, valid_until=AT + timedelta(hours=50))]) == ["code_taken"]


@given(
    st.integers(0, 10**9).map(lambda seconds: AT + timedelta(seconds=seconds)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=400)),
    st.integers(1, 1440),
)
def test_a_window_is_never_shorter_than_promised(begin: datetime, lasts: timedelta, minutes: int) -> None:
    """And never a step longer on either side; what falls in one window falls in one discount."""
    step = timedelta(minutes=minutes)
    discounts = Discounts(prefix="Segue", step=step)
    wanted = other(2, valid_from=begin, valid_until=begin + lasts)
    made = discounts.wanted(wanted)
    starts, ends = (datetime.fromisoformat(str(made[name])) for name in ("startsAt", "endsAt"))
    assert begin - step < starts <= begin
    assert begin + lasts <= ends < begin + lasts + step
    assert discounts.title_of(wanted) == discounts.title_of(
        dataclasses.replace(wanted, valid_from=starts, valid_until=ends)
    )


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [(1500, "USD", "15.00"), (1500, "JPY", "1500"), (7, "EUR", "0.07"), (10**9, "GBP", "10000000.00")],
)
def test_an_amount_is_written_in_the_shops_currency(shop: Shop, amount: int, currency: str, written: str) -> None:
    """Minor units never lose or win a zero, and another currency's amount never leaves."""
    shop.do("set", currency=currency)
    wanted = other(1, amount_minor=amount, currency=currency)
    foreign = other(3, currency="CHF")
    assert said(connect(shop), [wanted, foreign, voucher(2)]) == [ACCEPTED, "currency_not_the_shops", ACCEPTED]
    assert shop.do("titles")[0][4]["discountAmount"]["amount"] == written


def test_codes_go_out_250_at_a_time(shop: Shop) -> None:
    """One discount, its first code with it, the others in the largest lots the API takes."""
    assert said(connect(shop), percents(*range(600))) == [ACCEPTED] * 600
    lots = [len(one["variables"]["codes"]) for one in shop.do("asked") if one["operation"] == "SegueAdd"]
    assert lots == [250, 250, 99]
    assert len(shop.do("titles")) == 1


def test_a_discount_is_found_again_by_its_title(shop: Shop) -> None:
    """By another process: one look-up, no second discount; what only looks like the title is not it."""
    shop.do("stranger", code="SUMMER", title="Segue 10pc 20260514T1500Z 20260516T1500Z copy")
    said(connect(shop), percents(1))
    assert said(connect(shop), percents(2, 3)) == [ACCEPTED] * 2
    assert len(shop.do("titles")) == 2
    assert shop.operations().count("SegueCreate") == 1


def test_a_search_that_lags_costs_a_discount_and_nothing_else(shop: Shop) -> None:
    """Shopify's search may not see yet what was made a moment ago; codes are looked up by themselves."""
    said(connect(shop), percents(1))
    shop.do("set", lags=True)
    assert said(connect(shop), percents(1, 2, 3)) == [ACCEPTED] * 3
    assert len(shop.known()) == 3


def test_somebody_elses_code_is_not_ours(shop: Shop) -> None:
    """Of any kind of discount, in any letter case; hers is left alone, whatever is asked of us."""
    shop.do("stranger", code="K7QM-0002")
    shop.do("stranger", code="k7qm-0004", title="Free shipping")
    connector = connect(shop)
    assert said(connector, percents(1, 2, 3)) == ["code_taken", "code_taken", ACCEPTED]
    assert list(connector.withdraw(["K7QM-0002", "K7QM-0004"])) == []
    assert shop.known() == {"K7QM-0002", "k7qm-0004", "K7QM-0006"}


def test_a_code_taken_while_its_job_waited_is_not_ours(shop: Shop) -> None:
    """The job fails for that one; it is looked up, and the others are accepted."""
    connector = connect(shop)
    said(connector, percents(1))
    shop.hold()
    assert said(connector, percents(2, 3)) == ["pending"] * 2
    shop.do("stranger", code="K7QM-0004")
    shop.release()
    assert said(connector, percents(2, 3)) == ["code_taken", ACCEPTED]


def test_a_pending_job_is_asked_about_and_not_queued_again(shop: Shop) -> None:
    """One question a call while it lasts."""
    connector = connect(shop)
    said(connector, percents(1))
    shop.hold()
    said(connector, percents(2, 3))
    before = len(shop.operations())
    assert said(connector, percents(2, 3)) == ["pending"] * 2
    assert shop.operations()[before:] == ["SegueAdded"]


def test_a_job_the_shop_forgot_is_no_loss(shop: Shop) -> None:
    """The codes are looked up, and queued again if they are not there."""
    connector = connect(shop)
    said(connector, percents(1))
    shop.hold()
    said(connector, percents(2))
    shop.release()
    shop.trouble("SegueAdded", answer={"data": {"discountRedeemCodeBulkCreation": None}})
    assert said(connector, percents(2)) == [ACCEPTED]


@pytest.mark.parametrize(("fault", "word"), [("INTERNAL_ERROR", "pending"), ("INVALID", "code_refused")])
def test_what_a_job_could_not_add_is_told_apart(shop: Shop, fault: str, word: str) -> None:
    """The shop's own failure passes; a code it will never take is rejected; the others of the lot are accepted."""
    connector = connect(shop)
    shop.do("set", spoilt={"K7QM-0100": fault}, page=7)
    assert said(connector, percents(*range(60))) == [word if n == 50 else ACCEPTED for n in range(60)]
    shop.do("set", spoilt={})
    assert said(connector, percents(50)) == [ACCEPTED]


def test_one_code_at_fault_does_not_keep_the_others_out(shop: Shop) -> None:
    """Shopify may refuse a whole lot for one code: that one is rejected, the others come through next time."""
    connector = connect(shop)
    said(connector, percents(1))
    shop.do("set", spoilers={"K7QM-0006": "INVALID"})
    assert said(connector, percents(2, 3, 4)) == ["pending", "code_refused", "pending"]
    assert said(connector, percents(2, 4)) == [ACCEPTED] * 2


def test_a_first_code_at_fault_is_its_own_fate(shop: Shop) -> None:
    """The discount is not made with it; the next call makes it with another."""
    connector = connect(shop)
    shop.do("set", spoilt={"K7QM-0002": "INVALID"})
    assert said(connector, percents(1, 2)) == ["code_refused", "pending"]
    assert said(connector, percents(2)) == [ACCEPTED]


def test_a_discount_that_its_owner_deleted_is_made_anew(shop: Shop) -> None:
    """It was remembered; the next call forgets it."""
    connector = connect(shop)
    said(connector, percents(1))
    shop.trouble(
        "SegueAdd",
        answer={
            "data": {
                "discountRedeemCodeBulkAdd": {
                    "bulkCreation": None,
                    "userErrors": [{"field": ["discountId"], "code": "INVALID"}],
                }
            }
        },
    )
    assert said(connector, percents(2)) == ["pending"]
    asked = len(shop.operations())
    assert said(connector, percents(2)) == [ACCEPTED]
    assert "SegueTitled" in shop.operations()[asked:]


def test_a_discount_that_its_owner_ended_takes_no_more_codes(shop: Shop) -> None:
    """Its codes are worthless, and say so; new ones get a discount that lives."""
    said(connect(shop), percents(1))
    shop.do("end", title="Segue 10pc 20260514T1500Z 20260516T1500Z")
    assert said(connect(shop), percents(1, 2)) == ["discount_ended", ACCEPTED]
    assert shop.known() == {"K7QM-0004"}


@pytest.mark.parametrize("code", ["", " A", 'A"B', "A'B", "A\\B", "A\nB", "X" * 256])
def test_a_code_that_no_search_could_name_is_not_sent(shop: Shop, code: str) -> None:
    """Rejected alone, and not withdrawn either; nothing of it leaves."""
    connector = connect(shop)
    assert said(connector, [other(2, code=code), voucher(4)]) == ["code_not_writable", ACCEPTED]
    assert list(connector.withdraw([code])) == []
    assert shop.known() == {"K7QM-0004"}


def test_one_code_twice_in_a_call(shop: Shop) -> None:
    """Equal in worth, both are answered; different, the second is rejected."""
    twins = [voucher(2), other(2, key=Key("a/b/c:2")), other(2, key=Key("a/b/c:3"), percent=90)]
    assert said(connect(shop), twins) == [ACCEPTED, ACCEPTED, "code_taken"]


def test_withdrawing_many_takes_what_time_it_takes(shop: Shop) -> None:
    """Delete, then keep taken: each step a job; a code is named once it is worthless, whoever asks."""
    said(connect(shop), [voucher(n) for n in range(300)])
    codes = [voucher(n).code for n in range(270)]
    shop.hold()
    assert list(connect(shop).withdraw(codes)) == []
    shop.release()
    shop.hold()
    first = set(connect(shop).withdraw(codes))
    assert not first & shop.known()
    shop.release()
    named = first | set(connect(shop).withdraw(codes)) | set(connect(shop).withdraw(codes))
    assert named == set(codes)
    assert shop.known() == {voucher(n).code for n in range(270, 300)}


def test_a_used_code_stays_where_its_order_is_told(shop: Shop) -> None:
    """It is worthless already, so it is named and left; a second use is refused by the shop."""
    connector = connect(shop)
    said(connector, percents(1))
    shop.redeem("K7QM-0002", "#1001", AT)
    with pytest.raises(ValueError, match="isn't valid"):
        shop.redeem("K7QM-0002", "#1002", AT)
    assert list(connector.withdraw(["K7QM-0002"])) == ["K7QM-0002"]
    assert "SegueDelete" not in shop.operations()
    assert [one.order_id for one in connector.redemptions()] == ["#1001"]


def test_redemptions_are_read_page_by_page(shop: Shop) -> None:
    """Every use of every code of ours, over many discounts; nobody else's, and none twice."""
    connector = connect(shop)
    ours = [other(2 * n, percent=1 + n % 5) for n in range(60)]
    said(connector, ours)
    shop.do("stranger", code="SUMMER")
    shop.do("stranger", code="AUTUMN", title="Segueway")
    for code in ("SUMMER", "AUTUMN"):
        shop.redeem(code, f"#{code}", AT)
    for n in range(55):
        shop.redeem(ours[n].code, f"#{n}", AT + timedelta(minutes=n))
    shop.do("set", page=2)
    told = list(connector.redemptions())
    assert sorted((one.code, one.order_id, one.redeemed_at) for one in told) == sorted(
        (ours[n].code, f"#{n}", AT + timedelta(minutes=n)) for n in range(55)
    )


def test_discounts_that_ended_long_ago_are_not_read_for_ever(shop: Shop) -> None:
    """Shopify shows 60 days of orders; who ended before that has nothing to tell. The clock is the shop's."""
    connector = connect(shop)
    said(connector, percents(1))
    shop.redeem("K7QM-0002", "#1001", AT)
    shop.do("set", now=(AT + timedelta(days=59)).isoformat())
    assert [one.order_id for one in connector.redemptions()] == ["#1001"]
    shop.do("set", now=(AT + timedelta(days=64)).isoformat())
    before = len(shop.operations())
    assert list(connector.redemptions()) == []
    assert shop.operations()[before:] == ["SegueCurrency", "SegueUsed"]
