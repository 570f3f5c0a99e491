"""Every document that leaves the Shopify connector, and its variables, before Shopify's own published schema.

The judge comes from Shopify's npm package; where it is not at hand these tests skip and say how to get it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)

from connectors import shopify_documents
from connectors.shopify_offers import ShopifyOffersConnector
from segue.contract.suite import voucher
from tests.connectors.shopify_schema import MISSING, OURS, TARBALL, complaints, shopifys_own
from tests.connectors.shopify_shop import TOKEN, Shop, running_shop
from tests.connectors.shopify_state import AT

pytestmark = pytest.mark.skipif(not TARBALL.exists(), reason=MISSING)


@pytest.fixture(scope="module")
def judge() -> GraphQLSchema:
    return shopifys_own()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with running_shop() as made:
        yield made


def test_every_document_is_one_that_shopify_takes(shop: Shop, judge: GraphQLSchema) -> None:
    """A life of codes that asks everything there is to ask: nothing unknown, nothing of a wrong type."""
    connector = ShopifyOffersConnector(base_url=shop.url, token=TOKEN)
    list(connector.publish([voucher(n) for n in range(1, 120)]))
    shop.hold()
    list(connector.publish([voucher(n) for n in range(120, 130)]))
    shop.do("set", spoilt={"K7QM-0120": "INVALID"})
    shop.release()
    list(connector.publish([voucher(n) for n in range(120, 130)]))
    shop.redeem("K7QM-0007", "#1001", AT)
    list(connector.withdraw([voucher(n).code for n in range(1, 20)]))
    assert len(list(connector.redemptions())) == 1
    asked = shop.do("asked")
    written = set(re.findall(r"\bSegue[A-Z]\w+", Path(shopify_documents.__file__).read_text()))
    assert {one["operation"] for one in asked} == written
    for one in asked:
        assert complaints(judge, one["query"], one["variables"]) == [], one["operation"]


def test_the_judge_can_say_no(judge: GraphQLSchema) -> None:
    """A field, an argument, a variable's type or a variable's value that is wrong is complained of."""
    find = shopify_documents.find(1)
    assert complaints(judge, find, {"c0": "A"}) == []
    assert complaints(judge, find.replace("status", "state"), {"c0": "A"})
    assert complaints(judge, find.replace("(code:", "(text:"), {"c0": "A"})
    assert complaints(judge, find.replace("String!", "ID!"), {"c0": "A"})
    assert complaints(judge, find, {"c0": None})
    assert complaints(judge, find, {"c0": "A", "c1": "B"})
    assert complaints(judge, shopify_documents.CREATE, {"discount": {"code": "A", "endAt": "2026-05-14"}})


def test_no_document_uses_what_shopify_is_about_to_drop(judge: GraphQLSchema) -> None:
    """No field or argument of the small schema is deprecated in Shopify's."""
    small = build_schema(OURS)
    for name, kind in small.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType) and not name.startswith("__"):
            for field in kind.fields:
                assert judge.type_map[name].fields[field].deprecation_reason is None, f"{name}.{field}"  # type: ignore[attr-defined]


def test_the_pretended_shop_speaks_a_part_of_shopifys_own_language(judge: GraphQLSchema) -> None:
    """Each type, field, argument and word of the small schema is in Shopify's, of the same type."""
    small = build_schema(OURS)
    for name, kind in small.type_map.items():
        if name.startswith("__"):
            continue
        real = judge.type_map[name]
        assert type(kind).__name__ == type(real).__name__, name
        if isinstance(kind, GraphQLEnumType):
            assert set(kind.values) <= set(real.values), name  # type: ignore[attr-defined]
        if isinstance(kind, GraphQLUnionType):
            assert {t.name for t in kind.types} <= {t.name for t in real.types}, name  # type: ignore[attr-defined]
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            for field, its in kind.fields.items():
                theirs = real.fields[field]  # type: ignore[attr-defined]
                assert str(its.type) == str(theirs.type), f"{name}.{field}"
                for argument, value in getattr(its, "args", {}).items():
                    assert str(value.type) == str(theirs.args[argument].type), f"{name}.{field}({argument})"
