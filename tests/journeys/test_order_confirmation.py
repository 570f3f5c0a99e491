"""Order confirmation: who gets it, what it says, and to whom it may say anything that promotes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from segue.journeys.order_confirmation import JOURNEY, _order
from segue.outbox import compose as composing
from segue.render import Library, TemplateError
from segue.store.engine import read, write
from segue.store.tables import (
    location,
    order,
    order_line,
    product,
    referral,
    referral_code,
    suppression,
    variant,
    voucher,
)
from tests.journeys.orders import DAY, START, buys, got, mail, person, reasons, shop
from tests.outbox.merges import code as a_voucher

AT = START + timedelta(hours=1)
STEP = "order_confirmation/receipt"


def confirm(engine_of: Any, *, minutes: int = 5) -> None:
    engine_of.clock.set(AT + timedelta(minutes=minutes))
    engine_of.tick()


def test_each_paid_order_is_confirmed_once_till_included(tmp_path: Path, database_url: str) -> None:
    """Not the unpaid, not a stranger's, not a marketplace's, not one of before; a cancelled one is counted."""
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        for who in (1, 2):
            person(segue.engine, who)
        buys(segue.engine, 1, 1, AT)
        buys(segue.engine, 2, 2, AT, sales_channel="popup", delivery="none")
        buys(segue.engine, 3, 1, AT, paid_at=None)
        buys(segue.engine, 4, None, AT)
        buys(segue.engine, 5, 1, AT, marketplace=True)
        buys(segue.engine, 6, 1, START - DAY)
        buys(segue.engine, 7, 1, AT, cancelled_at=AT)
        for minutes in (5, 10, 3000):
            confirm(segue, minutes=minutes)
        assert set(got(wire, STEP)) == {"order:1", "order:2"}
        assert len(wire.received) == 2
        assert reasons(segue, "order_confirmation", "receipt") == {
            ("accepted", None): 2,
            ("skipped", "occasion_gone"): 1,
        }


def test_after_a_day_it_is_too_late(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        person(segue.engine, 1)
        buys(segue.engine, 1, 1, AT)
        confirm(segue, minutes=24 * 60)
        assert wire.received == []
        assert reasons(segue, "order_confirmation", "receipt") == {("skipped", "too_late"): 1}


def test_it_says_what_was_bought_what_it_cost_and_where_it_is(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        person(segue.engine, 1)
        with write(segue.engine) as connection:
            connection.execute(insert(product).values(id=1, external_id="p", title="Tide leggings", recorded_at=AT))
            connection.execute(
                insert(variant).values(id=1, product_id=1, sku="v", size="8", price_minor=3000, currency="USD")
            )
            connection.execute(
                insert(location).values(id=1, external_id="l", kind="popup", name="SoHo", address="88 Prince Street")
            )
        buys(segue.engine, 1, 1, AT, delivery="pickup", location_id=1, discount_minor=1000)
        with write(segue.engine) as connection:
            connection.execute(
                insert(order_line).values(
                    order_id=1, position=1, variant_id=1, quantity=2, unit_price_minor=3000, total_minor=6000
                )
            )
        confirm(segue)
        said = mail(got(wire, STEP)["order:1"])
        assert said.subject == "Name1, your order #1 is confirmed"
        for words in ("Tide leggings", "Qty 2", "$60.00", "-$10.00", "$50.00", "SoHo", "88 Prince Street"):
            assert words in said.text
            assert words in said.html


class _Row:
    """An order's row with these sums."""

    def __init__(self, **facts: Any) -> None:
        plain = {"number": "1", "external_id": "1", "paid_at": AT, "currency": "USD", "address": None}
        self.__dict__ |= plain | facts


@pytest.mark.parametrize(
    ("goods", "discount", "total", "shown"),
    [
        (6000, 1000, 5000, (1000, 0)),
        (5000, 0, 5000, (0, 0)),
        (5000, 1000, 5000, (0, 0)),
        (5000, 0, 5700, (0, 700)),
        (6000, 1000, 5700, (0, 0)),
        (6000, 0, 5000, (0, 0)),
        (0, 0, 5000, (0, 0)),
    ],
    ids=["before_discount", "plain", "after_discount", "delivery", "cannot_tell", "less", "no_lines"],
)
def test_rows_are_named_only_where_they_add_up(goods: int, discount: int, total: int, shown: tuple[int, int]) -> None:
    row = _Row(delivery="ship", place="Warehouse", place_kind="warehouse", total_minor=total, discount_minor=discount)
    said = _order(row, goods)
    assert (said["discount_minor"], said["extra_minor"]) == shown
    if any(shown):
        assert goods - said["discount_minor"] + said["extra_minor"] == total


@pytest.mark.parametrize(
    ("delivery", "kind", "is_told"),
    [("ship", "store", False), ("pickup", "warehouse", True), ("none", "popup", True), (None, "warehouse", False)],
)
def test_where_a_parcel_is_packed_is_nothing_to_her(delivery: str | None, kind: str, is_told: bool) -> None:
    row = _Row(delivery=delivery, place="P", place_kind=kind, total_minor=1, discount_minor=0)
    assert (_order(row, 1)["place"] is not None) == is_told


#: By profile: country, basis of what she said about e-mail, its state; whether the block may be shown.
TWINS = {
    1: ("US", "opt_in", "granted", True),
    2: ("DE", "opt_in", "confirmed", True),
    3: ("DE", "opt_in", "granted", False),
    4: ("DE", None, "granted", False),
    5: ("US", "opt_in", "denied", False),
    6: ("US", "opt_in", "granted", False),
}


def test_the_block_is_marketing_and_comes_with_a_way_out_or_not_at_all(tmp_path: Path, database_url: str) -> None:
    """All get their confirmation; the unconfirmed, the silent, who said no and who unsubscribed get it bare.

    A friend of each has bought: that a voucher will come for it is said in the block, or not at all.
    """
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        for who, (country, basis, state, _) in TWINS.items():
            person(segue.engine, who, basis=basis, state=state, country=country)
            buys(segue.engine, who, who, AT)
            won(segue.engine, who, AT - 2 * DAY)
        with write(segue.engine) as connection:
            connection.execute(
                insert(suppression).values(
                    address_hash=segue.hash_address("p6@example.com"), reason="unsubscribe", occurred_at=START,
                    recorded_at=START,
                )
            )  # fmt: skip
        confirm(segue)
        with read(segue.engine) as connection:
            codes = dict(connection.execute(select(referral_code.c.profile_id, referral_code.c.code)).tuples().all())
        said = {who: got(wire, STEP)[f"order:{who}"] for who in TWINS}
    assert set(codes) == set(TWINS), "a code is made before a mail names it, and for whoever may see it later"
    for who, (*_, shown) in TWINS.items():
        one = mail(said[who])
        raw = one.mime(key="k", to="a@example.com", at=AT)
        for part in (one.text, one.html):
            assert (codes[who] in part) == shown, who
            assert (f"/r/{codes[who]}" in part) == shown, who
            assert ("unsubscribe" in part.lower()) == shown, who
            assert ("friend" in part.lower()) == shown, who
            told = "A friend has bought with your code. Your voucher comes when the return window is over, on June 9."
            assert (told in part.replace("\n", " ")) == shown, who
        assert (one.unsubscribe_url is not None) == shown, who
        assert (b"List-Unsubscribe:" in raw) == (b"List-Unsubscribe-Post:" in raw) == shown, who
        assert one.frame.from_address == "orders@saltmere.example.com"


def won(engine: Engine, who: int, at: datetime) -> None:
    """A friend of hers has bought under her code."""
    friend = who + 100
    person(engine, friend)
    buys(engine, friend, friend, at)
    with write(engine) as connection:
        connection.execute(
            insert(referral).values(
                profile_id=who, friend_id=friend, order_id=friend, code="C", occurred_at=at, score=0, signals=[],
                recorded_at=at,
            )
        )  # fmt: skip


def test_a_no_that_comes_in_before_it_leaves_takes_the_block_out(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        person(segue.engine, 1)
        buys(segue.engine, 1, 1, AT)
        segue.clock.set(AT)  # type: ignore[attr-defined]
        segue.start_run(JOURNEY, JOURNEY.brief())
        with write(segue.engine) as connection:
            connection.execute(
                insert(suppression).values(
                    address_hash=segue.hash_address("p1@example.com"), reason="unsubscribe", occurred_at=AT,
                    recorded_at=AT,
                )
            )  # fmt: skip
        segue.drain_ready()
        assert mail(got(wire, STEP)["order:1"]).unsubscribe_url is None


def test_who_has_earned_all_a_year_allows_and_a_marketer_who_says_no_show_no_block(
    tmp_path: Path, database_url: str
) -> None:
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        for who in (1, 2):
            person(segue.engine, who)
            buys(segue.engine, who, who, AT)
        earned = {"earned": True, "offer": "referrer", "valid_from": START - DAY, "valid_until": START + 60 * DAY}
        with write(segue.engine) as connection:
            for n in range(10):
                connection.execute(insert(voucher).values(a_voucher(1, f"k{n}") | earned))
        confirm(segue)
        assert mail(got(wire, STEP)["order:1"]).unsubscribe_url is None
        assert mail(got(wire, STEP)["order:2"]).unsubscribe_url is not None
        buys(segue.engine, 3, 2, AT + timedelta(minutes=6))
        segue.clock.set(AT + timedelta(minutes=7))  # type: ignore[attr-defined]
        segue.tick({"order_confirmation": JOURNEY.brief(refer_a_friend=False)})  # type: ignore[call-arg]
        assert mail(got(wire, STEP)["order:3"]).unsubscribe_url is None


def test_whatever_a_journey_says_nothing_promotional_gets_past_composing(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mutant: were the verdict not obeyed, this would fail."""
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        person(segue.engine, 1, state="denied")
        buys(segue.engine, 1, 1, AT)
        compose = composing.compose

        def obeys_nothing(engine: Engine, rows: Any, *rest: Any, **options: Any) -> Any:
            return compose(engine, rows.assign(promote=True), *rest, **options)

        with monkeypatch.context() as patch:
            patch.setattr("segue.outbox.worker.compose", obeys_nothing)
            confirm(segue)
        assert mail(got(wire, STEP)["order:1"]).unsubscribe_url is not None, "the mutant shows it"
        buys(segue.engine, 2, 1, AT + timedelta(minutes=6))
        confirm(segue, minutes=7)
        assert mail(got(wire, STEP)["order:2"]).unsubscribe_url is None


FILES = {
    "subject_txt": "Thanks",
    "email_txt": "{% if promotion %}{{ promotion.code }} {{ share_link(promotion.code) }}{% endif %}\n"
    '[% set reason = "." %][% include "_layout/footer.txt.j2" %]',
    "email_mjml": '[% extends "_layout/email.mjml.j2" %][% set reason = "." %][% block body %]<mj-section><mj-column>'
    "<mj-text>{% if promotion %}{{ promotion.code }}{% endif %}</mj-text></mj-column></mj-section>[% endblock %]",
    "sample": '{"promotion": {"code": "ABCDE"}}',
}
UNGUARDED = FILES["email_txt"].replace("{% if promotion %}", "").replace("{% endif %}", "")


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Library]:
    """A library of one step over the brand's layout."""
    from segue.render.brand import load_brand
    from segue.render.links import Links

    templates = Path(__file__).resolve().parents[2] / "templates"

    def make(**files: str) -> Library:
        (tmp_path / "_layout").symlink_to(templates / "_layout")
        step = tmp_path / "journey" / "step"
        step.mkdir(parents=True)
        (step / "sample.json").write_text(files.pop("sample"))
        for name, text in files.items():
            (step / f"{name.replace('_', '.')}.j2").write_text(text)
        return Library(tmp_path, load_brand(templates / "brand.toml"), Links("https://x.example.com", b"s" * 16))

    return make


def test_a_guarded_template_compiles(made: Callable[..., Library]) -> None:
    step = made(**FILES).step("journey/step", transactional=True)
    assert step.email({"promotion": None}, message_id=1).unsubscribe_url is None
    assert "ABCDE" in step.email({"promotion": {"code": "ABCDE"}}, message_id=1).html


@pytest.mark.parametrize(
    "mutant",
    [
        {"email_txt": UNGUARDED},
        {"email_txt": FILES["email_txt"].replace("{% if promotion %}", "ABCDE {% if promotion %}")},
        {"email_txt": FILES["email_txt"].replace("{{ promotion.code }} {{ share_link(promotion.code) }}", "x")},
        {"email_mjml": FILES["email_mjml"].replace("{% if promotion %}", "").replace("{% endif %}", "")},
        {"email_mjml": FILES["email_mjml"].replace("{% if promotion %}", "Unsubscribe {% if promotion %}")},
    ],
    ids=["unguarded", "shown_beside", "not_shown", "unguarded_html", "a_way_out_of_nothing"],
)
def test_a_template_that_shows_it_otherwise_is_refused(made: Callable[..., Library], mutant: dict[str, str]) -> None:
    library = made(**FILES | mutant)
    with pytest.raises(TemplateError, match="promotion"):
        library.step("journey/step", transactional=True)


def test_an_order_that_is_no_more_is_not_confirmed(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "order_confirmation") as (segue, wire):
        person(segue.engine, 1)
        buys(segue.engine, 1, 1, AT)
        segue.clock.set(AT)  # type: ignore[attr-defined]
        segue.start_run(JOURNEY, JOURNEY.brief())
        with write(segue.engine) as connection:
            connection.execute(update(order).values(cancelled_at=AT))
        segue.drain_ready()
        assert wire.received == []
