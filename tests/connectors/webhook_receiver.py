"""A shop's own address: real sockets, scripted answers, and nothing taken whose signature or shape is wrong."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from connectors.webhook import WebhookConnector
from segue.contract.signing import SIGNATURE_HEADER, SignatureError, verify
from tests.connectors.provider_end import Call, ProviderEnd

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "attach-a-webhook.md").read_text("utf-8")
URL = "https://hooks.example.com/segue?shop=7"
SECRET = "a-secret-of-the-tests-alone"
#: Statuses that answer for the whole request.
_WHOLE = {"throttled": 429, "unauthorised": 401}


def blocks(kind: str) -> list[str]:
    """The page's code blocks of one kind."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


SCHEMA = Draft202012Validator(next(one for one in map(json.loads, blocks("json")) if "$schema" in one))


class Receiver(ProviderEnd):
    """Does as it is told, one word a message; `whole` answers the next request in full, whatever it holds."""

    def __init__(self) -> None:
        super().__init__(_Post)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.secret = SECRET
        #: (status, headers, body) for the next requests; taken before the words.
        self.whole: list[tuple[int, dict[str, str], bytes]] = []
        self._kept: set[str] = set()
        self._audiences: dict[str, frozenset[str]] = {}

    def arrived(self) -> int:
        return sum(len(request.get("messages", ())) or 1 for request in self.requests)

    def kept(self) -> int:
        return len(self._kept)

    def take(self, keys: list[str], words: list[str]) -> list[dict[str, Any]]:
        """What became of each message; trouble that only some met is theirs alone."""
        self._kept |= {key for key, word in zip(keys, words, strict=True) if word == "ok"}
        told = {
            "ok": {"outcome": "accepted", "id": "shop-1"},
            "rejected": {"outcome": "rejected", "reason": "mailbox_unknown", "suppress": True},
            "silence": {"outcome": "uncertain", "reason": "line_lost"},
        }
        later = {"outcome": "deferred", "reason": "busy", "retry_after": 30}
        return [{"key": key, **told.get(word, later)} for key, word in zip(keys, words, strict=True)]

    def change(self, body: dict[str, Any]) -> None:
        """Put members in or take them out."""
        said = {json.dumps({**member, "key": None}, sort_keys=True) for member in body["members"]}
        held = self._audiences.get(body["audience"], frozenset())
        self._audiences[body["audience"]] = held | said if body["action"] == "add" else held - said

    def held(self, external_id: str) -> frozenset[str]:
        return self._audiences.get(external_id, frozenset())


class _Post(Call):
    server: Receiver

    def play(self) -> None:
        raw = self.body()
        server = self.server
        try:
            verify(raw, self.headers[SIGNATURE_HEADER], secrets=[server.secret], now=time.time())
        except SignatureError:
            return self.say(401)
        body = json.loads(raw)
        server.complaints += [error.message for error in SCHEMA.iter_errors(body)]
        server.requests.append(body)
        server.headers.append(dict(self.headers.items()))
        if server.whole:
            return self.say(*server.whole.pop(0))
        if body["type"] == "audience":
            return self._change(body)
        keys = [message["key"] for message in body["messages"]]
        words = [server.word() for _ in keys]
        if len(set(words)) == 1 and words[0] in {"silence", "cut"}:
            return self.hang_up(after=10 if words[0] == "silence" else 0)
        if words[0] in _WHOLE:
            return self.say(_WHOLE[words[0]], {"Retry-After": "30"})
        return self.say(200, {}, json.dumps({"results": server.take(keys, words)}).encode())

    def _change(self, body: dict[str, Any]) -> None:
        """An audience is changed by a request as a whole; one word answers it."""
        server = self.server
        word = server.word()
        if word in _WHOLE:
            return self.say(_WHOLE[word], {"Retry-After": "30"})
        if word != "lost":
            server.change(body)
        if word != "ok":
            return self.hang_up(after=10)
        return self.say(204)


def connect(base_url: str, **options: Any) -> WebhookConnector:
    return WebhookConnector(**({"url": URL, "secret": SECRET, "base_url": base_url, "timeout": 2.0} | options))
