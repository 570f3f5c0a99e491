"""What SendGrid and Twilio post: kept once, in any order, and what follows for the message and for the address."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, text

from segue.intake import IntakeError

from .talk import AT, PHONE, add_message, add_person, bring_in, hashed, mail_news, reply, states, text_news

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "specs" / "sendgrid" / "event_webhook_sample.json"
KEY = "abandoned_cart/reminder/cart:1"


def _silenced(rows) -> set[tuple[str, str]]:
    return set(rows("SELECT address_hash, reason FROM suppression"))


@pytest.mark.skipif(not SAMPLE.is_file(), reason="../shared/specs/sendgrid is missing")
@pytest.mark.parametrize("shape", ["a line each", "one array", "as posted"])
def test_every_sample_of_sendgrids_is_taken(engine: Engine, tmp_path: Path, rows, shape: str):
    """The official sample, though it gives all its events one id."""
    events = json.loads(SAMPLE.read_text())
    assert len(events) == 11
    lines = events
    if shape == "one array":
        lines = [events]
    elif shape == "as posted":
        lines = ["[" + ",\r\n".join(json.dumps(one) for one in events) + "]\r"]
    report = bring_in(engine, tmp_path, *lines)
    assert dict(report.skipped) == {"other_news": 1}  # group_resubscribe lifts nothing
    # Two of the eleven are unsubscribes under one id.
    assert report.taken["delivery"] == 9
    address = hashed("example@test.com")
    assert _silenced(rows) == {(address, "hard_bounce"), (address, "complaint"), (address, "unsubscribe")}
    assert rows("SELECT count(*) FROM profile") == [(0,)]
    again = bring_in(engine, tmp_path, *lines)
    assert dict(again.taken) == {}
    assert "test.com" not in report.to_text()


def test_an_array_may_come_by_any_name(engine: Engine, tmp_path: Path):
    assert bring_in(engine, tmp_path, [mail_news("open")], name="body.json").taken["delivery"] == 1
    form = urlencode(text_news("delivered"))
    assert bring_in(engine, tmp_path, form, name="posts.txt").taken["delivery"] == 1
    with pytest.raises(IntakeError):
        bring_in(engine, tmp_path, "Name;Thing", "a;b", name="table.txt")


def test_what_a_mailbox_answered_is_kept_in_codes(engine: Engine, tmp_path: Path, rows):
    add_message(engine, add_person(engine, email="sarah@example.com"), KEY)
    refused = "550 5.1.1 <sarah@example.com>: no such user"
    bring_in(
        engine,
        tmp_path,
        mail_news("bounce", 1, segue_key=KEY, type="bounce", reason=refused),
        mail_news("bounce", 2, segue_key=KEY, type="blocked", reason="421 4.7.1 <b@x.test>", email="b@x.test"),
        mail_news("deferred", 3, segue_key=KEY, response="sarah@example.com is busy"),
        mail_news("dropped", 4, segue_key="j/s/unknown:1", reason="Unsubscribed Address", email="c@example.com"),
    )  # fmt: skip
    assert rows("SELECT kind, reason, message_id IS NOT NULL FROM delivery_event ORDER BY id") == [
        ("bounced", "550 5.1.1", True),
        ("blocked", "421 4.7.1", True),
        ("deferred", None, True),
        ("dropped", "unsubscribe", False),
    ]
    assert _silenced(rows) == {(hashed("sarah@example.com"), "hard_bounce"), (hashed("c@example.com"), "unsubscribe")}


def test_the_same_event_told_forty_times_is_one(engine: Engine, tmp_path: Path, rows):
    add_message(engine, add_person(engine, email="sarah@example.com"), KEY)
    report = bring_in(
        engine, tmp_path, *[mail_news("open", segue_key=KEY)] * 20, [mail_news("open", segue_key=KEY)] * 20
    )
    assert (report.taken["delivery"], report.duplicates["delivery"]) == (1, 39)
    assert rows("SELECT count(*) FROM delivery_event") == [(1,)]


def test_a_suppression_does_not_wait_for_a_clock_that_runs_ahead(engine: Engine, tmp_path: Path, rows):
    bring_in(engine, tmp_path, mail_news("spamreport", timestamp=AT + 90_000_000))
    assert rows("SELECT count(*) FROM suppression WHERE occurred_at > recorded_at") == [(0,)]


@pytest.mark.parametrize(
    ("news", "state"),
    [
        ("processed", "accepted"), ("delivered", "accepted"), ("open", "accepted"), ("click", "accepted"),
        ("bounce", "accepted"), ("deferred", "accepted"), ("spamreport", "accepted"), ("dropped", "rejected"),
    ],
)  # fmt: skip
def test_what_nobody_could_be_sure_of_is_known_at_last(engine: Engine, tmp_path: Path, news: str, state: str):
    """And nothing else changes, whatever a provider says of it."""
    owner = add_person(engine, email="sarah@example.com")
    others = {one: one for one in ("queued", "held", "handed_over", "accepted", "rejected", "skipped", "control")}
    others |= {"deferred": "accepted" if state == "accepted" else "deferred", "uncertain": state}
    for one in others:
        add_message(engine, owner, f"j/s/{one}:1", one)
    add_message(engine, owner, "j/s/never_left:1", "deferred", handed_over_at=None)
    bring_in(engine, tmp_path, *(mail_news(news, key, segue_key=key) for key in states(engine)))
    found = {key.split("/")[2].split(":")[0]: (now, why) for key, (now, why) in states(engine).items()}
    assert found.pop("never_left") == ("deferred", None)
    reason = {"uncertain": "provider_dropped"} if state == "rejected" else {}
    assert found == {one: (now, reason.get(one)) for one, now in others.items()}


@pytest.mark.parametrize("first", ["dropped", "delivered"])
def test_a_delivery_outweighs_a_drop_whichever_is_heard_first(engine: Engine, tmp_path: Path, first: str):
    """A rejection of the provider's own answer stays one."""
    owner = add_person(engine, email="sarah@example.com")
    add_message(engine, owner, KEY, "uncertain")
    add_message(engine, owner, "j/s/refused:1", "rejected", reason="bad_request")
    second = {"dropped": "delivered", "delivered": "dropped"}[first]
    bring_in(engine, tmp_path, *(mail_news(first, key, segue_key=key) for key in states(engine)))
    assert states(engine)[KEY][0] == ("rejected" if first == "dropped" else "accepted")
    bring_in(engine, tmp_path, *(mail_news(second, key, segue_key=key) for key in states(engine)))
    assert states(engine) == {KEY: ("accepted", None), "j/s/refused:1": ("rejected", "bad_request")}
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM message WHERE answered_at IS NULL")) == 1


def test_a_text_messages_news_finds_it_before_its_id_is_written_down(engine: Engine, tmp_path: Path, rows):
    """Twilio may post before the sender has recorded its answer; the next import finds the message."""
    owner = add_person(engine, phone=PHONE)
    early = bring_in(engine, tmp_path, urlencode(text_news("delivered", "SM7")))
    assert dict(early.warnings) == {"unknown_message": 1}
    assert rows("SELECT message_id FROM delivery_event") == [(None,)]
    mail = add_message(engine, owner, "j/s/cart:2", "uncertain", provider_id="SM7")  # an e-mail's id means nothing here
    sent = add_message(engine, owner, KEY, "uncertain", channel="sms", provider_id="SM7")
    bring_in(engine, tmp_path, text_news("sent", "SM8"))
    assert rows("SELECT message_id FROM delivery_event ORDER BY id") == [(sent,), (None,)]
    assert states(engine) == {KEY: ("accepted", None), "j/s/cart:2": ("uncertain", None)}
    assert mail != sent


def test_a_late_status_undoes_nothing(engine: Engine, tmp_path: Path, rows):
    add_message(engine, add_person(engine, phone=PHONE), KEY, channel="sms", provider_id="SM1")
    order = ["queued", "delivered", "sent", "sending", "delivered", "brand_new_status"]
    report = bring_in(engine, tmp_path, *(text_news(status, RawDlrDoneDate="2605011200") for status in order))
    assert (dict(report.skipped), dict(report.warnings)) == ({"other_news": 1}, {})
    assert set(rows("SELECT kind FROM delivery_event")) == {("processed",), ("delivered",)}
    assert rows("SELECT count(*) FROM delivery_event WHERE message_id IS NULL") == [(0,)]


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason"),
    [
        ("failed", "21610", "dropped", "stop"),
        ("undelivered", "30005", "bounced", "hard_bounce"),
        ("undelivered", "30006", "bounced", "hard_bounce"),
        ("undelivered", "30003", "blocked", None),
        ("failed", "30001", "failed", None),
        ("canceled", None, "dropped", None),
    ],
)
def test_why_a_text_did_not_arrive(engine: Engine, tmp_path: Path, rows, status, code, kind, reason):
    post = text_news(status, segue_key=KEY) | ({"ErrorCode": code} if code else {})
    add_message(engine, add_person(engine, phone=PHONE), KEY, "uncertain", channel="sms")
    bring_in(engine, tmp_path, urlencode(post))
    assert rows("SELECT kind, reason FROM delivery_event") == [(kind, code)]
    assert _silenced(rows) == ({(hashed(PHONE), reason)} if reason else set())
    assert states(engine)[KEY][0] == ("accepted" if kind in {"bounced", "blocked"} else "rejected")


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ("STOP", "stop"), ("Stop please", "stop"), ("please stop texting me", "stop"), ("unsubscribe me", "stop"),
        ("don't stop", "unclear"), ("is there a bus stop?", "unclear"), ("", "unclear"), ("Do you ship?", "unclear"),
        ("HELP", "help"), ("info?", "help"), ("UNSTOP", "start"),
    ],
)  # fmt: skip
def test_what_a_reply_means(engine: Engine, tmp_path: Path, rows, body: str, meaning: str):
    add_person(engine, phone=PHONE)
    report = bring_in(engine, tmp_path, urlencode(reply(body)))
    assert rows("SELECT name, dedupe FROM event") == [("Text Message Received", "twilio:SM9")]
    kept = json.loads(rows("SELECT CAST(properties AS TEXT) FROM event")[0][0])
    assert kept == {"meaning": meaning, "number": hashed(PHONE)}  # the text itself is not kept
    assert _silenced(rows) == ({(hashed(PHONE), "stop")} if meaning == "stop" else set())
    assert rows("SELECT state FROM consent_event") == ([("denied",)] if meaning == "stop" else [])
    warning = {"unclear": {"needs_reading": 1}, "help": {"asks_for_help": 1}}
    assert dict(report.warnings) == warning.get(meaning, {})


def test_a_stop_of_a_number_nobody_has_silences_it_and_makes_nobody(engine: Engine, tmp_path: Path, rows):
    bring_in(
        engine, tmp_path, reply("What?", OptOutType="STOP", From=f"whatsapp:{PHONE}"), reply("hi", "SM2", From="12")
    )
    assert _silenced(rows) == {(hashed(PHONE), "stop")}
    assert rows("SELECT count(*) FROM profile UNION ALL SELECT count(*) FROM consent_event") == [(0,), (0,)]


def test_a_start_lifts_a_stop_of_its_own_number_only(engine: Engine, tmp_path: Path, rows):
    """Without an earlier stop of this very number a YES answers something else."""
    mine, other = add_person(engine, phone=PHONE), add_person(engine, phone="+447700900123")
    bring_in(
        engine,
        tmp_path,
        reply("STOP", "SM1", received_at="2026-04-01T10:00:00Z"),
        reply("START", "SM2", received_at="2026-04-02T10:00:00Z"),
        reply("START", "SM3", received_at="2026-03-01T10:00:00Z"),
        reply("YES", "SM4", received_at="2026-04-02T10:00:00Z", From="+447700900123"),
    )
    found = rows("SELECT profile_id, channel, state, source, dedupe FROM consent_event ORDER BY occurred_at")
    assert found == [
        (mine, "sms", "denied", "reply:stop", "reply:twilio:SM1"),
        (mine, "sms", "granted", "reply:start", "reply:twilio:SM2"),
    ]
    assert mine != other
    assert _silenced(rows) == {(hashed(PHONE), "stop")}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (2, 0, 1), (1, 2, 0)])
def test_the_order_in_which_stops_and_starts_are_told_changes_nothing(engine: Engine, tmp_path: Path, rows, order):
    add_person(engine, phone=PHONE)
    told = [
        reply(body, f"SM{day}", received_at=f"2026-04-0{day}T10:00:00Z")
        for day, body in enumerate(["STOP", "START", "STOP"], start=1)
    ]
    for number in order:
        bring_in(engine, tmp_path, told[number])
    assert rows("SELECT state FROM consent_event ORDER BY occurred_at") == [("denied",), ("granted",), ("denied",)]
    assert _silenced(rows) == {(hashed(PHONE), "stop")}


_TABLE = """name = "esp"
calling_code = "1"
[[record]]
kind = "delivery"
[record.fields]
kind = { column = "what", map = { D = "delivered", U = "unsubscribed", B = "bounced" } }
key = "key"
address = "to"
reason = "why"
occurred_at = "at"
"""


def test_news_of_a_table(engine: Engine, rows, table_of):
    add_message(engine, add_person(engine, email="sarah@example.com"), KEY)
    content = (
        "what,key,to,why,at\n"
        f"D,{KEY},,250,2026-04-01T10:00:00Z\n"
        "U,,(202) 555-0123,,2026-04-01T10:00:00Z\n"
        f"B,{KEY},sarah@example.com,mailbox of sarah@example.com is gone,2026-04-01T10:00:00Z\n"
        "D,,,,2026-04-01T10:00:00Z\n"
        "X,,,,2026-04-01T10:00:00Z\n"
    )
    report = table_of(content, _TABLE)
    assert dict(report.skipped) == {"missing_key": 1, "unknown_value": 1}
    assert rows("SELECT provider, kind, reason, message_id IS NOT NULL FROM delivery_event ORDER BY id") == [
        ("esp", "delivered", "250", True),
        ("esp", "unsubscribed", None, False),
        ("esp", "bounced", None, True),
    ]
    assert rows("SELECT reason FROM suppression ORDER BY reason") == [("hard_bounce",), ("stop",)]
    assert dict(table_of(content, _TABLE).taken) == {}


def test_news_finds_a_message_whose_key_a_merge_rewrote(engine: Engine, tmp_path: Path, rows):
    kept, gone = add_person(engine, email="a@example.com"), add_person(engine, email="b@example.com")
    sent = add_message(engine, kept, f"loyalty/month/2026-04/profile:{kept}")
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE profile SET merged_into = {kept} WHERE id = {gone}"))  # noqa: S608 - numbers
    bring_in(engine, tmp_path, mail_news("open", segue_key=f"loyalty/month/2026-04/profile:{gone}"))
    assert rows("SELECT message_id FROM delivery_event") == [(sent,)]
