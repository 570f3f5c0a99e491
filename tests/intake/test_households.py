"""Who lives together: one door in any spelling, told by every file with an address; the address is not kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from segue.intake.households import household_hash, one_spelling
from segue.store.tables import metadata

from .talk import bring_in, hashed

_US = ("12 Main St Apt 4", "02139", None, "US")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_US, ("12 MAIN STREET, Apt. #4", "02139-1234", "Cambridge", "US")),
        (_US, ("12 Main Str. Unit 4", " 02139 ", None, "US")),
        (("10 Downing Street", "SW1A 2AA", None, "GB"), ("10, downing st.", "sw1a2aa", "London", "GB")),
        (("Hauptstraße 5 B", "10115", None, "DE"), ("HAUPTSTR. 5b", "10115", "Berlin", "DE")),
        (("Müllerstr. 7", "13353", None, "DE"), ("Mu\u0308ller Strasse 7", "13353", "", "DE")),
        (("Avenida de América 3", "28028", None, "ES"), ("avda. de america, 3", "28028", None, "ES")),
        (("5 O'Connell St", None, "Dublin", "IE"), ("5 O\u2019Connell Street", "", "DUBLIN", "IE")),
    ],
)  # fmt: skip
def test_one_door_in_two_spellings(one, other):
    assert one_spelling(*one) == one_spelling(*other) is not None


@pytest.mark.parametrize(
    "other",
    [
        ("12 Main St Apt 5", "02139", None, "US"), ("13 Main St Apt 4", "02139", None, "US"),
        ("12 Main Ave Apt 4", "02139", None, "US"), ("12 Main St Apt 4", "02138", None, "US"),
        ("12 Main St Apt 4", "02139", None, "DE"), ("1 2 Main St Apt 4", "02139", None, "US"),
    ],
)  # fmt: skip
def test_the_next_door_is_another(other):
    assert one_spelling(*other) not in {None, one_spelling(*_US)}


@pytest.mark.parametrize("home", [("", "02139", "B", "US"), ("1 Main St", "", None, "US"), ("...", "1", None, None)])
def test_half_an_address_is_nobodys_home(home):
    assert household_hash(*home, hashed) is None


@given(
    st.text(max_size=30), st.text(max_size=9), st.sampled_from([None, "US", "DE"]), st.sampled_from([" ", ", ", ". "])
)
def test_case_signs_and_spaces_tell_no_doors_apart(street: str, code: str, country: str | None, sign: str):
    plain = one_spelling(street, code, None, country)
    assert one_spelling(f" {sign.join(street.split(' '))}{sign}", f" {code} ", None, country) == plain
    if street.isascii() and code.isascii():
        assert one_spelling(street.upper(), code.lower(), None, country) == plain


def test_every_door_that_is_told_an_address_keeps_its_hash_alone(engine: Engine, tmp_path: Path, rows):
    """A call, a table and two exports of Shopify's: four people, one household."""
    call = {"type": "identify", "userId": "u1", "messageId": "m1", "timestamp": "2026-04-01T10:00:00Z"}
    address = {"street": "12 Main St. #4", "city": "Cambridge", "postalCode": "02139", "country": "US"}
    bring_in(engine, tmp_path, {**call, "traits": {"address": address}})
    mapping = (
        'name = "crm"\n[[record]]\nkind = "profile"\n[record.fields]\nshop = "id"\nstreet = "s"\npostcode = "p"\n'
        'city = "c"\ncountry = "k"\n'
    )
    bring_in(
        engine, tmp_path, "id,s,p,c,k", "u2,12 main street apt 4,02139,Cambridge,US", name="crm.csv", mapping=mapping
    )
    bring_in(
        engine,
        tmp_path,
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Address1,"
        "Default Address Address2,Default Address City,Default Address Country Code,Default Address Zip,"
        "Total Spent,Total Orders",
        "3,A,B,three@example.com,no,12 Main St,Apt 4,Cambridge,US,02139,0,0",
        name="customers_export.csv",
    )
    bring_in(
        engine,
        tmp_path,
        "Name,Email,Financial Status,Paid at,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
        "Lineitem sku,Billing Street,Billing City,Billing Zip,Billing Country,Id",
        "#1,four@example.com,paid,2026-04-01 10:00:00 +0000,USD,5.00,2026-04-01 10:00:00 +0000,1,Cup,5.00,CUP,"
        '"12 Main Street, Apt 4",Cambridge,\'02139,US,99',
        name="orders_export.csv",
    )
    found = rows("SELECT household_hash FROM profile")
    assert len(found) == 4
    assert set(found) == {(household_hash(*_US, hashed),)}
    with engine.connect() as connection:
        kept = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    assert not [row for row in kept if "ain St" in row or "ain st" in row or "02139" in row]
