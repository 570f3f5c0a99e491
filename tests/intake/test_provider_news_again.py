"""News told twice, late, broken and in any order ends alike, and no payload stops the door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from segue.intake import IntakeError
from segue.store.tables import metadata
from tests.search import examples

from .talk import NOW, PHONE, add_message, bring_in, hashed, mail_news, reply, text_news

_MAIL = [
    mail_news(event, key, segue_key=key, email=f"{key[-1]}@example.com", **more)
    for key in ("j/s/cart:1", "j/s/cart:2", "j/s/cart:3")
    for event, more in (
        ("processed", {}), ("dropped", {"reason": "Bounced Address"}), ("delivered", {}), ("spamreport", {}),
        ("unsubscribe", {}), ("bounce", {"type": "blocked"}),
    )
]  # fmt: skip
_TEXTS = [text_news(status, "SM1") for status in ("queued", "sent", "delivered", "failed")]
_TEXTS += [text_news("failed", "SM2", ErrorCode="21610")]
_REPLIES = [
    reply(body, f"SM{10 + day}", received_at=f"2026-04-{day:02}T10:00:00Z")
    for day, body in enumerate(["START", "STOP", "START", "stop texting me", "UNSTOP", "bus stop?"], start=1)
]
_STOPPING = {"spamreport": "complaint", "unsubscribe": "unsubscribe", "dropped": "hard_bounce"}


def _end(engine: Engine) -> dict[str, Any]:
    """What is known in the end, but for the order in which it came to be known."""
    with engine.connect() as connection:
        ask = lambda statement: sorted(tuple(row) for row in connection.execute(text(statement)))  # noqa: E731
        return {
            "messages": ask("SELECT key, state, COALESCE(reason, ''), answered_at IS NULL FROM message"),
            "news": ask("SELECT dedupe, kind, COALESCE(message_id, 0) FROM delivery_event"),
            "no": ask("SELECT address_hash, reason FROM suppression"),
            "words": ask("SELECT profile_id, state, source, CAST(occurred_at AS TEXT) FROM consent_event"),
            "events": ask("SELECT dedupe, CAST(properties AS TEXT) FROM event"),
        }


def _reset(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())


def _setting(engine: Engine) -> None:
    """One person and her messages, under ids that do not depend on what was there before."""
    with engine.begin() as connection:
        connection.execute(metadata.tables["profile"].insert().values(id=1, created_at=NOW))
        connection.execute(
            metadata.tables["identifier"].insert().values(kind="phone", value=PHONE, profile_id=1, recorded_at=NOW)
        )
    for number, state in enumerate(("uncertain", "deferred", "queued"), start=1):
        add_message(engine, 1, f"j/s/cart:{number}", state, id=number)
    for number, state in enumerate(("uncertain", "uncertain"), start=1):
        add_message(engine, 1, f"j/s/text:{number}", state, id=10 + number, channel="sms", provider_id=f"SM{number}")


def test_news_in_any_order_and_any_number_of_times_ends_alike(engine: Engine, tmp_path: Path):
    @settings(
        max_examples=examples(25 if engine.dialect.name == "sqlite" else 5),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        told = data.draw(st.lists(st.sampled_from([*_MAIL, *_TEXTS, *_REPLIES]), min_size=1, max_size=12))
        _reset(engine)
        _setting(engine)
        bring_in(engine, tmp_path, *told)
        once = _end(engine)
        _reset(engine)
        _setting(engine)
        shuffled = data.draw(st.permutations([*told, *data.draw(st.lists(st.sampled_from(told), max_size=4))]))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
        for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
            if start < end:
                bring_in(engine, tmp_path, *shuffled[start:end])
        assert _end(engine) == once
        # Whoever said no is silent, whatever else was told, and nobody else is.
        said = {(hashed(str(one["email"])), _STOPPING[one["event"]]) for one in told if one.get("event") in _STOPPING}
        stopped = any(one.get("Body") in {"STOP", "stop texting me"} for one in told)
        if stopped or any(one.get("ErrorCode") == "21610" for one in told):
            said.add((hashed(PHONE), "stop"))
        assert set(once["no"]) == said
        queued = [row for row in once["messages"] if row[0] == "j/s/cart:3"]
        assert [row[1] for row in queued] == ["queued"]

    check()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(PHONE),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
_SOUND = [*_MAIL[:6], *_TEXTS, *_REPLIES]


@st.composite
def _spoilt(draw: st.DrawFn) -> object:
    """A payload with a field gone, or holding anything; or a line cut short; or a form of it."""
    payload = dict(draw(st.sampled_from(_SOUND)))
    for name in draw(st.lists(st.sampled_from(sorted(payload)), max_size=2)):
        if draw(st.booleans()):
            payload.pop(name, None)
        else:
            payload[name] = draw(_JSON)
    how = draw(st.sampled_from(["object", "cut", "form", "array"]))
    if how == "cut":
        return json.dumps(payload)[: draw(st.integers(1, 60))]
    if how == "form":
        return urlencode({name: str(value) for name, value in payload.items()}, errors="replace")
    return [payload, draw(_JSON)] if how == "array" else payload


def test_no_payload_stops_the_door(engine: Engine, tmp_path: Path):
    """Whatever is posted is taken or counted, again is once, and no report names anybody."""

    @settings(
        max_examples=examples(40 if engine.dialect.name == "sqlite" else 5),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(lines=st.lists(_spoilt(), min_size=1, max_size=4))
    def check(lines: list[object]) -> None:
        _reset(engine)
        _setting(engine)
        try:
            report = bring_in(engine, tmp_path, *lines)
        except IntakeError:
            return  # most of its times unreadable
        after = _tables(engine)
        assert report.rows
        assert "@" not in report.to_text()
        again = bring_in(engine, tmp_path, *lines)
        assert (dict(again.taken), _tables(engine)) == ({}, after)

    check()


def _tables(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }
