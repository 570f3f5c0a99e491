"""Landings, clicks, shares, follows, mentions, and people's word on what they want: as calls and as tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from segue.contract import Channel
from segue.render.links import Slot, Tags
from segue.store.engine import write
from segue.store.tables import identifier, referral_code, voucher

from .conftest import NOW
from .talk import BASE, FOREIGN, LINKS, add_message, add_person, bring_in, hashed, states, track

TAGS = Tags(Channel.EMAIL, "abandoned_cart", "reminder")


def _click(message_id: int, links=LINKS) -> str:
    return links.click(message_id, "https://shop.example.com/products/leggings?email=x@example.com", TAGS)


def _voucher(engine: Engine, owner: int, key: str, code: str) -> None:
    with write(engine) as connection:
        connection.execute(
            insert(voucher).values(
                key=key, code=code, profile_id=owner, offer="cart", percent=10, valid_from=NOW, valid_until=NOW
            )
        )


def test_a_click_is_known_by_the_link_of_the_message(engine: Engine, tmp_path: Path, rows):
    owner = add_person(engine, email="sarah@example.com")
    sent = add_message(engine, owner, "abandoned_cart/reminder/cart:1")
    texted = add_message(engine, owner, "abandoned_cart/reminder/cart:2", channel="sms")
    token = _click(sent).rpartition("/")[2]
    short = LINKS.short(texted, Slot.CART)
    calls = (
        track("Email Link Clicked", url=_click(sent)),
        track("Link Clicked", token=token),
        track("Link Clicked", 2, url=short),
    )
    report = bring_in(engine, tmp_path, *calls)
    assert (dict(report.taken), dict(report.skipped), dict(report.warnings)) == ({"touchpoint": 3}, {}, {})
    assert rows("SELECT kind, profile_id, message_id, network, campaign, target FROM touchpoint ORDER BY id") == [
        ("click", owner, sent, "segue", "abandoned_cart", "/products/leggings"),
        ("click", owner, sent, "segue", "abandoned_cart", "/products/leggings"),
        ("click", owner, texted, None, None, "cart"),
    ]
    again = bring_in(engine, tmp_path, *calls)
    assert (dict(again.taken), dict(again.duplicates)) == ({}, {"touchpoint": 3})


def test_a_forged_link_is_counted_and_no_more(engine: Engine, tmp_path: Path, rows):
    owner = add_person(engine, email="sarah@example.com", shop="s1")
    sent = add_message(engine, owner, "j/s/cart:1")
    good = _click(sent)
    bad = [_click(sent, FOREIGN), good[:-1] + ("A" if good[-1] != "A" else "B"), f"{BASE}/u/{good.rpartition('/')[2]}"]
    calls = [track("Link Clicked", n, url=one, user="s1") for n, one in enumerate(bad)]
    calls += [track("Link Clicked", f"t{n}", token=one) for n, one in enumerate(["", "ü\ud800", "x" * 9_000, "€"])]
    calls.append(track("Consent Withdrawn", token=FOREIGN.unsubscribe(sent, Channel.EMAIL)))
    report = bring_in(engine, tmp_path, *calls)
    # An empty token is no token; one that is no text at all is bad text.
    assert dict(report.skipped) == {"bad_token": 6, "bad_text": 1}
    assert rows("SELECT count(*) FROM touchpoint") == [(1,)]
    assert rows("SELECT count(*) FROM consent_event") == [(0,)]


def test_another_shops_address_is_a_click_of_nobody(engine: Engine, tmp_path: Path, rows):
    """A link that is not ours names nobody, whatever its path looks like; a broken one leads nowhere."""
    urls = ["https://shop.example.com/c/shoes?utm_campaign=May", "https://[broken"]
    assert not bring_in(engine, tmp_path, *(track("Link Clicked", url, url=url) for url in urls)).skipped
    assert rows("SELECT profile_id, campaign, target FROM touchpoint ORDER BY id") == [
        (None, "May", "/c/shoes"),
        (None, None, None),
    ]


def test_no_consent_follows_from_a_link_that_was_opened(engine: Engine, tmp_path: Path, rows):
    """A scanner opens every link of a mail, the unsubscribe link too: nothing is said by that."""
    sent = add_message(engine, add_person(engine, email="sarah@example.com"), "j/s/cart:1")
    urls = [_click(sent), LINKS.unsubscribe(sent, Channel.EMAIL)]
    report = bring_in(engine, tmp_path, *(track("Link Clicked", n, url=url) for n, url in enumerate(urls)))
    assert dict(report.taken) == {"touchpoint": 2}
    assert rows("SELECT count(*) FROM consent_event UNION ALL SELECT count(*) FROM suppression") == [(0,), (0,)]
    assert states(engine) == {"j/s/cart:1": ("accepted", None)}


def test_a_landing_is_its_vouchers_owners_where_nobody_is_named(engine: Engine, tmp_path: Path, rows):
    sarah, friend = add_person(engine, shop="sarah"), add_person(engine, shop="friend")
    card = add_message(engine, sarah, "welcome_insert/card/order:1", channel="print")
    _voucher(engine, sarah, "welcome_insert/card/order:1", "K7QM-2XHD")
    with write(engine) as connection:
        connection.execute(insert(referral_code).values(code="SARAH-7", profile_id=sarah, created_at=NOW))
    report = bring_in(
        engine,
        tmp_path,
        track("Landing Viewed", 1, voucher_code="k7qm-2xhd", campaign="card", network="Print"),
        track("Landing Viewed", 2, url=LINKS.landing("K7QM-2XHD"), user="friend"),
        track("Landing Viewed", 3, referral_code="SARAH-7", context={"campaign": {"name": "friends", "source": "IG"}}),
        track("Referral Shared", 4, code="sarah-7", network="WhatsApp"),
    )
    assert not report.skipped
    columns = "kind, profile_id, message_id, network, campaign, target"
    assert rows(f"SELECT {columns} FROM touchpoint ORDER BY dedupe") == [  # noqa: S608 - our own columns
        ("landing", sarah, card, "print", "card", "k7qm-2xhd"),
        ("landing", friend, card, None, None, "K7QM-2XHD"),
        # A friend's code says whose friend came, not who.
        ("landing", None, None, "ig", "friends", "SARAH-7"),
        ("share", sarah, None, "whatsapp", None, "sarah-7"),
    ]
    assert rows("SELECT count(*) FROM identifier") == [(2,)]


def test_follows_and_mentions_are_claims_until_somebody_vouches(engine: Engine, tmp_path: Path, rows):
    add_person(engine, shop="sarah")
    bring_in(
        engine,
        tmp_path,
        track("Social Followed", 1, user="sarah", network="pinterest"),
        track("Social Followed", 2, user="sarah", network="instagram", verified=True),
        track("Social Mentioned", 3, user="sarah", network="instagram", post_id="p17", verified="yes"),
        track("Ad Clicked", 4, network="Facebook", campaign="cart"),
        track("Points Redeemed", 5, user="sarah", points=200, order_id="o1"),
    )
    assert rows("SELECT kind, network, target FROM touchpoint WHERE NOT verified ORDER BY dedupe") == [
        ("follow", "pinterest", None),
        ("mention", "instagram", "p17"),
    ]
    assert rows("SELECT kind, network, campaign FROM touchpoint WHERE verified ORDER BY dedupe") == [
        ("ad_click", "facebook", "cart"),
        ("follow", "instagram", None),
    ]
    assert rows("SELECT name, profile_id IS NOT NULL FROM event") == [("Points Redeemed", True)]


def test_a_word_of_consent_is_hers_who_is_named_or_whose_link_it_is(engine: Engine, tmp_path: Path, rows):
    sarah = add_person(engine, shop="sarah", email="sarah@example.com")
    sent = add_message(engine, sarah, "j/s/cart:1")
    words = (
        track("Consent Given", 1, user="sarah", channel="email", source="popup_form", wording="Yes, write to me"),
        track("Consent Confirmed", 2, token=_click(sent).rpartition("/")[2], channel="Email"),
        track("Consent Withdrawn", 3, url=LINKS.unsubscribe(sent, Channel.EMAIL), at="2031-01-01T00:00:00Z"),
        track("Consent Given", 4, user="sarah", channel="pigeon"),
        track("Consent Given", 5, user="sarah"),
        track("Consent Withdrawn", 6, channel="email"),
    )
    report = bring_in(engine, tmp_path, *words)
    assert dict(report.skipped) == {"unknown_value": 1, "missing_key": 1, "nobody": 1}
    assert rows("SELECT profile_id, channel, state, basis, source, wording FROM consent_event ORDER BY id") == [
        (sarah, "email", "granted", "opt_in", "popup_form", "Yes, write to me"),
        (sarah, "email", "confirmed", "opt_in", "track", None),
        (sarah, "email", "denied", "objection", "track", None),
    ]
    # A no whose clock runs ahead counts from now.
    assert rows("SELECT count(*) FROM consent_event WHERE state = 'denied' AND occurred_at > recorded_at") == [(0,)]
    assert dict(bring_in(engine, tmp_path, *words).taken) == {}


@pytest.mark.parametrize("says", ["each", "all"])
def test_a_no_by_our_own_link_holds_for_everybody_at_that_address(engine: Engine, tmp_path: Path, rows, says: str):
    """The mail went to a mailbox that two people share: neither gets another one there, nor by a text of the other."""
    sarah = add_person(engine, shop="sarah", email="family@example.com", phone="+12025550123")
    tom = add_person(engine, shop="tom")
    with write(engine) as connection:  # a mailbox of two names neither
        shared = {"kind": "email", "value": "family@example.com", "identifies": False, "recorded_at": NOW}
        connection.execute(insert(identifier).values(profile_id=tom, **shared))
    sent = add_message(engine, sarah, "j/s/cart:1")
    texted = add_message(engine, sarah, "j/s/cart:2", channel="sms")
    noes = (
        track("Consent Withdrawn", 1, url=LINKS.unsubscribe(sent, Channel.EMAIL)),
        track("Consent Withdrawn", 2, url=LINKS.unsubscribe(texted, Channel.SMS)),
        track("Consent Withdrawn", 3, user="tom", channel="email"),  # through no link: of him alone
    )
    if says == "all":  # on a page that asks whether she wants nothing at all
        noes = (track("Consent Withdrawn", 1, url=LINKS.unsubscribe(sent, Channel.EMAIL), channel="all"), noes[2])
    bring_in(engine, tmp_path, *noes)
    assert set(rows("SELECT address_hash, reason FROM suppression")) == {
        (hashed("family@example.com"), "unsubscribe"),
        (hashed("+12025550123"), "stop"),
    }
    assert dict(bring_in(engine, tmp_path, *noes).taken) == {}


@pytest.mark.parametrize("first", ["yes", "no"])
def test_no_clock_that_runs_ahead_makes_a_yes_outlive_a_later_no(engine: Engine, tmp_path: Path, rows, first: str):
    """Her browser's clock is three hours fast: what she says next is later all the same. Again is once."""
    add_person(engine, shop="sarah", email="sarah@example.com")
    ahead = (NOW + timedelta(hours=3)).isoformat()
    yes = track("Consent Given", 1, user="sarah", channel="email", at=ahead)
    no = track("Consent Withdrawn", 2, user="sarah", channel="email", at=NOW.isoformat())
    for words in ((yes, no) if first == "yes" else (no, yes), (yes, no)):
        for one in words:
            bring_in(engine, tmp_path, one)
    assert rows("SELECT count(*) FROM consent_event WHERE occurred_at > recorded_at") == [(0,)]
    assert rows("SELECT count(*) FROM consent_event") == [(2,)]


def test_an_order_names_the_friends_code_and_the_till(engine: Engine, tmp_path: Path, rows, table_of):
    table_of(
        "id,name,address\npop1,Pop-up,1 Market St\n",
        'name = "s"\n[[record]]\nkind = "location"\n[record.fields]\nexternal_id = "id"\nname = "name"\n'
        'address = "address"\nkind = { constant = "popup" }\n',
    )
    order = track("Order Completed", order_id="o1", total=10, user="u1", referral_code="SARAH-7", location="pop1")
    assert not bring_in(engine, tmp_path, order).warnings
    assert rows(
        'SELECT o.referral_code, l.external_id, l.address FROM "order" o JOIN location l ON l.id = o.location_id'
    ) == [("SARAH-7", "pop1", "1 Market St")]


_TABLE = """name = "till"
[[record]]
kind = "touchpoint"
[record.fields]
loyalty = "card"
kind = "what"
code = "code"
key = "message"
network = "network"
verified = "seen"
occurred_at = "at"
"""


def test_touchpoints_of_a_table(engine: Engine, rows, table_of):
    owner = add_person(engine, loyalty="L1")
    sent = add_message(engine, owner, "j/s/cart:1")
    _voucher(engine, owner, "j/s/cart:1", "K7QM-2XHD")
    content = (
        "card,what,code,message,network,seen,at\n"
        "L1,follow,,,Pinterest,,2026-04-01T10:00:00Z\n"
        "L1,follow,,,Instagram,yes,2026-04-01T10:00:00Z\n"
        ",landing,k7qm-2xhd,,,,2026-04-01T10:00:00Z\n"
        ",click,,j/s/cart:1,,,2026-04-01T10:00:00Z\n"
        ",click,,j/s/cart:99,,,2026-04-01T10:00:00Z\n"
        "L1,jump,,,,,2026-04-01T10:00:00Z\n"
    )
    report = table_of(content, _TABLE)
    assert (dict(report.skipped), dict(report.warnings)) == ({"unknown_value": 1}, {"unknown_message": 1})
    found = rows("SELECT kind, profile_id, message_id, network, verified FROM touchpoint ORDER BY id")
    assert [(*row[:4], bool(row[4])) for row in found] == [
        ("follow", owner, None, "pinterest", False),
        ("follow", owner, None, "instagram", True),
        ("landing", owner, sent, None, True),
        ("click", owner, sent, None, True),
        ("click", None, None, None, True),
    ]
    assert dict(table_of(content, _TABLE).taken) == {}


_RELATIONS = """name = "shop"
[[record]]
kind = "relation"
[record.fields]
product = "a"
related = "b"
kind = "kind"
rank = "rank"
"""


def test_relations_keep_their_last_rank(engine: Engine, rows, table_of):
    report = table_of("a,b,kind,rank\n1,2,goes_with,3\n1,2,goes_with,1\n1,3,alternative,\n1,1,goes_with,\n", _RELATIONS)
    assert (report.taken["relation"], dict(report.skipped)) == (2, {"bad_id": 1})
    told = (
        "SELECT p.external_id, q.external_id, r.kind, r.rank FROM product_relation r"
        " JOIN product p ON p.id = r.product_id JOIN product q ON q.id = r.related_id ORDER BY r.id"
    )
    assert rows(told) == [("1", "2", "goes_with", 1), ("1", "3", "alternative", 0)]
    assert dict(table_of("a,b,kind,rank\n1,2,goes_with,5\n", _RELATIONS).updated) == {"relation": 1}
    assert rows(told)[0][3] == 5
    assert dict(table_of("a,b,kind,rank\n1,2,goes_with,5\n", _RELATIONS).updated) == {}


@pytest.mark.parametrize("kind", ["touchpoint", "relation", "delivery"])
def test_the_how_to_names_every_field(kind: str):
    from segue.intake.kinds import KINDS

    guide = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "import-your-data.md").read_text()
    line = next(one for one in guide.splitlines() if one.startswith(f"| `{kind}`"))
    names = set(KINDS[kind]) - {"email", "phone", "shop", "loyalty", "cookie"}
    assert [name for name in sorted(names) if name not in line] == []
