"""An ad platform that is a few dictionaries, and a connector to it that passes the contract suite.

    platform = FakePlatform()
    platform.answer("ok", "silence")
    connector = FakeAudiences(platform=platform)

Script the platform; never patch the connector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal, get_args

from segue.contract.errors import (
    ConfigurationError,
    ConnectorError,
    RejectedError,
    TransientError,
    UncertainError,
    UnsupportedError,
)
from segue.contract.types import (
    AUDIENCE_GONE,
    NAMING_KINDS,
    AudienceChange,
    Capabilities,
    Key,
    Members,
    Result,
    accepted,
    deferred,
    rejected,
    uncertain,
)

AudienceAnswer = Literal["ok", "throttled", "unauthorised", "silence", "lost", "gone"]
"""What a platform says to one request. `silence`: it did what was asked and never spoke; `lost`: the request never
reached it, nor was there an answer; `gone`: somebody deleted the audience."""

_ANSWERS = frozenset(get_args(AudienceAnswer))


class FakePlatform:
    """The platform's end: which audiences it has, who is in them, and what it will say."""

    def __init__(self) -> None:
        #: Hashed members by the audience's id.
        self.audiences: dict[str, set[str]] = {}
        #: How many requests that add or remove somebody reached it.
        self.requests = 0
        self._names: dict[str, str] = {}
        self._script: list[AudienceAnswer] = []
        self._last: AudienceAnswer = "ok"

    def answer(self, *answers: AudienceAnswer) -> None:
        """Say these to the next requests, one each; the last goes on for all that follow."""
        unknown = set(answers) - _ANSWERS
        if unknown or not answers:
            raise ValueError(f"answers are {', '.join(sorted(_ANSWERS))}; got {', '.join(sorted(unknown)) or 'none'}")
        self._script, self._last = list(answers), answers[-1]

    def arrived(self) -> int:
        """How many requests that add or remove somebody reached it."""
        return self.requests

    def held(self, external_id: str) -> frozenset[str]:
        """Who is in an audience, in the platform's own spelling."""
        return frozenset(self.audiences.get(external_id, ()))

    def audience_called(self, name: str) -> str | None:
        """The id of the audience called `name`, if there is one."""
        return self._names.get(name)

    def make(self, name: str) -> str:
        """Make an audience, even if there is one of that name already, as platforms do."""
        external_id = f"aud-{len(self.audiences) + 1}"
        self.audiences[external_id] = set()
        self._names[name] = external_id
        return external_id

    def delete(self, external_id: str) -> None:
        """Somebody deletes an audience at the platform; its id is never used again."""
        self.audiences[external_id] = set()
        self._names = {name: one for name, one in self._names.items() if one != external_id}

    def take(self, external_id: str, members: set[str], *, remove: bool) -> AudienceAnswer:
        """Receive one request and choose the answer. Override it to stall, or to die, at this moment."""
        answer = self._script.pop(0) if self._script else self._last
        if answer != "lost":
            self.requests += 1
        if answer in ("ok", "silence"):
            if external_id not in self._names.values():
                return "gone"
            held = self.audiences[external_id]
            self.audiences[external_id] = held - members if remove else held | members
        elif answer == "gone":
            self.delete(external_id)
        return answer


class FakeAudiences:
    """An audience connector whose platform is a `FakePlatform`; it sends `request_size` members a request."""

    def __init__(
        self,
        *,
        platform: FakePlatform | None = None,
        name: str = "fake",
        fields: tuple[str, ...] = ("email", "phone", "country"),
        max_batch: int = 1000,
        request_size: int = 400,
        max_removals: int | None = None,
        retry_after: timedelta | None = timedelta(seconds=30),
    ) -> None:
        self.name = name
        self.fields = fields
        self.capabilities = Capabilities(
            max_batch=max_batch, window=max_batch, idempotent=True, max_removals=max_removals
        )
        self.platform = platform or FakePlatform()
        self.closed = False
        self._request_size = request_size
        self._retry_after = retry_after

    def ensure(self, name: str, description: str) -> str:  # noqa: ARG002 - this platform shows no descriptions
        """Find the audience by its name, or make it."""
        return self.platform.audience_called(name) or self.platform.make(name)

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        """Remove, then add, in requests of a few hundred."""
        if unknown := set(change.fields) - set(self.fields):
            raise UnsupportedError(f"the connector {self.name} does not send {', '.join(sorted(unknown))}")
        trouble: ConnectorError | None = None
        answered = False
        for remove, members in ((True, change.remove), (False, change.add)):
            for start in range(0, len(members), self._request_size):
                share = members[start : start + self._request_size]
                if trouble is None:
                    trouble = self._request(change, share, remove=remove)
                    if trouble is not None and not answered:
                        raise trouble
                    answered = True
                    lost = isinstance(trouble, UncertainError)
                else:
                    lost = False
                yield from (self._result(key, self._valid(change, one), remove, trouble, lost) for key, one in share)

    def close(self) -> None:
        """Note that it was closed; safe to call twice."""
        self.closed = True

    def _request(self, change: AudienceChange, share: Members, *, remove: bool) -> ConnectorError | None:
        rows = {row for _, one in share if (row := self._valid(change, one)) is not None}
        answer = self.platform.take(change.external_id, rows, remove=remove) if rows else "ok"
        errors: dict[AudienceAnswer, ConnectorError] = {
            "throttled": TransientError("the platform is throttling", retry_after=self._retry_after),
            "unauthorised": ConfigurationError("the platform refused the key; check the connector's settings"),
            "silence": UncertainError("the platform took the request and never answered"),
            "lost": UncertainError("no answer came from the platform"),
            "gone": RejectedError("the platform has no such audience; it is made anew", reason=AUDIENCE_GONE),
        }
        return errors.get(answer)

    def _result(self, key: Key, row: str | None, remove: bool, trouble: ConnectorError | None, lost: bool) -> Result:
        if row is None:
            return accepted(key) if remove else rejected(key, "invalid_entry")
        if trouble is None:
            return accepted(key)
        if lost:
            return uncertain(key, "no_answer")
        return deferred(key, "platform_trouble", self._retry_after)

    def _valid(self, change: AudienceChange, member: Mapping[str, str]) -> str | None:
        """How the platform knows her: every identifier hashed, in the order of the fields; None: by nothing."""
        given = {kind: member[kind].strip().lower() for kind in change.fields if member.get(kind, "").strip()}
        if "@" not in given.get("email", "@"):
            del given["email"]
        if not any(kind in given for kind in NAMING_KINDS):
            return None
        return " ".join(f"{kind}={hashlib.sha256(value.encode()).hexdigest()}" for kind, value in given.items())
