"""What is asked of Shopify's Admin API, version 2026-10, as GraphQL documents.

By these pages of shopify.dev's GraphQL Admin reference: queries codeDiscountNodeByCode, discountNodes, discountNode,
discountRedeemCodeBulkCreation, job, orders and shop; mutations discountCodeBasicCreate, discountRedeemCodeBulkAdd
(at most 250 codes, asynchronous) and discountCodeRedeemCodeBulkDelete (asynchronous); "Shopify API search syntax".
Tests hold each document and its variables against Shopify's published schema.
"""

from __future__ import annotations

from typing import Final

API_VERSION: Final = "2026-10"
#: Codes one bulk mutation takes.
MOST_CODES: Final = 250
#: Questions put into one document; a single query may cost 1,000 points.
MOST_LOOKUPS: Final = 50

CREATE: Final = """mutation SegueCreate($discount: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $discount) {
    codeDiscountNode { id }
    userErrors { field code }
  }
}"""

ADD: Final = """mutation SegueAdd($discountId: ID!, $codes: [DiscountRedeemCodeInput!]!) {
  discountRedeemCodeBulkAdd(discountId: $discountId, codes: $codes) {
    bulkCreation { id }
    userErrors { field code }
  }
}"""

ADDED: Final = """query SegueAdded($id: ID!) {
  discountRedeemCodeBulkCreation(id: $id) { done failedCount }
}"""

FAILED: Final = """query SegueFailed($id: ID!, $after: String) {
  discountRedeemCodeBulkCreation(id: $id) {
    codes(first: 50, after: $after) {
      nodes { code errors { code } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

DELETE: Final = """mutation SegueDelete($discountId: ID!, $ids: [ID!]!) {
  discountCodeRedeemCodeBulkDelete(discountId: $discountId, ids: $ids) {
    job { id done }
    userErrors { field code }
  }
}"""

DELETED: Final = """query SegueDeleted($id: ID!) {
  job(id: $id) { done }
}"""

#: A discount by its title, with one of its codes: the node found by that code has the id that mutations take.
TITLED: Final = """query SegueTitled($query: String!) {
  discountNodes(first: 10, query: $query) {
    nodes {
      discount {
        __typename
        ... on DiscountCodeBasic { title status codes(first: 1) { nodes { code } } }
      }
    }
  }
}"""

USED: Final = """query SegueUsed($query: String!, $after: String) {
  discountNodes(first: 100, query: $query, after: $after) {
    nodes { id discount { __typename ... on DiscountCodeBasic { title } } }
    pageInfo { hasNextPage endCursor }
  }
}"""

USED_CODES: Final = """query SegueUsedCodes($id: ID!, $after: String) {
  discountNode(id: $id) {
    discount {
      __typename
      ... on DiscountCodeBasic {
        codes(first: 250, after: $after, query: "times_used:>0") {
          nodes { code asyncUsageCount }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
}"""

CURRENCY: Final = """query SegueCurrency {
  shop { currencyCode }
}"""

_FIND: Final = """  c{n}: codeDiscountNodeByCode(code: $c{n}) {{
    id
    codeDiscount {{ __typename ... on DiscountCodeBasic {{ title status }} }}
  }}
"""
_FIND_TO_DELETE: Final = """  c{n}: codeDiscountNodeByCode(code: $c{n}) {{
    id
    codeDiscount {{
      __typename
      ... on DiscountCodeBasic {{
        title
        status
        codes(first: 5, query: $q{n}) {{ nodes {{ id code asyncUsageCount }} }}
      }}
    }}
  }}
"""
_ORDERS: Final = """  c{n}: orders(first: 10, query: $c{n}) {{ nodes {{ name createdAt discountCodes }} }}
"""


def find(codes: int) -> str:
    """Ask for the discounts of so many codes, `$c0` and on."""
    return _many("SegueFind", _FIND, codes, "c")


def find_to_delete(codes: int) -> str:
    """As `find`, and for the redeem codes themselves that match the searches `$q0` and on."""
    return _many("SegueFindToDelete", _FIND_TO_DELETE, codes, "cq")


def orders(codes: int) -> str:
    """Ask for the orders that match so many searches, `$c0` and on."""
    return _many("SegueOrders", _ORDERS, codes, "c")


def quoted(value: str) -> str:
    """A value of Shopify's search syntax; codes and titles of ours hold no quotes and no backslashes."""
    return f'"{value}"'


def _many(name: str, part: str, times: int, variables: str) -> str:
    declared = ", ".join(f"${letter}{n}: String!" for n in range(times) for letter in variables)
    return f"query {name}({declared}) {{\n{''.join(part.format(n=n) for n in range(times))}}}"
