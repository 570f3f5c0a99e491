"""Shopify customers: who they are, and what their ticks are worth."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import pytest

from segue.intake import IntakeError
from segue.intake import records as r

from .shopify_files import NOW, SAMPLES, of, read, table

NEW = (
    "Customer ID", "First Name", "Last Name", "Email", "Accepts Email Marketing", "Default Address City", "Default Address Province Code",
    "Default Address Country Code", "Default Address Phone", "Phone", "Accepts SMS Marketing", "Total Spent", "Total Orders", "Note", "Tags",
)  # fmt: skip
OLD = (
    "First Name", "Last Name", "Email", "Accepts Email Marketing", "Company", "Address1", "City", "Province", "Province Code", "Country",
    "Country Code", "Zip", "Phone", "Accepts SMS Marketing", "Total Spent", "Total Orders", "Tags", "Note", "Tax Exempt",
)  # fmt: skip


def somebody(**cells: str) -> dict[str, str]:
    given = {
        "Customer ID": "7801122334401", "First Name": "Sarah", "Last Name": "Doe", "Email": " Sarah@Example.com", "Phone": "+1 202 555 0101",
        "Accepts Email Marketing": "yes", "Accepts SMS Marketing": "no", "Default Address Country Code": "US",
        "Default Address Province Code": "OR", "Country Code": "US", "Province Code": "OR",
    }  # fmt: skip
    return {**given, **{name.replace("_", " "): text for name, text in cells.items()}}


def test_both_headers() -> None:
    facts, report = read(table(somebody(), columns=NEW))
    (person,) = of(r.Profile, facts)
    assert person.names == (("email", "sarah@example.com"), ("shop", "7801122334401"), ("phone", "+12025550101"))
    assert person.traits == {"first_name": "Sarah", "last_name": "Doe", "country": "US", "region": "OR"}
    assert report.source == "shopify-customers"
    older, report = read(table(somebody(Country_Code="", Country="United States"), columns=OLD))
    (person,) = of(r.Profile, older)
    assert person.names == (("email", "sarah@example.com"), ("phone", "+12025550101"))
    assert person.traits == {"first_name": "Sarah", "last_name": "Doe", "country": "US", "region": "OR"}
    assert not report.warnings


def consents(**cells: str) -> dict[str, tuple[str, str, bool]]:
    facts, _ = read(table(somebody(**cells), columns=NEW))
    said = of(r.Consent, facts)
    assert all(
        one.occurred_at == NOW and one.purpose == "marketing" and one.source == "import:shopify:customers"
        for one in said
    )
    return {one.channel: (one.state, one.basis, one.is_dated) for one in said}


YES, DOUBT = ("granted", "opt_in", False), ("doubted", "opt_in", False)


def test_a_yes_is_weak_and_a_no_a_doubt() -> None:
    assert consents() == {"email": YES, "sms": DOUBT}
    assert consents(Accepts_Email_Marketing="no", Accepts_SMS_Marketing="TRUE") == {"email": DOUBT, "sms": YES}
    assert consents(Accepts_Email_Marketing="", Accepts_SMS_Marketing="0") == {"sms": DOUBT}


def test_a_yes_needs_an_address_and_a_doubt_none() -> None:
    assert consents(Email="", Accepts_SMS_Marketing="yes", Phone="") == {}
    assert consents(Email="", Phone="", Accepts_Email_Marketing="no") == {"email": DOUBT, "sms": DOUBT}


@pytest.mark.parametrize("word", ["subscribed", "maybe", "ja", "pending"])
def test_another_word_is_no_yes(word: str) -> None:
    facts, report = read(table(somebody(Accepts_Email_Marketing=word), columns=NEW))
    assert [one for one in of(r.Consent, facts) if one.channel == "email"] == []
    assert report.warnings == {"unknown_state": 1}
    assert (report.lines[0].line, report.lines[0].column) == (2, "Accepts Email Marketing")


def test_who_can_be_known() -> None:
    def names(**cells: str) -> list[tuple[tuple[str, str], ...]]:
        return [one.names for one in of(r.Profile, read(table(somebody(**cells), columns=NEW))[0])]

    assert names(Email="", Customer_ID="") == [(("phone", "+12025550101"),)]
    assert names(Email="", Phone="") == [(("shop", "7801122334401"),)]
    assert names(Email="broken")[0] == (("shop", "7801122334401"), ("phone", "+12025550101"))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"Email": "broken"}, "bad_email"), ({"Email": "", "Phone": "0"}, "bad_phone"), ({"Email": ""}, "missing_key"),
     ({"Customer_ID": "7.80112E+12", "Email": "a@example.com"}, "bad_id")],
)  # fmt: skip
def test_who_cannot(cells: dict[str, str], reason: str) -> None:
    facts, report = read(table(somebody(**{"Customer_ID": "", "Phone": "", **cells}), somebody(), columns=NEW))
    assert len(of(r.Profile, facts)) == 1
    assert report.skipped == {reason: 1}
    assert not report.warnings
    assert report.lines[0].line == 2


def test_a_broken_address_beside_a_good_one_is_a_warning() -> None:
    _, report = read(table(somebody(Email="broken", Phone="5550101"), columns=NEW))
    assert report.warnings == {"bad_email": 1, "bad_phone": 1}
    facts, report = read(table(somebody(Phone="202 555 0101"), columns=NEW), calling_code="1")
    assert dict(of(r.Profile, facts)[0].names)["phone"] == "+12025550101"


def test_the_address_book_names_nobody() -> None:
    facts, _ = read(table(somebody(Phone="", Default_Address_Phone="+12025550199"), columns=NEW))
    assert "phone" not in dict(of(r.Profile, facts)[0].names)


def test_guarded_ids_and_phones() -> None:
    facts, _ = read(table(somebody(Customer_ID="'7801122334401", Phone="'+12025550101"), columns=NEW))
    assert of(r.Profile, facts)[0].names[1:] == (("shop", "7801122334401"), ("phone", "+12025550101"))


def test_birthdays_stand_in_columns_of_the_shop() -> None:
    def year(title: str, cell: str) -> object:
        facts, _ = read(table({**somebody(), title: cell}, columns=(*NEW, title)))
        return of(r.Profile, facts)[0].traits.get("birth_year")

    key = "(customer.metafields.facts.birth_date)"
    assert year(f"Birthday {key}", "1990-03-07") == 1990
    assert year(f"Cumpleaños {key}", "07/03/1990") == 1990
    assert year(f"Birthday {key}", "7 March") is None
    assert year(f"Birthday {key}", "2090-01-01") is None
    assert year("Shoe (customer.metafields.custom.shoe)", "1990") is None
    assert year("Birthday", "1990-03-07") is None


def test_the_same_twice_and_the_same_person_twice() -> None:
    later = somebody(Customer_ID="7801122334499", First_Name="Sally", Accepts_Email_Marketing="no")
    facts, report = read(table(somebody(), somebody(), later, columns=NEW))
    assert [one.traits["first_name"] for one in of(r.Profile, facts)] == ["Sarah", "Sally"]
    assert report.warnings == {"duplicate": 1, "superseded": 1}


def test_a_name_of_a_region_is_no_code() -> None:
    facts, _ = read(table(somebody(Default_Address_Province_Code="Oregon"), columns=NEW))
    assert "region" not in of(r.Profile, facts)[0].traits


def test_needs_somebody_to_name() -> None:
    with pytest.raises(IntakeError, match="Email or Phone or Customer ID"):
        read(table(somebody(), columns=("First Name", "Last Name")), "shopify-customers")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
def test_the_sample() -> None:
    facts, report = read(SAMPLES / "customers_export.csv")
    assert len(of(r.Profile, facts)) == 6
    said = [(dict(one.names).get("email", "-"), one.channel) for one in of(r.Consent, facts) if one.state == "granted"]
    assert said == [
        ("sarah@example.com", "email"), ("sarah@example.com", "sms"), ("bea@example.com", "email"), ("dan@example.com", "email"), ("-", "sms"),
    ]  # fmt: skip
    assert sum(one.state == "doubted" for one in of(r.Consent, facts)) == 7
    assert not report.skipped
    assert not report.warnings
    assert not report.notes
