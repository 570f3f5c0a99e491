"""A small Graph API that judges requests by Meta's own field lists, and keeps who is in which audience."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.connectors.provider_end import Call, ProviderEnd

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "meta"
TOKEN, SECRET, ACCOUNT = "EAAB-a-token-of-the-tests", "an-app-secret-of-the-tests", "1234567890"
#: Everything but these two is hashed (Meta's documentation of Custom Audiences).
_IN_CLEAR = {"EXTERN_ID", "MADID"}
_KEYS = {*_IN_CLEAR, *["EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY"]}
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST_ROWS, _LONGEST_LINE = 10_000, 8_192
#: Parameters that every call of the Graph API takes.
_GENERAL = {"access_token", "appsecret_proof", "limit", "after"}


class GraphError(Exception):
    """What Meta would answer instead."""

    def __init__(self, code: int, message: str, *, subcode: int | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode}}


class Graph(ProviderEnd):
    """The API's end: scripted for requests about people, and strict about all of them."""

    def __init__(self) -> None:
        super().__init__(_Call)
        self.calls = {
            kind: json.loads((SPECS / f"{kind}.json").read_text())["apis"] for kind in ("AdAccount", "CustomAudience")
        }
        self.enums = {one["name"]: set(one["values"]) for one in json.loads((SPECS / "enum_types.json").read_text())}
        self.names: dict[str, str] = {}
        self.audiences: dict[str, set[str]] = {}
        self.requests: list[tuple[str, int]] = []
        self.page = 2
        self.invalid = 0
        #: (status, headers, body) for the next requests about people, instead of a word.
        self.whole: list[tuple[int, dict[str, str], bytes]] = []

    def arrived(self) -> int:
        return len(self.requests)

    def held(self, external_id: str) -> frozenset[str]:
        return frozenset(self.audiences.get(external_id, ()))

    def judge(self, kind: str, method: str, endpoint: str, given: dict[str, str]) -> None:
        """Meta's error 100 for what its own lists do not have, or have otherwise."""
        (call,) = [one for one in self.calls[kind] if one["method"] == method and one.get("endpoint") == endpoint]
        wanted = {one["name"]: one for one in call["params"]}
        for name in set(given) - _GENERAL:
            if name not in wanted:
                raise GraphError(100, f"unknown parameter {name}")
            self._judge_type(name, wanted[name]["type"], given[name])
        for name, one in wanted.items():
            if one["required"] and name not in given:
                raise GraphError(100, f"missing parameter {name}")

    def _judge_type(self, name: str, kind: str, value: str) -> None:
        if kind in self.enums:
            if value not in self.enums[kind]:
                raise GraphError(100, f"{name} is none of {kind}")
        elif kind in {"Object", "map"} or kind.startswith("list<"):
            try:
                told = json.loads(value)
            except ValueError:
                raise GraphError(100, f"{name} is no JSON") from None
            if isinstance(told, list) is not kind.startswith("list<"):
                raise GraphError(100, f"{name} is no {kind}")
        elif (kind == "bool" and value not in {"true", "false"}) or (kind == "unsigned int" and not value.isdigit()):
            raise GraphError(100, f"{name} is no {kind}")

    def rows(self, payload: dict[str, Any]) -> tuple[int, set[str]]:
        """How many were received, and those that can be used."""
        schema, data = payload.get("schema"), payload.get("data")
        if not isinstance(schema, list) or not isinstance(data, list) or not set(schema) <= _KEYS:
            raise GraphError(100, "payload has no schema of known keys")
        if payload.get("is_raw") is not True:
            raise GraphError(100, "several keys are raw")
        if not 1 <= len(data) <= _MOST_ROWS or any(len(row) != len(schema) for row in data):
            raise GraphError(100, "data has too many rows, or rows of another length than the schema")
        good = set()
        for row in data:
            told = {key: cell for key, cell in zip(schema, row, strict=True) if cell}
            if told and all(key in _IN_CLEAR or _HASH.fullmatch(cell) for key, cell in told.items()):
                good.add(json.dumps(told, sort_keys=True))
            else:
                self.invalid += 1
        return len(data), good


class _Call(Call):
    server: Graph

    def play(self) -> None:
        url = urlsplit(self.path)
        given = {
            name: values[0]
            for text in (url.query, self.body().decode())
            for name, values in parse_qs(text, True).items()
        }
        if len(self.requestline) > _LONGEST_LINE:
            self.server.complaints.append("a request line of more than 8 KB")
            return self.say(414, {}, b"<html>Request-URI Too Large</html>")
        try:
            said = self._said(url.path.split("/")[1:], given)
        except GraphError as error:
            if error.body["error"]["code"] == 100 and error.body["error"]["error_subcode"] is None:
                self.server.complaints.append(str(error))
            return self.say(error.status, {}, json.dumps(error.body).encode())
        return None if said is None else self.say(*said)

    def _said(self, path: list[str], given: dict[str, str]) -> tuple[int, dict[str, str], bytes] | None:
        version, thing, endpoint = path
        proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
        if given.get("access_token") != TOKEN or given.get("appsecret_proof") != proof:
            raise GraphError(190, "Error validating access token")
        if version != "v26.0":
            raise GraphError(2635, "this version is deprecated")
        if thing == f"act_{ACCOUNT}" and endpoint == "customaudiences":
            self.server.judge("AdAccount", self.command, endpoint, given)
            told = self._list(given) if self.command == "GET" else self._make(given)
        elif endpoint == "users":
            self.server.judge("CustomAudience", self.command, endpoint, given)
            return self._people(thing, given)
        else:
            raise GraphError(100, "Unsupported request", subcode=33)
        return 200, {}, json.dumps(told).encode()

    def _list(self, given: dict[str, str]) -> dict[str, Any]:
        ids = list(self.server.names)
        start = ids.index(given["after"]) + 1 if "after" in given else 0
        page = ids[start : start + min(self.server.page, int(given.get("limit", 25)))]
        paging: dict[str, Any] = {"cursors": {"after": page[-1]}} if page else {}
        if page and page[-1] != ids[-1]:
            paging["next"] = "https://graph.example.com/next"
        return {"data": [{"id": one, "name": self.server.names[one]} for one in page], "paging": paging}

    def _make(self, given: dict[str, str]) -> dict[str, Any]:
        if not given.get("name"):
            raise GraphError(100, "an audience has a name")
        made = str(23_850_000_000_000 + len(self.server.audiences))
        self.server.names[made], self.server.audiences[made] = given["name"], set()
        return {"id": made, "message": ""}

    def _people(self, audience: str, given: dict[str, str]) -> tuple[int, dict[str, str], bytes] | None:
        server = self.server
        if server.whole:
            return server.whole.pop(0)
        word = server.word()
        if word == "lost":
            return self.hang_up(after=10)
        if word == "gone":
            server.names.pop(audience, None)
        if audience not in server.names:
            raise GraphError(100, "Object with this id does not exist", subcode=33)
        if word == "throttled":
            server.requests.append((self.command, 0))
            raise GraphError(80_003, "There have been too many calls to this ad account")
        if word == "unauthorised":
            server.requests.append((self.command, 0))
            raise GraphError(190, "Error validating access token: session has expired")
        before = server.invalid
        count, people = server.rows(json.loads(given.get("payload", "{}")))
        server.requests.append((self.command, count))
        held = server.audiences[audience]
        server.audiences[audience] = held - people if self.command == "DELETE" else held | people
        if word == "silence":
            return self.hang_up(after=10)
        told = {
            "audience_id": audience,
            "session_id": "1",
            "num_received": count,
            "num_invalid_entries": server.invalid - before,
            "invalid_entry_samples": {},
        }
        return 200, {}, json.dumps(told).encode()
