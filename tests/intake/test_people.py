"""Who is who: nobody is joined by mistake, and nobody is made twice."""

from __future__ import annotations

import json
from itertools import count

import pytest

_numbers = count()


def _call(kind: str = "identify", *, user: str | None = None, cookie: str | None = None, **rest: object) -> str:
    """One call as its client would write it; `rest` are traits for identify, properties for track."""
    body = {"type": kind, "userId": user, "anonymousId": cookie, "messageId": f"m{next(_numbers)}"}
    body["timestamp"] = "2026-04-01T10:00:00.000Z"
    if kind == "identify":
        body["traits"] = rest
    else:
        body["event"] = rest.pop("event")
        body["properties"] = rest
    return json.dumps(body) + "\n"


NAMES = "SELECT kind, value, profile_id, identifies FROM identifier ORDER BY kind, value, id"


MERGES = "SELECT kept_id, gone_id, because FROM profile_merge ORDER BY id"


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("one_file", [False, True])
def test_an_identify_that_names_two_puts_them_on_record(events_of, rows, swapped: bool, one_file: bool):
    """Whichever of the two came first, and in one file or two: the older one is kept, and gets what was said."""
    two = [_call(user="u1", firstName="Ann"), _call(email="b@example.com", firstName="Bea")]
    known = "".join(reversed(two) if swapped else two)
    join = _call(user="u1", email="b@example.com", lastName="Lee", cookie="c9")
    if one_file:
        report = events_of(known + join)
    else:
        events_of(known)
        report = events_of(join)
    owner = {kind: who for kind, _, who, _ in rows(NAMES)}
    kept, gone = sorted((owner["shop"], owner["email"]))
    assert kept != gone, "who is who is for the merge to settle"
    assert rows(MERGES) == [(kept, gone, "shop" if swapped else "email")]
    assert dict(report.warnings) == {"needs_merge": 1}
    assert not report.skipped
    assert rows("SELECT id, last_name FROM profile WHERE last_name IS NOT NULL") == [(kept, "Lee")]
    assert owner["cookie"] == kept
    events_of(join)
    assert len(rows(MERGES)) == 1, "a pair is on record once"


def test_three_names_of_three_profiles_are_one_person(table_of, rows):
    mapping = """
name = "people"
[[record]]
kind = "profile"
[record.fields]
email = "email"
shop = "shop"
loyalty = "card"
"""
    table_of("email,shop,card\na@example.com,,\n,u1,\n,,L1\n", mapping)
    report = table_of("email,shop,card\na@example.com,u1,L1\n", mapping)
    assert dict(report.warnings) == {"needs_merge": 1}
    owner = {value: who for _, value, who, _ in rows(NAMES)}
    assert rows(MERGES) == [
        (owner["a@example.com"], owner["u1"], "shop"),
        (owner["a@example.com"], owner["L1"], "loyalty"),
    ]


@pytest.mark.parametrize("one_file", [False, True])
def test_an_address_that_two_accounts_give_is_a_familys(events_of, rows, one_file: bool):
    """Each has a shop id of her own: the address names the first and is only a way to reach the second."""
    known = _call(user="u1", email="both@example.com") + _call(user="u2", firstName="Bea")
    second = _call(user="u2", email="both@example.com", lastName="Lee")
    report = events_of(known + second) if one_file else (events_of(known), events_of(second))[1]
    assert dict(report.warnings) == {"two_accounts": 1}
    assert rows(MERGES) == []
    owner = {value: who for kind, value, who, _ in rows(NAMES) if kind == "shop"}
    emails = [(who, bool(identifies)) for kind, _, who, identifies in rows(NAMES) if kind == "email"]
    assert emails == [(owner["u1"], True), (owner["u2"], False)]
    assert rows("SELECT first_name FROM profile WHERE last_name = 'Lee'") == [("Bea",)]
    again = events_of(second)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})


@pytest.mark.parametrize("files", [1, 2, 4])
def test_a_desks_own_address_does_not_make_one_of_its_customers(events_of, rows, files: int):
    """`guest@` was somebody first; whoever gives it next is taken for her, the one after that is not."""
    lines = [
        _call(email="guest@example.com"),
        _call(user="u1") + _call(user="u2"),
        _call(user="u1", email="guest@example.com"),
        _call(user="u2", email="guest@example.com"),
    ]
    for start in range(0, 4, 4 // files):
        events_of("".join(lines[start : start + 4 // files]))
    owner = {value: who for _, value, who, identifies in rows(NAMES) if identifies}
    assert [pair[:2] for pair in rows(MERGES)] == [(owner["guest@example.com"], owner["u1"])]


def test_an_order_under_two_names_proves_nothing(events_of, table_of, rows):
    """A gift, or somebody else's address at the till: the order is the stronger name's, and the two stay two."""
    events_of(_call(user="u1") + _call(email="b@example.com"))
    mapping = """
name = "orders"
[[record]]
kind = "order"
[record.fields]
external_id = "id"
shop = "shop"
email = "email"
currency = { constant = "USD" }
total = "total"
occurred_at = "at"
"""
    report = table_of("id,shop,email,total,at\no1,u1,b@example.com,5,2026-04-01T10:00:00Z\n", mapping)
    assert dict(report.warnings) == {"needs_merge": 1}
    assert rows(MERGES) == []
    assert rows('SELECT count(*) FROM "order" WHERE profile_id IS NOT NULL') == [(1,)]


def test_a_cookie_of_another_person_stays_with_her(events_of, rows):
    """One laptop, two people who both say who they are: what was said is hers who said it, nobody is merged."""
    events_of(_call(email="a@example.com", cookie="c1") + _call(email="b@example.com"))
    report = events_of(_call(email="b@example.com", cookie="c1", firstName="Bea"))
    assert dict(report.warnings) == {"shared_cookie": 1}
    assert rows(MERGES) == []
    owners = {value: owner for _, value, owner, names in rows(NAMES) if names}
    assert owners["c1"] == owners["a@example.com"]
    assert rows("SELECT id FROM profile WHERE first_name = 'Bea'") == [(owners["b@example.com"],)]


@pytest.mark.parametrize("one_file", [False, True])
def test_a_shared_browser_makes_two_people(events_of, rows, one_file: bool):
    """A new address under a known cookie is somebody else; the cookie stays where it was, and stands with both."""
    first, second = _call(email="a@example.com", cookie="c1"), _call(email="b@example.com", cookie="c1")
    if not one_file:
        events_of(first)
    report = events_of(first + second if one_file else second)
    assert dict(report.warnings) == {"shared_cookie": 1}
    owners = {(kind, value, names): owner for kind, value, owner, names in rows(NAMES)}
    assert owners["email", "a@example.com", True] == owners["cookie", "c1", True]
    assert owners["email", "b@example.com", True] == owners["cookie", "c1", False] != owners["cookie", "c1", True]
    assert not events_of(second.replace('"m', '"again')).updated.get("profile")


def test_names_of_one_person_gather(events_of, rows):
    """Address, shop id, cookie and phone, told bit by bit, are one profile."""
    calls = [
        _call(email="a@example.com", cookie="c1"),
        _call(user="u1", cookie="c1"),
        _call(user="u1", phone="+12025550143"),
    ]
    for call in calls:
        events_of(call)
    assert len({row[2] for row in rows(NAMES)}) == 1
    assert len(rows(NAMES)) == 4


def test_two_addresses_with_one_phone_stay_two_people(events_of, rows):
    """The phone names the first and is only a way to reach the second; again is once."""
    calls = _call(email="a@example.com", phone="+1 202 555 0143") + _call(email="b@example.com", phone="+12025550143")
    assert dict(events_of(calls).warnings) == {"shared_phone": 1}
    phones = [(value, identifies) for kind, value, _, identifies in rows(NAMES) if kind == "phone"]
    assert [(value, bool(identifies)) for value, identifies in phones] == [
        ("+12025550143", True),
        ("+12025550143", False),
    ]
    again = events_of(calls)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})
    assert dict(again.duplicates) == {"profile": 2}


def test_a_phone_alone_names_until_there_is_a_better_name(events_of, rows):
    """Who was known by phone only and then gives an address is the same person."""
    events_of(_call(phone="+12025550143"))
    events_of(_call(phone="+12025550143", email="a@example.com"))
    assert rows("SELECT count(*) FROM profile") == [(1,)]


def test_the_later_word_about_a_person_stands_and_silence_says_nothing(events_of, rows):
    calls = _call(email="a@example.com", firstName="An", lastName="Lee", address={"country": "us", "state": "NY"})
    calls += _call(
        email="A@example.com ", firstName="Ann", timezone="America/New_York", locale="en_US", birthday="1990-05-01"
    )
    statement = "SELECT first_name, last_name, country, region, zone, locale, birth_year FROM profile"
    expected = [("Ann", "Lee", "US", "NY", "America/New_York", "en-US", 1990)]
    events_of(calls)
    assert rows(statement) == expected
    again = events_of(calls)
    assert rows(statement) == expected
    assert (dict(again.taken), dict(again.updated)) == ({}, {})


def test_traits_are_read_from_the_context_as_well(events_of, rows):
    """One client's library puts them there and sends a null anonymousId."""
    call = {
        "type": "identify",
        "userId": "u1",
        "anonymousId": None,
        "messageId": "x",
        "timestamp": "2026-04-01T10:00:00Z",
    }
    call["context"] = {"traits": {"email": "a@example.com", "firstName": "Ann"}}
    assert dict(events_of(json.dumps(call)).skipped) == {}
    assert rows("SELECT first_name FROM profile") == [("Ann",)]


def test_a_late_identify_finds_the_carts_of_its_cookie(events_of, rows):
    """Nobody's cart, and the order made of it, get their owner when the cookie does, in a later file too."""
    add = {"event": "Product Added", "sku": "G-32", "price": 5, "quantity": 1}
    events_of(
        _call("track", cookie="c1", cart_id="k1", **add)
        + _call("track", cookie="c2", cart_id="k2", **add)
        + _call("track", cookie="c1", event="Order Completed", order_id="o1", cart_id="k1", total=5)
    )
    assert rows("SELECT count(*) FROM profile") == [(0,)]
    report = events_of(_call(email="a@example.com", cookie="c1"))
    assert dict(report.updated) == {"cart": 1, "order": 1}
    statement = (
        "SELECT c.external_id, p.id IS NOT NULL FROM cart c LEFT JOIN profile p ON p.id = c.profile_id ORDER BY 1"
    )
    assert [(name, bool(owned)) for name, owned in rows(statement)] == [("k1", True), ("k2", False)]
    assert rows('SELECT count(*) FROM "order" WHERE profile_id IS NOT NULL') == [(1,)]


def test_a_cart_keeps_its_first_owner(events_of, rows):
    add = {"event": "Product Added", "sku": "G-32", "price": 5, "cart_id": "k1"}
    events_of(_call("track", user="u1", **add))
    report = events_of(_call("track", user="u2", **add))
    assert dict(report.warnings) == {"cart_of_another": 1}
    first = rows("SELECT profile_id FROM identifier WHERE value = 'u1'")
    assert rows("SELECT profile_id FROM cart") == first


def test_a_cookie_alone_makes_nobody(events_of, rows):
    report = events_of(_call(cookie="c1", firstName="Ann") + _call(cookie="c1", email="not an address"))
    assert dict(report.skipped) == {"missing_key": 2}
    assert dict(report.warnings) == {"bad_email": 1}
    assert rows("SELECT count(*) FROM profile") == [(0,)]
