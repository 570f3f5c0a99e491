"""What a stranger types at a checkout takes nothing from anybody, whichever file is read first."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

_WHO = """
shop = "shop"
loyalty = "card"
email = "email"
phone = "phone"
"""
PEOPLE = f'name = "people"\n[[record]]\nkind = "profile"\n[record.fields]{_WHO}first_name = "first"\n'
ORDERS = f"""name = "orders"
[[record]]
kind = "order"
[record.fields]{_WHO}external_id = "id"
currency = {{ constant = "USD" }}
total = {{ constant = "5" }}
occurred_at = {{ constant = "2026-04-01T10:00:00Z" }}
"""
CONSENTS = f"""name = "consents"
[[record]]
kind = "consent"
[record.fields]{_WHO}channel = "channel"
state = "state"
purpose = {{ constant = "marketing" }}
source = {{ constant = "form" }}
occurred_at = {{ constant = "2026-04-02T10:00:00Z" }}
"""
VERA, MALLORY, PHONE = "vera@example.com", "mallory@example.com", "+12025550143"
NAMES = "SELECT kind, value, profile_id, identifies FROM identifier ORDER BY id"
BUYERS = 'SELECT external_id, profile_id FROM "order"'
MERGES = "SELECT kept_id, gone_id FROM profile_merge"


@pytest.fixture
def people(table_of):
    """Import a customers file of rows `shop,card,email,phone,first`."""
    return lambda *lines: table_of("shop,card,email,phone,first\n" + "".join(f"{line}\n" for line in lines), PEOPLE)


@pytest.fixture
def orders(table_of):
    """Import orders, rows of `id,shop,card,email,phone`."""
    return lambda *lines: table_of("id,shop,card,email,phone\n" + "".join(f"{line}\n" for line in lines), ORDERS)


@pytest.fixture
def consents(table_of):
    """Import consents, rows of `shop,card,email,phone,channel,state`."""
    head = "shop,card,email,phone,channel,state\n"
    return lambda *lines: table_of(head + "".join(f"{line}\n" for line in lines), CONSENTS)


@pytest.fixture
def named(rows):
    """Whom each name means."""
    return lambda: {value: who for _, value, who, identifies in rows(NAMES) if identifies}


@pytest.fixture
def reached(rows):
    """All names of everybody, the ways to reach them as well."""

    def ask() -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for _, value, who, _ in rows(NAMES):
            found.setdefault(who, set()).add(value)
        return found

    return ask


@pytest.mark.parametrize("one_file", [True, False])
@pytest.mark.parametrize(
    ("one", "two"), [("u1,,", "u2,,"), (",L1,", ",L2,"), ("u1,L1,", "u2,L1,"), ("u1,L1,", "u2,L2,")]
)
def test_a_second_new_account_is_a_second_person(people, named, rows, one: str, two: str, one_file: bool):
    lines = (f"{one}both@example.com,,Ann", f"{two}both@example.com,,Bea")
    report = people(*lines) if one_file else [people(line) for line in lines][1]
    assert dict(report.warnings) == {"two_accounts": 1}
    first, second = (line.split(",")[0] or line.split(",")[1] for line in (one, two))
    assert named()[first] == named()["both@example.com"] != named()[second]
    assert rows("SELECT first_name FROM profile ORDER BY id") == [("Ann",), ("Bea",)]
    assert [(who, bool(names)) for kind, _, who, names in rows(NAMES) if kind == "email"] == [
        (named()[first], True),
        (named()[second], False),
    ]
    assert rows(MERGES) == []
    again = people(*lines)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})


def test_a_new_account_does_not_hide_that_two_have_one_each(people, named, rows):
    """The row names L1 and both@, and a shop id that neither has: both@ has another, L1 has none."""
    people("u1,,both@example.com,,Ann", ",L1,,,Bea")
    assert dict(people("u2,L1,both@example.com,,Bea").warnings) == {"two_accounts": 1}
    assert named()["u2"] == named()["L1"] != named()["u1"]
    assert rows(MERGES) == []


def test_a_new_card_of_a_known_account_is_hers(people, named):
    people("u1,L1,ann@example.com,,Ann")
    assert not people("u1,L2,ann@example.com,,Ann").warnings
    assert len(set(named().values())) == 1


def test_an_account_goes_to_the_address_that_has_none(people, named):
    people(",,ann@example.com,,Ann")
    assert not people("u1,,ann@example.com,,Ann").warnings
    assert named()["u1"] == named()["ann@example.com"]


@pytest.mark.parametrize("turn", list(permutations(range(3))))
def test_anothers_address_at_the_checkout_takes_nobody_over(people, orders, named, rows, turn: tuple[int, ...]):
    """Whichever of the three files is read first: two people, each under her own account, and no order is lost."""
    files = [
        lambda: people(f"u1,,{VERA},,Vera"),
        lambda: orders(f"o1,u9,,{VERA},"),
        lambda: people(f"u9,,{MALLORY},,Mallory"),
    ]
    for number in turn:
        files[number]()
    who = named()
    assert who["u1"] != who["u9"] == who[MALLORY]
    assert rows("SELECT first_name FROM profile ORDER BY first_name") == [("Mallory",), ("Vera",)]
    assert rows(MERGES) == []
    assert rows(BUYERS) == [("o1", who["u9"])]


def test_her_address_is_not_a_way_to_reach_the_stranger(people, orders, named, reached):
    people(f"u1,,{VERA},,Vera")
    assert dict(orders(f"o1,u9,,{VERA},").warnings) == {"two_accounts": 1}
    people(f"u9,,{MALLORY},,Mallory")
    assert reached()[named()["u9"]] == {"u9", MALLORY}
    assert reached()[named()["u1"]] == {"u1", VERA}


def test_an_order_of_a_subscriber_is_hers_and_its_account_waits_to_be_introduced(people, orders, named, rows):
    people(f",,{VERA},,Vera")
    orders(f"o1,u9,,{VERA},")
    assert rows(BUYERS) == [("o1", named()[VERA])]
    assert "u9" not in named()
    people(f"u9,,{MALLORY},,Mallory")
    assert named()["u9"] == named()[MALLORY] != named()[VERA]


def test_an_order_of_two_people_is_the_accounts(people, orders, named, rows):
    people(f",,{VERA},,Vera", "u9,,,,Mallory")
    assert dict(orders(f"o1,u9,,{VERA},").warnings) == {"needs_merge": 1}
    assert rows(BUYERS) == [("o1", named()["u9"])]
    assert rows(MERGES) == []


def test_an_order_adds_no_address_card_or_phone_to_a_known_account(people, orders, named, reached):
    people("u1,,ann@example.com,,Ann")
    orders(f"o1,u1,L7,{VERA},{PHONE}")
    assert reached() == {named()["u1"]: {"u1", "ann@example.com"}}


def test_an_order_of_somebody_new_makes_her_with_all_it_says(orders, named, reached, rows):
    orders(f"o1,u1,L1,ann@example.com,{PHONE}", f"o2,u1,,,{PHONE}")
    assert reached() == {named()["u1"]: {"u1", "L1", "ann@example.com", PHONE}}
    assert PHONE not in named(), "a phone beside an address names nobody"
    assert rows("SELECT count(*) FROM profile") == [(1,)]


def test_a_strangers_phone_at_the_checkout_joins_nobody(orders, consents, named, rows):
    """She gets text messages and is known by her phone alone; somebody mistypes her own."""
    consents(f",,,{PHONE},sms,granted")
    orders(f"o1,,,{MALLORY},{PHONE}")
    assert named()[MALLORY] != named()[PHONE]
    assert rows("SELECT profile_id FROM consent_event") == [(named()[PHONE],)]


@pytest.mark.parametrize("name", [f",,{VERA}", "u1,,"])
def test_an_orders_phone_is_not_where_to_text_somebody_known(orders, consents, named, reached, name: str):
    consents(f"{name},,sms,granted")
    orders(f"o1,{name},{PHONE}")
    assert PHONE not in set().union(*reached().values())
    assert len(named()) == 1


def test_who_is_known_by_phone_alone_gathers_her_orders(orders, people, named, rows):
    """Cash on delivery; and the customers file then says who she is."""
    orders(f"o1,,,,{PHONE}", f"o2,,,,{PHONE}")
    assert rows('SELECT DISTINCT profile_id FROM "order"') == [(named()[PHONE],)]
    people(f"u1,,{VERA},{PHONE},Vera")
    assert len(set(named().values())) == 1
    orders(f"o3,,,,{PHONE}")
    assert rows('SELECT DISTINCT profile_id FROM "order"') == [(named()["u1"],)]


def test_a_phone_typed_first_by_a_stranger_is_still_hers_to_be_known_by(orders, people, named):
    orders(f"o1,,,{MALLORY},{PHONE}")
    people(f"u1,,{VERA},{PHONE},Vera")
    assert named()[PHONE] == named()["u1"] == named()[VERA] != named()[MALLORY]


def test_a_no_is_first_of_all_about_the_address(people, consents, named, rows):
    """The form gives an account that is somebody else's, or new: the no silences whose address it is."""
    people(f"u1,,{VERA},,Vera", "u9,,,,Mallory")
    consents(f"u9,,{VERA},,email,denied", f"u8,,{VERA},,email,denied")
    assert rows("SELECT DISTINCT profile_id FROM consent_event") == [(named()[VERA],)]
    assert "u8" not in named()


def _track(user: str, cookie: str, email: str) -> str:
    call = {"type": "track", "event": "Order Completed", "userId": user, "anonymousId": cookie, "messageId": cookie}
    call["timestamp"] = "2026-04-01T10:00:00Z"
    call |= {"context": {"traits": {"email": email}}}
    call["properties"] = {"order_id": "o1", "total": 5, "products": [{"sku": "A", "price": 5}]}
    return json.dumps(call)


@pytest.mark.parametrize("known", [f",,{VERA},,Vera", f"u1,,{VERA},,Vera"])
def test_the_strangers_browser_is_not_hers(events_of, people, named, reached, known: str):
    people(known)
    events_of(_track("u9", "c9", VERA))
    assert "c9" not in reached()[named()[VERA]]
    assert "u9" not in reached()[named()[VERA]]
