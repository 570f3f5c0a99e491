"""Twilio's end: real sockets, scripted answers, and a judge at the door."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qs

from tests.connectors.provider_end import Call, ProviderEnd
from tests.connectors.twilio_judge import complaints

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "a-token-of-the-tests-alone"
SERVICE = "MG" + "fedcba9876543210" * 2
NUMBER = "+12025550100"
#: (status, Twilio's code, headers) by word; a number is a code that comes with status 400.
_WORDS: Mapping[str, tuple[int, int | None, dict[str, str]]] = {
    "rejected": (400, 21614, {}),
    "throttled": (429, 20429, {"Retry-After": "7"}),
    "throttled without a word": (429, 20429, {}),
    "unauthorised": (401, 20003, {}),
    "broken": (500, 20500, {}),
    "away": (503, None, {}),
    "somebody else": (404, None, {}),
}


class TwilioWire(ProviderEnd):
    """Says one word a request, in order of arrival; the last goes on for all that follow."""

    def __init__(self) -> None:
        super().__init__(_Post)
        #: The form of every request, with its path under `""`.
        self.forms: list[dict[str, str]] = []
        self.users: list[str] = []
        self.most_at_once = 0
        #: Requests wait for each other here, where a test wants to see several in flight.
        self.together: threading.Barrier | None = None
        self._lock = threading.Lock()
        self._at_once = 0
        self._kept = 0

    def arrived(self) -> int:
        return len(self.forms)

    def kept(self) -> int:
        return self._kept

    def enter(self, path: str, authorization: str, form: dict[str, list[str]]) -> str | int:
        """Judge a request and choose its answer."""
        with self._lock:
            self.forms.append({name: values[0] for name, values in form.items()} | {"": path})
            self.users.append(authorization)
            self.complaints += complaints(path, form)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self.word()

    def leave(self) -> None:
        with self._lock:
            self._at_once -= 1

    def sid(self) -> str:
        with self._lock:
            self._kept += 1
            return f"SM{self._kept:032x}"


class _Post(Call):
    server: TwilioWire

    def play(self) -> None:
        form = parse_qs(self.body().decode(), keep_blank_values=True)
        word = self.server.enter(self.path, self.headers.get("Authorization", ""), form)
        try:
            if self.server.together is not None:
                self.server.together.wait(5)
            self._say(word)
        finally:
            self.server.leave()

    def _say(self, word: str | int) -> None:
        if word in {"silence", "cut"}:
            self.hang_up(after=10 if word == "silence" else 0)
        elif word == "ok":
            self._reply(201, json.dumps({"sid": self.server.sid(), "status": "queued", "error_code": None}))
        elif word == "not json":
            self._reply(201, "<html>thanks</html>")
        elif word == "failed at once":
            self._reply(201, json.dumps({"sid": self.server.sid(), "status": "failed", "error_code": 21610}))
        else:
            status, code, headers = (400, word, {}) if isinstance(word, int) else _WORDS[word]
            text = {"code": code, "message": "The number +12025550101 is not ours", "status": status}
            self._reply(status, json.dumps(text) if code is not None else "<html>no</html>", headers)

    def _reply(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        self.say(status, headers, text.encode())


def basic(user: str, secret: str) -> str:
    return "Basic " + b64encode(f"{user}:{secret}".encode()).decode()
