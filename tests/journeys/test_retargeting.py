"""Who is considered, and what is left to show: not what is sold out in her size, not what she owns."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Engine, update

from segue.journeys.definition import Moment
from segue.journeys.retargeting import AUDIENCES, RetargetingBrief
from segue.store.engine import read, write
from segue.store.tables import listing
from segue.store.tables import product as products
from tests.audiences.people import DAY, NOW, SIZES, Town

RULES = {rule.name: rule for rule in AUDIENCES}


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


def ask(town: Town, name: str, moment: Moment | None = None, **brief: object) -> dict[int, tuple[int, int, int]]:
    """Wanted, bought and remaining by person."""
    with read(town.engine) as connection:
        rows = connection.execute(RULES[name].considered(moment or town.moment(), RetargetingBrief(**brief))).all()
    found = {row.profile_id: (row.wanted, row.bought, row.remaining) for row in rows}
    assert len(found) == len(rows)
    assert list(found) == sorted(found)
    return found


def test_cart_follows_stock_in_her_size(town: Town) -> None:
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    assert ask(town, "cart") == {who: (1, 0, 1)}
    town.stock(town.variant(1), 0)
    assert ask(town, "cart") == {who: (1, 0, 0)}
    town.stock(town.variant(1), 3)
    assert ask(town, "cart") == {who: (1, 0, 1)}


def test_her_size_counts_and_not_the_one_she_clicked(town: Town) -> None:
    """She wears 8: a 10 in her cart does not show 8s that are gone. Whose size nobody knows gets what she chose."""
    known, unknown = town.person(), town.person(size="")
    for who in (known, unknown):
        town.add_to_cart(who, town.variant(1, "10"))
    town.stock(town.variant(1, "8"), 0)
    assert ask(town, "cart") == {known: (1, 0, 0), unknown: (1, 0, 1)}
    town.stock(town.variant(1, "8"), 1)
    town.stock(town.variant(1, "10"), 0)
    assert ask(town, "cart") == {known: (1, 0, 1), unknown: (1, 0, 0)}


def test_a_look_says_no_size(town: Town) -> None:
    who = town.person(size="")
    town.look(who, "p1-10")
    town.stock(town.variant(1, "10"), 0)
    assert ask(town, "viewed") == {who: (1, 0, 1)}
    for size in SIZES:
        town.stock(town.variant(1, size), 0)
    assert ask(town, "viewed") == {who: (1, 0, 0)}


def test_who_bought_it_is_shown_it_no_more(town: Town) -> None:
    """Whatever size or colour she took; a cancelled order gives it back."""
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    town.look(who, "p1-8")
    town.look(who, "p2-8")
    town.buy(who, town.variant(1, "6"))
    assert ask(town, "cart") == {who: (1, 1, 0)}
    assert ask(town, "viewed") == {who: (2, 1, 1)}
    other = town.person()
    town.add_to_cart(other, town.variant(1))
    town.buy(other, town.variant(1), cancelled_at=town.clock.now())
    assert ask(town, "cart")[other] == (1, 0, 1)


def test_an_ordered_or_emptied_cart_is_nobodys(town: Town) -> None:
    ordered, emptied = town.person(), town.person()
    town.add_to_cart(ordered, town.variant(1), at=NOW - 2 * DAY)
    town.add_to_cart(ordered, town.variant(1), at=NOW - DAY, kind="ordered")
    town.add_to_cart(emptied, town.variant(1), at=NOW - 2 * DAY)
    town.add_to_cart(emptied, town.variant(1), at=NOW - DAY, kind="removed")
    assert ask(town, "cart") == {}


def test_buyers_move_to_what_goes_with_it(town: Town) -> None:
    """Gloves and scarves after leggings; in stock, hers, and not owned already. A gift says nothing of her."""
    who, giver = town.person(), town.person()
    town.buy(who, town.variant(1))
    town.buy(giver, town.variant(1), gift=True)
    assert ask(town, "related") == {who: (2, 0, 2)}
    town.buy(who, town.variant(2))
    assert ask(town, "related") == {who: (2, 1, 1)}
    town.stock(town.variant(3), 0)
    assert ask(town, "related") == {who: (2, 1, 0)}
    assert ask(town, "buyers") == {who: (0, 0, 0), giver: (0, 0, 0)}


def test_windows(town: Town) -> None:
    who = town.person()
    town.add_to_cart(who, town.variant(1), at=NOW - 10 * DAY)
    town.look(who, "p1-8", at=NOW - 10 * DAY)
    town.buy(who, town.variant(2), at=NOW - 10 * DAY)
    for name, field in (("cart", "cart_days"), ("viewed", "viewed_days"), ("buyers", "buyers_days")):
        assert ask(town, name, **{field: 11})
        assert not ask(town, name, **{field: 10})
    late = Moment(now=NOW, live_from=NOW - DAY)
    assert not ask(town, "cart", late)
    assert not ask(town, "viewed", late)
    assert ask(town, "buyers", late)
    assert not ask(town, "cart", Moment(now=NOW - 11 * DAY, live_from=NOW - 90 * DAY))


def test_a_click_to_a_product_is_a_look(town: Town) -> None:
    who = town.person()
    town.click(who, "/p/2")
    town.click(who, "/elsewhere")
    assert ask(town, "viewed") == {who: (1, 0, 1)}


def test_a_link_to_a_product_is_a_look_however_the_catalogue_writes_its_page(town: Town) -> None:
    """Pages as paths or whole addresses, with what may follow them; of where a link led the path is kept."""
    pages = ("https://shop.example.com/p/1/?variant=4#fit", "/p/2?colour=ink", "https://shop.example.com")
    with write(town.engine) as connection:
        for number, page in enumerate(pages, start=1):
            connection.execute(update(products).where(products.c.id == number).values(url=page))
    landed, clicked, at_home, elsewhere = (town.person() for _ in range(4))
    town.click(landed, "/p/1", kind="landing")
    town.click(clicked, "/p/1/")
    town.click(clicked, "/p/2", kind="ad_click")
    town.click(at_home, "/")
    town.click(elsewhere, "/p/11")
    town.click(elsewhere, "/p")
    assert ask(town, "viewed") == {landed: (1, 0, 1), clicked: (2, 0, 2)}


def test_a_landing_alone_is_followed_by_ads_until_she_orders(town: Town) -> None:
    """The page behind a card's code shows no product; a click of a link, or a landing of nobody we know, is none."""
    came, ordered, gave_back, ordered_before, clicked = (town.person() for _ in range(5))
    for who in (came, ordered, gave_back, ordered_before, None):
        town.click(who, "K7QM2-XHDPR", kind="landing")
    town.click(clicked, "/welcome")
    town.buy(ordered, town.variant(1))
    town.buy(gave_back, town.variant(1), cancelled_at=NOW)
    town.buy(ordered_before, town.variant(1), at=NOW - 2 * DAY)
    open_, done = (1, 0, 1), (1, 1, 0)
    assert ask(town, "landed") == {came: open_, ordered: done, gave_back: open_, ordered_before: open_}
    assert not ask(town, "landed", landed_days=1)
    assert not ask(town, "landed", Moment(now=NOW, live_from=NOW))
    assert ask(town, "viewed") == {}
    town.click(ordered, "K7QM2-XHDPR", kind="landing", at=NOW)
    assert ask(town, "landed")[ordered] == open_


def test_only_what_the_channel_lists_is_shown(town: Town) -> None:
    who = town.person()
    town.add_to_cart(who, town.variant(1))
    town.put(listing, product_id=1, sales_channel="facebook_shop", listed_from=NOW - DAY)
    assert ask(town, "cart") == {who: (1, 0, 0)}
    assert ask(town, "cart", sales_channel="facebook_shop") == {who: (1, 0, 1)}


def test_against_loops_over_everything(town: Town) -> None:
    """A drawn crowd; the rule told once more person by person."""
    dice = random.Random(7)
    people = [town.person(size=dice.choice(["6", "8", "10", ""])) for _ in range(25)]
    sizes: dict[int, str] = {}
    with read(town.engine) as connection:
        from segue.store.tables import profile_size

        for row in connection.execute(profile_size.select()):
            sizes[row.profile_id] = row.size
    carts: dict[int, dict[int, str]] = {}
    bought: dict[int, set[int]] = {}
    looks: dict[int, set[int]] = {}
    for who in people:
        for product in dice.sample((1, 2, 3), dice.randint(0, 3)):
            size = dice.choice(SIZES)
            town.add_to_cart(who, town.variant(product, size))
            carts.setdefault(who, {})[product] = size
        for product in dice.sample((1, 2, 3), dice.randint(0, 2)):
            town.look(who, f"p{product}-{dice.choice(SIZES)}")
            looks.setdefault(who, set()).add(product)
        if dice.random() < 0.4:
            product = dice.randint(1, 3)
            town.buy(who, town.variant(product, dice.choice(SIZES)))
            bought.setdefault(who, set()).add(product)
    stock = {(product, size): dice.choice([0, 0, 2]) for product in (1, 2, 3) for size in SIZES}
    for (product, size), quantity in stock.items():
        town.stock(town.variant(product, size), quantity)

    def there(product: int, size: str | None) -> bool:
        return any(stock[product, one] for one in SIZES) if size is None else bool(stock[product, size])

    def told(things: dict[int, dict[int, str | None]]) -> dict[int, tuple[int, int, int]]:
        answer = {}
        for who, wanted in things.items():
            owns = bought.get(who, set())
            left = [p for p, chosen in wanted.items() if p not in owns and there(p, sizes.get(who, chosen))]
            answer[who] = (len(wanted), len(wanted.keys() & owns), len(left))
        return answer

    assert ask(town, "cart") == told({who: dict(wanted) for who, wanted in carts.items()})
    assert ask(town, "viewed") == told({who: dict.fromkeys(wanted) for who, wanted in looks.items()})
    assert ask(town, "related") == told({who: {2: None, 3: None} for who, own in bought.items() if 1 in own})
