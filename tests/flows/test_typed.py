"""What may be typed into a form, as the Prefect server asks before it keeps anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from prefect.utilities.schema_tools.validation import ValidationError, validate
from pydantic import ValidationError as NoForm

from flows.approval import Approval
from flows.deployments import ROOT, read_wanted
from flows.explain_customer import ExplainForm
from flows.typed import CUSTOMER, FILE, NAME, NUMBERS, SEGMENT, WORDS
from segue.journeys.campaign_brief import LINE, PAGE

ADDRESS = "sarah@example.com"
PHONES = ("+12025550123", "555-0123", "8765 4321")
#: Read by everybody who gets the campaign: the shop's own address belongs there.
FREE = {"text", "sms"}
#: Paths, in which numbers are days and products.
PATHS = {"path", "mapping", "facts", "page", "picture"}


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each form's parameter, its fields and what is asked of them."""
    for parameter, form in schema["properties"].items():
        model = schema["definitions"][form["$ref"].rpartition("/")[2]]
        yield from ((parameter, name, field) for name, field in model["properties"].items())


def test_no_field_of_any_form_takes_an_address_or_a_phone_number() -> None:
    """Prefect's own check says so, as its server makes it; and where it is a text, without saying what was typed."""
    seen = 0
    for wanted in read_wanted(ROOT):
        schema = wanted.ours["parameter_openapi_schema"]
        for parameter, name, field in fields(schema):
            told = refusal(schema, {parameter: {name: ADDRESS}})
            if name in FREE:
                assert told is None
                continue
            assert told is not None, f"{wanted.name}: {name} would be kept"
            assert "if" not in field or ADDRESS not in told, f"{wanted.name}: {name} is repeated"
            for phone in PHONES if name not in PATHS else ():
                told = refusal(schema, {parameter: {name: phone}})
                assert told is not None, f"{wanted.name}: {name} would keep {phone}"
                assert "if" not in field or phone not in told, f"{wanted.name}: {name} is repeated"
            seen += 1
        assert refusal(schema, {"other": ADDRESS}) is not None
    assert seen > 80


def refusal(schema: dict[str, Any], typed: dict[str, Any]) -> str | None:
    """What Prefect says against one field; other fields that a form needs are left out."""
    try:
        validate(typed, schema, raise_on_error=True, ignore_required=True)
    except ValidationError as refused:
        return str(refused)
    return None


@pytest.mark.parametrize(
    "typed",
    [
        *(ADDRESS, "+12025550123", "202-555-0123", "(202) 555 0123", "07700 900123", "07700900123", "2025550123"),
        *("Sarah", "12025550123", "202.555.0123", "Sarah-Miller", "", "a b", "7" * 66),
        *("5550123", "87654321", "491511234567", "4915112345678", "555-0123"),
    ],
)
def test_what_may_be_a_person_is_no_id(typed: str) -> None:
    """Nor does the flow's own check repeat it."""
    assert not re.search(CUSTOMER, typed)
    with pytest.raises(NoForm) as refused:
        ExplainForm(customer=typed)
    assert not typed or typed not in str(refused.value)


@pytest.mark.parametrize("typed", ["1042", "5", "123456", "gid://shopify/Customer/7012345678", "C-17", "01HXYZ"])
def test_ids_of_shops_are_taken(typed: str) -> None:
    """As they are; and one that looks like a phone number once somebody says that it is an id."""
    assert ExplainForm(customer=f" {typed} ").customer == typed
    for mark in ("id:", "#"):
        assert ExplainForm(customer=f"{mark}7012345678901").customer == "7012345678901"


@pytest.mark.parametrize(
    ("pattern", "taken", "refused"),
    [
        (
            WORDS,
            [
                "wrong prices",
                "since 2026-05-12 14:00",
                "orders #1001 and 1002",
                "asked by @saltmere",
                "1,299.00",
                "",
                "at 22.11.26 19.30",
                "05-12-2026, 08:00-18:00",
                "run 7 2026-05-12, from 12.-15.5.2026",
                "22.11.26-24.11.26 and season 2025/2026",
                "order #3000000012, #112-3456789-1, id:7012345678901",
                "1,234,567 or 10.000",
            ],
            [
                "ask a@b",
                "call +1 202 555 0123",
                "202-555-0123",
                "07700 900123",
                "020 7946 0958",
                "2025550123",
                "call 612 345 678",
                "612 34 56 78",
                "06 12 34 56 78",
                "06.12.34.56.78",
                "050 123 45 67",
                "0161 496 0000",
                "333 1234567",
                "(0161) 496 0000",
                "0412 345 678",
                "call 06 1234 5678",
                "03-1234-5678",
                "91-123 45 67: 612-345-678",
                "555-0123",
                "8765 4321",
                "12 34 56 78",
                "12345678",
                "1234567",
                "412 34 567",
                "98765 43210",
                "(11) 91234-5678",
                "138 1234 5678",
                "912 345-67-89",
                "06.12.11.10.09",
                "22.11.26 555 0123",
                "at 14:00 5550123",
                "#12: 555 0123",
                "202\u2011555\u20110123",
                "\u0665\u0665\u0665 \u0660\u0661\u0662\u0663",
                "x\na@b",
            ],
        ),
        (
            NUMBERS,
            [" #1005; 1004,#1005 ", "", "#000000123", "#112-3456789-1", "#3000000012, 17"],
            ["a@b", "202-555-0123", "5550123", "8765 4321", "3000000012"],
        ),
        (SEGMENT, ["bought-lately", "fits-8", "since-2026-05-12"], ["anna-555-0123", "a5550123", "12"]),
        (FILE, ["import", "/data/2026-05-12-143000/orders_export_1.csv", "C:\\data\\x.csv"], ["/data/a@b.example.csv"]),
        (NAME, ["Ann Example", "Jo", "Zoë"], ["ann@example", "Ann 2025550123", "J"]),
        (LINE, ["We are @saltmere", "", "@saltmere", "10 % off (@saltmere)"], ["Write to a@b", "a@b"]),
        (PAGE, ["/", "/new", "/@makers/x"], ["/new?for=a@b", "//other.example"]),
    ],
)
def test_words_of_a_shop_pass_and_addresses_do_not(pattern: str, taken: list[str], refused: list[str]) -> None:
    """Dates, orders, prices and handles are no addresses."""
    assert [one for one in taken if not re.search(pattern, one)] == []
    assert [one for one in refused if re.search(pattern, one)] == []


def test_a_long_text_is_read_in_one_way() -> None:
    """Each of these would have more readings than atoms if a bit of it had two."""
    for bit in ("#1 ", "22.11.26 ", "14:30 ", "12-", "1 "):
        assert not re.search(WORDS, bit * 1_000 + "5550123")


def test_a_name_is_asked_for_without_more() -> None:
    """Who agrees to a run is kept with it; the form for it is Prefect's, and follows the same rule."""
    asked = Approval.model_json_schema()["properties"]["name"]
    assert {"if", "else"} <= set(asked)
    assert "pattern" not in asked
