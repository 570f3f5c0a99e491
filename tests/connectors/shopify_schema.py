"""Schemas that documents for Shopify are held against: Shopify's own, where it is at hand, and a small one of ours.

Shopify publishes its Admin API schema inside the npm package @shopify/dev-mcp. The tests that want it look for the
package's tarball in `.venv/judges`, where this puts it:

    npm pack @shopify/dev-mcp@1.16.0 --pack-destination .venv/judges
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, build_client_schema, parse, validate
from graphql.execution.values import get_variable_values

TARBALL = Path(__file__).resolve().parents[2] / ".venv/judges/shopify-dev-mcp-1.16.0.tgz"
_SHA256 = "4663c79229028e98f825a09d5f04ec6c3736331b740ce50260f9ffac10709474"
MISSING = "Shopify's schema is not at hand: npm pack @shopify/dev-mcp@1.16.0 --pack-destination .venv/judges"

#: The part of the Admin API that the connector uses, written from Shopify's reference; one test holds it
#: against Shopify's own schema.
OURS = """
scalar DateTime
scalar Decimal
enum CurrencyCode { USD EUR GBP JPY }
enum DiscountStatus { ACTIVE EXPIRED SCHEDULED }
enum DiscountBuyerSelection { ALL }
enum DiscountErrorCode { BLANK DUPLICATE EXCEEDED_MAX END_DATE_BEFORE_START_DATE INTERNAL_ERROR INVALID TAKEN TOO_LONG
  VALUE_OUTSIDE_RANGE }

schema { query: QueryRoot mutation: Mutation }

type QueryRoot {
  codeDiscountNodeByCode(code: String!): DiscountCodeNode
  discountNode(id: ID!): DiscountNode
  discountNodes(first: Int, after: String, query: String): DiscountNodeConnection!
  discountRedeemCodeBulkCreation(id: ID!): DiscountRedeemCodeBulkCreation
  job(id: ID!): Job
  orders(first: Int, after: String, query: String): OrderConnection!
  shop: Shop!
}
type Mutation {
  discountCodeBasicCreate(basicCodeDiscount: DiscountCodeBasicInput!): DiscountCodeBasicCreatePayload
  discountRedeemCodeBulkAdd(codes: [DiscountRedeemCodeInput!]!, discountId: ID!): DiscountRedeemCodeBulkAddPayload
  discountCodeRedeemCodeBulkDelete(discountId: ID!, ids: [ID!]): DiscountCodeRedeemCodeBulkDeletePayload
}

type PageInfo { hasNextPage: Boolean! endCursor: String }
type Shop { currencyCode: CurrencyCode! }
type Job { id: ID! done: Boolean! }
type Order { name: String! createdAt: DateTime! discountCodes: [String!]! }
type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }

type DiscountCodeNode { id: ID! codeDiscount: DiscountCode! }
type DiscountNode { id: ID! discount: Discount! }
type DiscountNodeConnection { nodes: [DiscountNode!]! pageInfo: PageInfo! }
union DiscountCode = DiscountCodeBasic | DiscountCodeFreeShipping
union Discount = DiscountCodeBasic | DiscountCodeFreeShipping
type DiscountCodeFreeShipping { title: String! }
type DiscountCodeBasic {
  title: String!
  status: DiscountStatus!
  codes(first: Int, after: String, query: String): DiscountRedeemCodeConnection!
}
type DiscountRedeemCode { id: ID! code: String! asyncUsageCount: Int! }
type DiscountRedeemCodeConnection { nodes: [DiscountRedeemCode!]! pageInfo: PageInfo! }
type DiscountRedeemCodeBulkCreation {
  id: ID!
  done: Boolean!
  failedCount: Int!
  codes(first: Int, after: String): DiscountRedeemCodeBulkCreationCodeConnection!
}
type DiscountRedeemCodeBulkCreationCodeConnection {
  nodes: [DiscountRedeemCodeBulkCreationCode!]!
  pageInfo: PageInfo!
}
type DiscountRedeemCodeBulkCreationCode { code: String! errors: [DiscountUserError!]! }
type DiscountUserError { field: [String!] code: DiscountErrorCode }

type DiscountCodeBasicCreatePayload { codeDiscountNode: DiscountCodeNode userErrors: [DiscountUserError!]! }
type DiscountRedeemCodeBulkAddPayload {
  bulkCreation: DiscountRedeemCodeBulkCreation
  userErrors: [DiscountUserError!]!
}
type DiscountCodeRedeemCodeBulkDeletePayload { job: Job userErrors: [DiscountUserError!]! }

input DiscountRedeemCodeInput { code: String! }
input DiscountCodeBasicInput {
  title: String code: String startsAt: DateTime endsAt: DateTime usageLimit: Int appliesOncePerCustomer: Boolean
  combinesWith: DiscountCombinesWithInput context: DiscountContextInput customerGets: DiscountCustomerGetsInput
}
input DiscountCombinesWithInput { orderDiscounts: Boolean productDiscounts: Boolean shippingDiscounts: Boolean }
input DiscountContextInput { all: DiscountBuyerSelection }
input DiscountCustomerGetsInput { value: DiscountCustomerGetsValueInput items: DiscountItemsInput }
input DiscountCustomerGetsValueInput { percentage: Float discountAmount: DiscountAmountInput }
input DiscountAmountInput { amount: Decimal appliesOnEachItem: Boolean }
input DiscountItemsInput { all: Boolean }
"""


@cache
def shopifys_own() -> GraphQLSchema:
    """Shopify's Admin API schema, version 2026-10."""
    with TARBALL.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != _SHA256:
            raise ValueError("that is not the package these tests were written with")
    with tarfile.open(TARBALL) as package:
        file = package.extractfile("package/dist/data/admin_2026-10.json.gz")
        assert file is not None
        # Shopify deprecates fields that its interfaces keep, which is no concern of ours.
        return build_client_schema(json.loads(gzip.decompress(file.read()))["data"], assume_valid=True)


#: A document as it was read; the same few are asked over and over, each time with other variables.
parsed = cache(parse)


@cache
def _faults(schema: GraphQLSchema, document: str) -> tuple[str, ...]:
    try:
        return tuple(error.message for error in validate(schema, parsed(document)))
    except GraphQLError as error:
        return (error.message,)


def complaints(schema: GraphQLSchema, document: str, variables: dict[str, Any]) -> list[str]:
    """What a schema has against a document or against the variables sent with it."""
    if errors := _faults(schema, document):
        return list(errors)
    (operation,) = (one for one in parsed(document).definitions if isinstance(one, OperationDefinitionNode))
    found = get_variable_values(schema, operation.variable_definitions or (), variables)
    unknown = set(variables) - {one.variable.name.value for one in operation.variable_definitions or ()}
    return [e.message for e in found] if isinstance(found, list) else [f"${name} is not declared" for name in unknown]
