"""A pretended Shopify shop in a process of its own, behind a real port.

It executes GraphQL by graphql-core over the schema of `shopify_schema`, so a document or variable that the API does
not have is refused as by the real one. `do` reaches behind the counter: what the owner, a customer or bad luck does.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from http.server import ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

from graphql import build_schema, execute_sync

from tests.connectors.provider_end import Call
from tests.connectors.shopify_schema import OURS, complaints, parsed
from tests.connectors.shopify_state import Discount, Job, ShopState
from tests.processes import CONTEXT

TOKEN = "shpat_0123456789abcdef"
_SCHEMA = build_schema(OURS)


class Root:
    """Resolvers by name; the state answers."""

    def __init__(self, state: ShopState) -> None:
        self.state = state

    def codeDiscountNodeByCode(self, _info: Any, code: str) -> Any:  # noqa: N802
        one = self.state.codes.get(code.casefold())
        return None if one is None else {"id": one.discount.gid, "codeDiscount": self._discount(one.discount)}

    def discountNode(self, _info: Any, id: str) -> Any:  # noqa: A002, N802
        one = next((one for one in self.state.discounts if one.node_gid == id), None)
        return None if one is None else {"id": one.node_gid, "discount": self._discount(one)}

    def discountNodes(self, _info: Any, first: int, query: str, after: str | None = None) -> Any:  # noqa: N802
        nodes = [{"id": d.node_gid, "discount": self._discount(d)} for d in self.state.find_discounts(query)]
        return self._page(nodes, first, after)

    def discountRedeemCodeBulkCreation(self, _info: Any, id: str) -> Any:  # noqa: A002, N802
        job = self.state.jobs.get(id)
        return None if job is None else self._creation(job)

    def job(self, _info: Any, id: str) -> Any:  # noqa: A002
        one = self.state.jobs.get(id)
        return None if one is None else {"id": one.gid, "done": one.done}

    def orders(self, _info: Any, first: int, query: str, after: str | None = None) -> Any:
        return self._page(self.state.find_orders(query), first, after)

    def shop(self, _info: Any) -> Any:
        return {"currencyCode": self.state.currency}

    def discountCodeBasicCreate(self, _info: Any, basicCodeDiscount: dict[str, Any]) -> Any:  # noqa: N802, N803
        made, errors = self.state.create(basicCodeDiscount)
        node = None if made is None else {"id": made.gid, "codeDiscount": self._discount(made)}
        return {"codeDiscountNode": node, "userErrors": errors}

    def discountRedeemCodeBulkAdd(self, _info: Any, discountId: str, codes: list[dict[str, str]]) -> Any:  # noqa: N802, N803
        job, errors = self.state.add(discountId, [code["code"] for code in codes])
        return {"bulkCreation": None if job is None else self._creation(job), "userErrors": errors}

    def discountCodeRedeemCodeBulkDelete(self, _info: Any, discountId: str, ids: list[str]) -> Any:  # noqa: N802, N803
        job, errors = self.state.delete(discountId, ids)
        # As the real one, it says `done` only when asked later.
        return {"job": None if job is None else {"id": job.gid, "done": False}, "userErrors": errors}

    def _discount(self, one: Discount) -> Any:
        def codes(_info: Any, first: int, after: str | None = None, query: str | None = None) -> Any:
            nodes = [
                {"id": code.gid, "code": code.text, "asyncUsageCount": code.used}
                for code in self.state.find_codes(one, query)
            ]
            return self._page(nodes, first, after)

        kind = "DiscountCodeFreeShipping" if one.title.startswith("Free") else "DiscountCodeBasic"
        return {"__typename": kind, "title": one.title, "status": self.state.status(one), "codes": codes}

    def _creation(self, job: Job) -> Any:
        def codes(_info: Any, first: int, after: str | None = None) -> Any:
            nodes = [
                {
                    "code": code,
                    "errors": [{"field": ["code"], "code": fault} for fault in job.failed.get(code, [])],
                }
                for code in job.adds
            ]
            return self._page(nodes, first, after)

        return {"id": job.gid, "done": job.done, "failedCount": len(job.failed), "codes": codes}

    def _page(self, nodes: list[Any], first: int, after: str | None) -> Any:
        start, size = int(after or 0), min(first, self.state.page)
        shown = nodes[start : start + size]
        more = start + size < len(nodes)
        return {"nodes": shown, "pageInfo": {"hasNextPage": more, "endCursor": str(start + size) if more else None}}


class Desk:
    """State, what was asked, and the troubles to come."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.state = ShopState()
        self.asked: list[dict[str, Any]] = []
        #: By operation name, or "" for any: what happens to its next requests.
        self.troubles: dict[str, list[dict[str, Any]]] = {}

    def do(self, what: str, arguments: dict[str, Any]) -> Any:
        """Something of the desk's own, or of the state's."""
        mine = getattr(self, f"do_{what}", None)
        return getattr(self.state, what)(**arguments) if mine is None else mine(**arguments)

    def do_reset(self) -> None:
        self.reset()

    def do_asked(self) -> list[dict[str, Any]]:
        return self.asked

    def do_trouble(self, operation: str, **trouble: Any) -> None:
        self.troubles.setdefault(operation, []).append(trouble)

    def do_set(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self.state, name, datetime.fromisoformat(value) if name == "now" else value)

    def do_hold(self) -> None:
        self.state.holds = True

    def do_titles(self) -> list[list[Any]]:
        return [[d.title, d.begin.isoformat(), d.end.isoformat(), d.limit, d.value] for d in self.state.discounts]

    def do_redeem(self, code: str, order: str, at: str) -> None:
        self.state.redeem(code, order, datetime.fromisoformat(at))

    def trouble(self, operation: str) -> dict[str, Any]:
        for name in (operation, ""):
            if self.troubles.get(name):
                return self.troubles[name].pop(0)
        return {}

    def answer(self, document: str, variables: dict[str, Any]) -> Any:
        if found := complaints(_SCHEMA, document, variables):
            return {"errors": [{"message": message} for message in found]}
        result = execute_sync(_SCHEMA, parsed(document), Root(self.state), variable_values=variables)
        if result.errors:
            return {"errors": [{"message": str(result.errors)}]}
        return {"data": result.data, "extensions": {"cost": {"requestedQueryCost": 10}}}


class _Handler(Call):
    desk: Desk

    def play(self) -> None:
        body = json.loads(self.body())
        if self.path == "/behind-the-counter":
            try:
                self._say(200, {"result": self.desk.do(body["what"], body["with"])})
            except (ValueError, KeyError) as error:
                self._say(400, {"error": str(error)})
        elif self.path != "/admin/api/2026-10/graphql.json":
            self._say(404, {"errors": "Not Found"})
        elif self.headers["X-Shopify-Access-Token"] != TOKEN:
            self._say(401, {"errors": "[API] Invalid API key or access token"})
        else:
            self._graphql(body)

    def _graphql(self, body: dict[str, Any]) -> None:
        operation = body["query"].split("(")[0].split("{")[0].split()[-1]
        self.desk.asked.append({**body, "operation": operation})
        trouble = self.desk.trouble(operation)
        # In these the shop does what it is asked, and only its answer is lost.
        is_done = not trouble or trouble.get("lost")
        answer = self.desk.answer(body["query"], body["variables"]) if is_done else trouble.get("answer")
        if trouble.get("silent"):
            self.rfile.read(1)  # until the client gives up
        if trouble.get("silent") or trouble.get("cut"):
            self._hang_up()
        else:
            self._say(trouble.get("status", 200), answer, trouble.get("headers", {}), trouble.get("raw"))

    def _hang_up(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _say(self, status: int, answer: Any, headers: dict[str, str] | None = None, raw: str | None = None) -> None:
        date = format_datetime(self.desk.state.now, usegmt=True)
        self.say(status, {"Date": date, **(headers or {})}, (json.dumps(answer) if raw is None else raw).encode())


def _serve(pipe: Connection) -> None:
    _Handler.desk = Desk()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


class Shop:
    """The test's end: a slow till, and the way behind the counter."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.url = f"http://127.0.0.1:{port}"

    def do(self, what: str, **arguments: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("POST", "/behind-the-counter", json.dumps({"what": what, "with": arguments}))
            reply = connection.getresponse()
            said = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise ValueError(said["error"])
        return said["result"]

    def known(self) -> frozenset[str]:
        return frozenset(self.do("known"))

    def redeem(self, code: str, order_id: str, at: datetime) -> None:
        self.do("redeem", code=code, order=order_id, at=at.isoformat())

    def hold(self) -> None:
        self.do("hold")

    def release(self) -> None:
        self.do("release")

    def operations(self) -> list[str]:
        """What was asked, by name, in order."""
        return [one["operation"] for one in self.do("asked")]

    def trouble(self, operation: str = "", **what: Any) -> None:
        """Answer the operation's next request so: `status`, `answer`, `raw`, `headers`, or `silent` or `cut`.

        With `lost` the shop does what it is asked first, and only the answer is lost.
        """
        self.do("trouble", operation=operation, **what)


@contextmanager
def running_shop() -> Iterator[Shop]:
    """A shop's process, ended afterwards."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        if not ours.poll(60):
            raise TimeoutError("the shop does not open")
        yield Shop(ours.recv())
    finally:
        process.kill()
        process.join()
        ours.close()
        theirs.close()
