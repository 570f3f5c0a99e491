"""What a pretended Shopify shop remembers, and how it answers: as strict as the reference says the real one is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

AT = datetime(2026, 5, 14, 15, tzinfo=UTC)


@dataclass
class Discount:
    number: int
    title: str
    begin: datetime
    end: datetime
    limit: int | None
    value: dict[str, Any]
    codes: dict[str, Code] = field(default_factory=dict)

    @property
    def gid(self) -> str:
        return f"gid://shopify/DiscountCodeNode/{self.number}"

    @property
    def node_gid(self) -> str:
        return f"gid://shopify/DiscountNode/{self.number}"


@dataclass
class Code:
    number: int
    text: str
    discount: Discount
    used: int = 0

    @property
    def gid(self) -> str:
        return f"gid://shopify/DiscountRedeemCode/{self.number}"


@dataclass
class Job:
    number: int
    discount: Discount
    adds: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    done: bool = False
    failed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def gid(self) -> str:
        kind = "DiscountRedeemCodeBulkCreation" if self.adds else "Job"
        return f"gid://shopify/{kind}/{self.number}"


class ShopState:
    """One shop, its clock standing still at `now`."""

    def __init__(self) -> None:
        self.now = AT
        self.currency = "USD"
        self.page = 1000
        self.holds = False
        #: Searches do not see what is new while this is on; look-ups by code do.
        self.lags = False
        self.discounts: list[Discount] = []
        self.codes: dict[str, Code] = {}
        self.jobs: dict[str, Job] = {}
        self.orders: list[dict[str, Any]] = []
        #: Errors that jobs will have for codes: the shop's own failures.
        self.spoilt: dict[str, str] = {}
        #: Codes that fail a whole `discountRedeemCodeBulkAdd` at once, as duplicates do.
        self.spoilers: dict[str, str] = {}
        self._numbers = count(1001)

    # --- the shop's owner and its customers

    def status(self, discount: Discount) -> str:
        if discount.end <= self.now:
            return "EXPIRED"
        return "ACTIVE" if discount.begin <= self.now else "SCHEDULED"

    def known(self) -> list[str]:
        """Codes a customer could use, were it the right day."""
        return [
            code.text
            for code in self.codes.values()
            if self.status(code.discount) != "EXPIRED" and code.used < (code.discount.limit or 10**9)
        ]

    def redeem(self, code: str, order: str, at: datetime) -> None:
        """Check out; raises ValueError as a checkout would."""
        one = self.codes[code.casefold()]
        limit = one.discount.limit or 10**9
        if not one.discount.begin <= at < one.discount.end or one.used >= limit:
            raise ValueError("this code isn't valid")
        one.used += 1
        self.orders.append({"name": order, "createdAt": at.isoformat(), "discountCodes": [one.text]})

    def stranger(self, code: str, title: str = "Summer") -> None:
        """The shop's owner makes a discount of her own."""
        discount = Discount(next(self._numbers), title, AT, AT + timedelta(days=30), None, {"percentage": 0.5})
        self.discounts.append(discount)
        self._put(discount, code)

    def end(self, title: str) -> None:
        """The owner deactivates a discount."""
        for one in self.discounts:
            if one.title == title:
                one.end = self.now

    def release(self) -> None:
        self.holds = False
        for job in self.jobs.values():
            self._run(job)

    # --- mutations

    def create(self, wanted: dict[str, Any]) -> tuple[Discount | None, list[dict[str, Any]]]:
        errors = [
            {"field": ["basicCodeDiscount", name], "code": "BLANK"}
            for name in ("title", "code", "startsAt", "context", "customerGets")
            if not wanted.get(name)
        ]
        if errors:
            return None, errors
        begin, end = datetime.fromisoformat(wanted["startsAt"]), datetime.fromisoformat(wanted["endsAt"])
        value = wanted["customerGets"]["value"]
        if end <= begin:
            errors.append({"field": ["basicCodeDiscount", "endsAt"], "code": "END_DATE_BEFORE_START_DATE"})
        if not 0 < value.get("percentage", 1) <= 1 or Decimal(value.get("discountAmount", {}).get("amount", "1")) <= 0:
            errors.append({"field": ["basicCodeDiscount", "customerGets", "value"], "code": "VALUE_OUTSIDE_RANGE"})
        if fault := self.fault_of(wanted["code"]):
            errors.append({"field": ["basicCodeDiscount", "code"], "code": fault})
        if errors:
            return None, errors
        discount = Discount(next(self._numbers), wanted["title"], begin, end, wanted.get("usageLimit"), value)
        self.discounts.append(discount)
        self._put(discount, wanted["code"])
        return discount, []

    def add(self, gid: str, codes: list[str]) -> tuple[Job | None, list[dict[str, Any]]]:
        discount = next((one for one in self.discounts if one.gid == gid), None)
        if discount is None:
            return None, [{"field": ["discountId"], "code": "INVALID"}]
        if len(codes) > 250:
            return None, [{"field": ["codes"], "code": "EXCEEDED_MAX"}]
        errors = [
            {"field": ["codes", str(n), "code"], "code": self.spoilers[code]}
            for n, code in enumerate(codes)
            if code in self.spoilers
        ]
        return (None, errors) if errors else (self._job(Job(next(self._numbers), discount, adds=tuple(codes))), [])

    def delete(self, gid: str, redeem_gids: list[str]) -> tuple[Job | None, list[dict[str, Any]]]:
        discount = next((one for one in self.discounts if one.gid == gid), None)
        if discount is None:
            return None, [{"field": ["discountId"], "code": "INVALID"}]
        return self._job(Job(next(self._numbers), discount, deletes=tuple(redeem_gids))), []

    def fault_of(self, code: str) -> str | None:
        if code.casefold() in self.codes:
            return "TAKEN"
        return self.spoilt.get(code) or ("TOO_LONG" if len(code) > 255 else None)

    def _job(self, job: Job) -> Job:
        self.jobs[job.gid] = job
        if not self.holds:
            self._run(job)
        return job

    def _run(self, job: Job) -> None:
        if job.done:
            return
        job.done = True
        for code in job.adds:
            if fault := self.fault_of(code):
                job.failed.setdefault(code, []).append(fault)
            else:
                self._put(job.discount, code)
        for gid in job.deletes:
            for name, code in list(self.codes.items()):
                if code.gid == gid and code.discount is job.discount:
                    del self.codes[name], job.discount.codes[name]

    def _put(self, discount: Discount, text: str) -> None:
        code = Code(next(self._numbers), text, discount)
        self.codes[text.casefold()] = discount.codes[text.casefold()] = code

    # --- searches, only of the forms that the reference describes

    def find_discounts(self, query: str) -> list[Discount]:
        if self.lags:
            return []
        return [one for one in self.discounts if all(self._fits(one, term) for term in query.split(" AND "))]

    def _fits(self, one: Discount, term: str) -> bool:
        if match := re.fullmatch(r'title:"([^"\\]+)"', term):
            return match[1].casefold() in one.title.casefold()  # a phrase, not the whole title
        if match := re.fullmatch(r"title:(\w+)\*", term):
            return one.title.casefold().startswith(match[1].casefold())
        if term == "method:code":
            return True
        if term == "times_used:>0":
            return any(code.used for code in one.codes.values())
        if match := re.fullmatch(r"ends_at:>'([0-9T:Z-]+)'", term):
            return one.end > datetime.fromisoformat(match[1])
        raise ValueError(f"no such search for discounts: {term}")

    def find_codes(self, discount: Discount, query: str | None) -> list[Code]:
        codes = list(discount.codes.values())
        if query is None:
            return codes
        if self.lags:
            return []
        if query == "times_used:>0":
            return [code for code in codes if code.used]
        if match := re.fullmatch(r'"([^"\\]+)"', query):
            return [code for code in codes if match[1].casefold() in code.text.casefold()]
        raise ValueError(f"no such search for codes: {query}")

    def find_orders(self, query: str) -> list[dict[str, Any]]:
        match = re.fullmatch(r'discount_code:"([^"\\]+)"', query)
        if match is None:
            raise ValueError(f"no such search for orders: {query}")
        oldest = self.now - timedelta(days=60)
        return [
            order
            for order in self.orders
            if order["discountCodes"][0].casefold() == match[1].casefold()
            and datetime.fromisoformat(order["createdAt"]) >= oldest
        ]
