"""What people do once Segue has spoken: with codes that only its messages tell, so no file can hold it before.

Each returns the files to import, in order; their mappings go by their stems.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from segue.sample.catalogue import VARIANTS
from segue.sample.clicks import Clickstream, Visitor, browser, cookie, product_properties
from segue.sample.dice import chance, dice, pick
from segue.sample.names import NAMES, mailbox
from segue.sample.people import CLARA, JUNE, SARAH, make_people
from segue.sample.places import POPUP, WAREHOUSE
from segue.sample.rows import CustomerRow, FulfilmentRow, OrderLineRow, OrderRow, money, write_csv
from segue.sample.shop import FEWEST_CUSTOMERS
from segue.sample.stages import NEW_YORK, Stage
from segue.sample.story import BEANIE, BOUGHT_AT, CARTS, GLOVES, GLOVES_AT, LANDING_AT, LEGGINGS, SCARF
from segue.sample.till import CURRENCY
from segue.sample.year import iso

#: What the code of a cart mail takes off, in percent.
CART_PERCENT: Final = 10
#: What a friend buys first.
_GIFTS: Final = (BEANIE, SCARF, "KEEL-MOSS-OS", "EDDY-RUST-OS")
#: After so long a parcel is packed, shipped and there.
_STEPS: Final = {"packed": timedelta(hours=3), "shipped": timedelta(hours=7), "delivered": timedelta(days=4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """An order that names a code of ours."""

    order_id: str
    customer_id: str
    skus: tuple[str, ...]
    at: datetime
    channel: str = "web"
    location: str = WAREHOUSE
    delivery: str = "ship"
    cart_id: str = ""
    percent: int = 0
    discount_code: str = ""
    referral_code: str = ""

    def head(self) -> OrderRow:
        """Its line in `orders.csv`."""
        whole = sum(VARIANTS[sku].cents for sku in self.skus)
        off = whole * self.percent // 100
        return OrderRow(
            self.order_id, self.customer_id, self.cart_id, self.channel, self.location, CURRENCY, money(whole - off),
            money(off), self.discount_code, self.referral_code, "false", self.delivery, iso(self.at), iso(self.at), "",
        )  # fmt: skip

    def lines(self) -> list[OrderLineRow]:
        """Its lines in `order_lines.csv`."""
        return [
            OrderLineRow(
                self.order_id, position, VARIANTS[sku].product_id, sku, 1, money(VARIANTS[sku].cents), CURRENCY,
                iso(self.at),
            )
            for position, sku in enumerate(self.skus, start=1)
        ]  # fmt: skip

    def steps(self) -> list[FulfilmentRow]:
        """Its lines in `fulfilments.csv`."""
        if self.delivery != "ship":
            return []
        return [FulfilmentRow(self.order_id, kind, self.location, iso(self.at + wait)) for kind, wait in _STEPS.items()]


def write_sales(folder: Path, sales: Sequence[Sale]) -> tuple[Path, ...]:
    """Write orders, their lines and what became of their parcels."""
    folder.mkdir(parents=True, exist_ok=True)
    orders, lines, steps = (folder / f"{name}.csv" for name in ("orders", "order_lines", "fulfilments"))
    write_csv(orders, OrderRow._fields, (sale.head() for sale in sales))
    write_csv(lines, OrderLineRow._fields, (row for sale in sales for row in sale.lines()))
    write_csv(steps, FulfilmentRow._fields, (row for sale in sales for row in sale.steps()))
    return orders, lines, steps


def sarah_buys(folder: Path, code: str, stage: Stage = NEW_YORK) -> tuple[Path, ...]:
    """Write her order of leggings and beanie with the code of her cart mail, and the one of Clara, who has none."""
    at = BOUGHT_AT - stage.earlier
    things = (LEGGINGS, BEANIE)
    return write_sales(
        folder,
        [
            Sale(
                order_id="SM-STORY-2", customer_id=SARAH, skus=things, at=at, cart_id=CARTS[SARAH],
                percent=CART_PERCENT, discount_code=code,
            ),
            Sale(order_id="SM-STORY-3", customer_id=CLARA, skus=things, at=at, cart_id=CARTS[CLARA]),
        ],
    )  # fmt: skip


def june_buys(folder: Path, code: str, stage: Stage = NEW_YORK) -> tuple[Path, ...]:
    """Write what the pop-up's till rings up for June, who shows the cashier Sarah's code."""
    gloves = Sale(
        order_id="SM-STORY-4", customer_id=JUNE, skus=(GLOVES,), at=GLOVES_AT - stage.earlier, channel="popup",
        location=POPUP, delivery="none", referral_code=code,
    )  # fmt: skip
    return write_sales(folder, [gloves])


def both_land(file: Path, codes: Mapping[str, str], stage: Stage = NEW_YORK) -> Path:
    """Write what the landing page tells of those who followed the code of their card: by customer, `codes`.

    The page knows nobody: the code does. Then each signs in there and looks at the scarf on her card.
    """
    people = {person.customer_id: person for person in make_people(dice(0, "later"), FEWEST_CUSTOMERS, stage)[:3]}
    stream = Clickstream(dice(0, "landing"))
    for customer_id, code in codes.items():
        at = LANDING_AT - stage.earlier
        phone = cookie(customer_id, "phone")
        stream.track(at, Visitor(phone), "Landing Viewed", {"code": code})
        person = people[customer_id]
        stream.introduce(at + timedelta(seconds=40), browser(person))
        stream.track(at + timedelta(seconds=75), browser(person), "Product Viewed", product_properties(VARIANTS[SCARF]))
    return write_calls(file, stream)


def sarah_shares(file: Path, code: str, at: datetime) -> Path:
    """Write that her link was passed on; the code says whose it is."""
    stream = Clickstream(dice(0, "share"))
    stream.track(at, Visitor(cookie(SARAH, "phone")), "Referral Shared", {"code": code, "network": "whatsapp"})
    return write_calls(file, stream)


def friends_buy(
    folder: Path, told: Sequence[tuple[str, str]], customers: Path, at: datetime, seed: int = 8
) -> tuple[Path, ...]:
    """Write friends of the people whose address and code stand in `told`: who they are, and their first orders.

    Every sixth of them is the same person in another spelling of her address, which is what a review is for.
    """
    rng = dice(seed, "friends")
    with customers.open(encoding="utf-8", newline="") as file:
        known = {row["email"]: row for row in csv.DictReader(file)}
    people, sales = [], []
    for number, (address, code) in enumerate(told, start=1):
        theirs = known[address]
        local, _, domain = address.partition("@")
        names = NAMES["us"]
        first, last = pick(rng, names["first"]), pick(rng, names["last"])
        is_herself = number % 6 == 0
        bought_at = at + timedelta(hours=1 + rng.random() * 60)
        people.append(
            CustomerRow(
                f"F-{number:04d}",
                f"{local}+friend@{domain}" if is_herself else f"{mailbox(first, last)}.{number}@{domain}",
                "", first, last, theirs["locale"], theirs["country"], theirs["region"], theirs["zone"], "",
                theirs["latitude"], theirs["longitude"], "web", iso(bought_at),
            )
        )  # fmt: skip
        things = (pick(rng, _GIFTS), GLOVES) if chance(rng, 0.4) else (pick(rng, _GIFTS),)
        sales.append(
            Sale(
                order_id=f"SM-FRIEND-{number:03d}", customer_id=f"F-{number:04d}", skus=things, at=bought_at,
                referral_code=code,
            )
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    who = folder / "customers.csv"
    write_csv(who, CustomerRow._fields, people)
    return who, *write_sales(folder, sales)


def link_clicked(file: Path, url: str, at: datetime) -> Path:
    """Write that a link in a mail was followed; its token says in whose."""
    stream = Clickstream(dice(0, f"click/{iso(at)}"))
    stream.track(at, Visitor(cookie(iso(at), "phone")), "Email Link Clicked", {"url": url})
    return write_calls(file, stream)


def write_calls(file: Path, stream: Clickstream) -> Path:
    """Write calls, a line each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in stream.lines()), encoding="utf-8", newline="\n")
    return file


__all__ = [
    "CustomerRow", "Sale", "both_land", "june_buys", "link_clicked", "sarah_buys", "sarah_shares", "write_calls",
    "write_sales",
]  # fmt: skip
