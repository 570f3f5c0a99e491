"""Twilio's message log and consents."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.intake.formats.doors import NOW, SAMPLES, at, seen, written

LOG = "From,To,Body,Status,SentDate,ErrorCode,Sid,Direction"
SHOP = "+12025550199"


def inbound(number: str, body: str, day: str = "2026-02-03") -> str:
    return f'{number},{SHOP},"{body}",received,{day}T17:20:00Z,,SM1,inbound'


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the vendors' samples are not beside the project")
def test_the_samples() -> None:
    found = seen(SAMPLES / "twilio" / "messages.csv")
    assert found.format == "twilio-messages"
    assert found.suppressed == {
        ("+12025550101", "stop", at("2026-02-03 17:20")),
        ("+12025550105", "stop", at("2026-02-04 17:20")),
    }
    assert len(found.facts) == 2
    assert found.notes == ["1 replies read, 2 numbers asked to stop or had opted out"]
    found = seen(SAMPLES / "twilio" / "consents.csv")
    assert found.format == "twilio-consents"
    assert found.suppressed == {("+12025550101", "stop", at("2026-02-03 17:20"))}
    assert len(found.facts) == 1


def test_any_wording_of_a_no_and_nothing_else_suppresses_the_number(tmp_path) -> None:
    found = written(
        tmp_path,
        "m.csv",
        LOG,
        inbound("+12025550101", "Stop please"),
        inbound("+12025550102", "is there a bus stop on 5th?"),
        inbound("+12025550103", "please unsubscribe me, thanks"),
        inbound("whatsapp:+12025550104", "STOP"),
        f"{SHOP},+12025550105,Reply STOP to opt out,delivered,2026-02-03T17:20:00Z,,SM2,outbound-api",
        f"{SHOP},+12025550106,Hello,failed,2026-02-03T17:20:00Z,30003,SM3,outbound-api",
        f"{SHOP},rcs:+12025550107,Hello,failed,,21610.0,SM3,outbound-reply",
        inbound("72404", "STOP"),
    )
    assert found.suppressed == {
        ("+12025550101", "stop", at("2026-02-03 17:20")),
        ("+12025550103", "stop", at("2026-02-03 17:20")),
        ("+12025550104", "stop", at("2026-02-03 17:20")),
        ("+12025550107", "stop", NOW),
    }
    assert not found.profiles
    assert not found.consents
    assert found.tally.skipped == {"bad_phone": 1}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_start_after_the_last_stop_is_a_yes_and_lifts_nothing(tmp_path, order) -> None:
    """The log stands newest first as a rule; any order means the same."""
    rows = [
        inbound("+12025550101", "STOP", "2026-02-03"),
        inbound("+12025550101", "Start", "2026-02-05"),
        inbound("+12025550102", "STOP", "2026-02-05"),
    ]
    earlier = [inbound("+12025550102", "UNSTOP", "2026-02-03"), inbound("+12025550103", "YES", "2026-02-03")]
    found = written(tmp_path, "m.csv", LOG, *(rows[n] for n in order), *earlier)
    assert found.consents == [("+12025550101", "sms", "granted", at("2026-02-05 17:20"))]
    assert found.silenced == {("+12025550101", "stop"), ("+12025550102", "stop")}


def test_bodies_are_not_kept(tmp_path) -> None:
    found = written(tmp_path, "m.csv", LOG, inbound("+12025550101", "STOP. My secret is 42"))
    assert "secret" not in repr((found.facts, found.tally, found.notes))


def test_consents_with_and_without_a_date(tmp_path) -> None:
    found = written(
        tmp_path,
        "c.csv",
        "contact_id,correlation_id,sender_id,status,source,date_of_consent",
        "+12025550101,a,MG1,opt-in,website,2026-02-03T17:20:00Z",
        "+12025550102,b,MG1,opt-in,offline,",
        "+12025550103,c,MG1,opt-out,opt-out-message,",
        "+12025550104,d,MG1,Opt-Out,offline,yesterday",
        "+12025550105,e,MG1,maybe,offline,",
        "12,f,MG1,opt-out,offline,",
        ",g,MG1,opt-out,offline,",
    )
    assert found.consents == [
        ("+12025550101", "sms", "granted", at("2026-02-03 17:20")),
        ("+12025550102", "sms", "granted", None),
    ]
    assert found.suppressed == {("+12025550103", "stop", NOW), ("+12025550104", "stop", NOW)}
    assert found.tally.warnings == {"unknown_state": 1, "bad_date": 1}
    assert found.tally.skipped == {"bad_phone": 1, "missing_key": 1}
