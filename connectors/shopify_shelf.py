"""What a Shopify shop holds of our codes and discounts, and the few changes made to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors import shopify_documents as documents
from connectors.shopify_line import AdminLine
from segue.contract import ConfigurationError, TransientError

_BASIC: Final = "DiscountCodeBasic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The discount that a code belongs to; its title is empty if it is of a kind we never make."""

    discount_id: str
    title: str
    has_ended: bool
    #: The redeem code itself, if it was asked for and the shop's search has it already.
    redeem_id: str | None = None
    is_used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Why a change was not made: error codes by the position of the code at fault; None: of no code in particular."""

    by_position: Mapping[int | None, frozenset[str]]

    def __bool__(self) -> bool:
        return bool(self.by_position)

    @property
    def words(self) -> str:
        """The error codes, for a person."""
        return ", ".join(sorted({word for words in self.by_position.values() for word in words}))


class JobForgottenError(LookupError):
    """The shop knows no such job any more; what became of its codes, the codes tell."""


class Shelf:
    """Questions and changes over one line; every error is a `ConnectorError` of the line."""

    def __init__(self, line: AdminLine) -> None:
        self._line = line

    def find(self, codes: Sequence[str], *, to_delete: bool = False) -> dict[str, Found]:
        """Return what each code belongs to; a code that is missing is unknown to the shop."""
        found = {}
        for share in _shares(codes, documents.MOST_LOOKUPS // (2 if to_delete else 1)):
            variables = {f"c{n}": code for n, code in enumerate(share)}
            if to_delete:
                variables |= {f"q{n}": documents.quoted(code) for n, code in enumerate(share)}
            ask = documents.find_to_delete if to_delete else documents.find
            data = self._line.ask(ask(len(share)), variables)
            for n, code in enumerate(share):
                if (node := data[f"c{n}"]) is not None:
                    found[code] = _found(node, code)
        return found

    def discount_titled(self, title: str, *, has_ended: bool = False) -> str | None:
        """Return the id of a discount by its title, if there is one that is live, or that `has_ended`."""
        data = self._line.ask(documents.TITLED, {"query": f"title:{documents.quoted(title)} AND method:code"})
        discounts = [node["discount"] for node in data["discountNodes"]["nodes"]]
        codes = [
            code["code"]
            for one in discounts
            if one["__typename"] == _BASIC and one["title"] == title and (one["status"] == "EXPIRED") is has_ended
            for code in one["codes"]["nodes"]
        ]
        return next((one.discount_id for one in self.find(codes).values() if one.title == title), None)

    def create(self, wanted: Mapping[str, object]) -> tuple[str | None, Refusals]:
        """Make a discount with its first code; returns its id, or what the shop has against it."""
        made = self._line.ask(documents.CREATE, {"discount": wanted})["discountCodeBasicCreate"]
        refusals = _refusals(made["userErrors"])
        words = refusals.by_position.get(None)
        if words:
            raise ConfigurationError(f"Shopify refuses a discount: {', '.join(sorted(words))}; check the offer")
        node = made["codeDiscountNode"]
        return (None if node is None else str(node["id"])), refusals

    def add(self, discount_id: str, codes: Sequence[str]) -> tuple[str | None, Refusals]:
        """Queue up to 250 codes for a discount; returns the job's id, or what the shop has against them."""
        variables = {"discountId": discount_id, "codes": [{"code": code} for code in codes]}
        made = self._line.ask(documents.ADD, variables)["discountRedeemCodeBulkAdd"]
        job = made["bulkCreation"]
        return (None if job is None else str(job["id"])), _refusals(made["userErrors"])

    def failures(self, job_id: str) -> dict[str, frozenset[str]] | None:
        """Return the codes a finished job could not add, with the errors of each; None: it is not finished.

        Raises JobForgottenError.
        """
        job = self._line.ask(documents.ADDED, {"id": job_id})["discountRedeemCodeBulkCreation"]
        if job is None:
            raise JobForgottenError(job_id)
        if not job["done"]:
            return None
        if not job["failedCount"]:
            return {}
        return {
            one["code"]: frozenset(str(error["code"]) for error in one["errors"])
            for one in self.pages(documents.FAILED, {"id": job_id}, "discountRedeemCodeBulkCreation", "codes")
            if one["errors"]
        }

    def delete(self, discount_id: str, redeem_ids: Sequence[str]) -> bool:
        """Take redeem codes off a discount; returns whether that is done already."""
        variables = {"discountId": discount_id, "ids": list(redeem_ids)}
        made = self._line.ask(documents.DELETE, variables)["discountCodeRedeemCodeBulkDelete"]
        if refusals := _refusals(made["userErrors"]):
            raise TransientError(f"Shopify does not delete codes now: {refusals.words}")
        job = made["job"]
        if job is None or job["done"]:
            return True
        state = self._line.ask(documents.DELETED, {"id": job["id"]})["job"]
        return state is not None and bool(state["done"])

    def currency(self) -> str:
        """The shop's currency, in which its amounts are."""
        return str(self._line.ask(documents.CURRENCY, {})["shop"]["currencyCode"])

    def pages(self, document: str, variables: Mapping[str, object], *path: str) -> Iterator[dict[str, Any]]:
        """Yield the nodes of the connection at `path`, page after page."""
        after: str | None = None
        while True:
            connection: Any = self._line.ask(document, {**variables, "after": after})
            for name in path:
                connection = (connection or {}).get(name)
            if connection is None:  # it went away meanwhile
                return
            yield from connection["nodes"]
            if not connection["pageInfo"]["hasNextPage"]:
                return
            after = connection["pageInfo"]["endCursor"]

    def orders(self, codes: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each order that names one of the codes, with that code."""
        for share in _shares(codes, documents.MOST_LOOKUPS // 2):
            searches = {f"c{n}": f"discount_code:{documents.quoted(code)}" for n, code in enumerate(share)}
            data = self._line.ask(documents.orders(len(share)), searches)
            for n, code in enumerate(share):
                for order in data[f"c{n}"]["nodes"]:
                    if code.casefold() in {used.casefold() for used in order["discountCodes"]}:
                        yield code, order


def _shares(codes: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (codes[start : start + most] for start in range(0, len(codes), most))


def _found(node: Mapping[str, Any], code: str) -> Found:
    discount = node["codeDiscount"]
    if discount["__typename"] != _BASIC:
        return Found(discount_id=node["id"], title="", has_ended=False)
    itself = next(
        (one for one in discount.get("codes", {"nodes": ()})["nodes"] if one["code"].casefold() == code.casefold()),
        None,
    )
    return Found(
        discount_id=node["id"],
        title=discount["title"],
        has_ended=discount["status"] == "EXPIRED",
        redeem_id=None if itself is None else itself["id"],
        is_used=itself is not None and itself["asyncUsageCount"] > 0,
    )


def _refusals(errors: Sequence[Mapping[str, Any]]) -> Refusals:
    """Sort user errors: `["codes", "3", "code"]` and `["basicCodeDiscount", "code"]` are about a code."""
    by_position: dict[int | None, frozenset[str]] = {}
    for error in errors:
        field = [str(part) for part in error["field"] or ()]
        numbers = [int(part) for part in field if part.isdigit()]
        position = numbers[0] if numbers else 0 if field[-1:] == ["code"] else None
        by_position[position] = by_position.get(position, frozenset()) | {str(error["code"])}
    return Refusals(by_position=by_position)
