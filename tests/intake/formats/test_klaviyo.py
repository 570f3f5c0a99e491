"""Klaviyo's profiles and suppressed profiles."""

from __future__ import annotations

import pytest

from tests.intake.formats.doors import NOW, SAMPLES, at, seen, written

LIST = (
    "Email,Klaviyo ID,First Name,Phone Number,Email Marketing Consent,Email Marketing Consent Timestamp,"
    "Email Suppressions"
)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the vendors' samples are not beside the project")
def test_the_samples() -> None:
    found = seen(SAMPLES / "klaviyo" / "list_export.csv")
    assert found.format == "klaviyo-profiles"
    assert found.consents == [
        ("sarah@example.com", "email", "granted", at("2024-01-05 10:00")),
        ("bea@example.com", "email", "denied", at("2025-02-01 08:00")),
        ("dan@example.com", "email", "granted", at("2024-05-05 10:00")),
    ]
    assert set(found.profiles) == {"sarah@example.com", "bea@example.com", "cleo@example.com", "dan@example.com"}
    assert found.profiles["dan@example.com"] == {"first_name": "Dan", "last_name": "O'Neil"}
    assert found.suppressed == {
        ("bea@example.com", "unsubscribe", at("2025-02-01 08:00")),
        ("dan@example.com", "hard_bounce", NOW),
    }
    assert not found.tally.skipped
    assert not +found.tally.warnings
    assert not found.notes
    found = seen(SAMPLES / "klaviyo" / "suppressed_profiles.csv")
    assert found.format == "klaviyo-suppressed"
    assert found.suppressed == {
        ("dan@example.com", "hard_bounce", at("2025-11-11 06:30")),
        ("gone@example.com", "unsubscribe", at("2023-08-01 00:00")),
        ("angry@example.com", "complaint", at("2025-01-09 17:45")),
    }
    assert len(found.facts) == 3  # nobody becomes a customer


@pytest.mark.parametrize(
    ("told", "when"),
    [
        ("2014-09-30 13:34:08+00:00", at("2014-09-30 13:34:08")),
        ("2014-09-30T15:34:08+02:00", at("2014-09-30 13:34:08")),
        ("2014-09-30 13:34:08", at("2014-09-30 13:34:08")),
        ("09/30/2014 13:34", at("2014-09-30 13:34")),
        ("03/04/2014 13:34", at("2014-03-04 13:34")),  # never day first
        ("1412084048", at("2014-09-30 13:34:08")),
        ("1412084048000", at("2014-09-30 13:34:08")),
        ("2014-09-30", at("2014-09-30 00:00")),
        ("30/09/2014 13:34", None),
        ("soon", None),
        ("0", None),
        ("1970-01-01 00:00:00", None),
        ("2031-01-01T00:00:00+00:00", None),
        ("", None),
    ],
)
def test_a_date_is_read_or_the_yes_is_undated(tmp_path, told, when) -> None:
    found = written(tmp_path, "l.csv", LIST, f"a@example.com,1,,,SUBSCRIBED,{told},")
    assert found.consents == [("a@example.com", "email", "granted", when)]
    assert sum(found.tally.warnings.values()) == (when is None and told != "")


@pytest.mark.parametrize("told", ["soon", "0", "30/09/2014 13:34", "2031-01-01T00:00:00Z"])
def test_a_no_outlives_its_date(tmp_path, told) -> None:
    """Without a date that can be read she may have said it as late as now."""
    found = written(tmp_path, "l.csv", LIST, f"a@example.com,1,,,UNSUBSCRIBED,{told},")
    assert found.consents == [("a@example.com", "email", "denied", None)]


def test_a_bare_day_counts_from_its_start_for_a_yes_and_to_its_end_for_a_no(tmp_path) -> None:
    rows = [f"{who}@example.com,1,,,{said},2025-02-01," for who, said in (("a", "SUBSCRIBED"), ("b", "UNSUBSCRIBED"))]
    found = written(tmp_path, "l.csv", LIST, *rows)
    assert [one[3] for one in found.consents] == [at("2025-02-01"), at("2025-02-01 23:59:59.999999")]
    found = written(tmp_path, "l.csv", LIST, f"a@example.com,1,,,UNSUBSCRIBED,{NOW.date()},")
    assert found.consents == [("a@example.com", "email", "denied", None)]


@pytest.mark.parametrize(
    ("state", "made", "warned"),
    [
        ("SUBSCRIBED", "granted", ""),
        ("subscribed", "granted", ""),
        ("Unsubscribed", "denied", ""),
        ("Never Subscribed", None, ""),
        ("NEVER_SUBSCRIBED", None, ""),
        ("", None, ""),
        ("FALSE", "doubted", ""),
        ("no", "doubted", ""),
        ("ABGEMELDET", "doubted", "unknown_state"),
    ],
)
def test_the_states(tmp_path, state, made, warned) -> None:
    found = written(tmp_path, "l.csv", LIST, f"a@example.com,1,,,{state},,")
    assert [one[2] for one in found.consents] == ([made] if made else [])
    assert dict(found.tally.warnings) == ({warned: 1} if warned else {})
    assert set(found.profiles) == {"a@example.com"}
    # The address said no, whoever has it; that it may have said so silences nobody.
    assert found.suppressed == ({("a@example.com", "unsubscribe", NOW)} if made == "denied" else set())


def test_subscribed_and_suppressed_at_once_is_suppressed(tmp_path) -> None:
    reasons = ['"[""HARD_BOUNCE"", ""USER_SUPPRESSED""]"', "Spam Complaint", "MOON", "[]", "None", "INVALID_EMAIL"]
    rows = [f"p{n}@example.com,1,,,SUBSCRIBED,2024-01-05T10:00:00Z,{why}" for n, why in enumerate(reasons)]
    found = written(tmp_path, "l.csv", LIST, *rows)
    assert found.silenced == {
        ("p0@example.com", "hard_bounce"),
        ("p0@example.com", "unsubscribe"),
        ("p1@example.com", "complaint"),
        ("p2@example.com", "unsubscribe"),
        ("p5@example.com", "hard_bounce"),
    }
    assert found.tally.warnings == {"unknown_reason": 1}


@pytest.mark.parametrize("name", ["SMS Marketing Consent", "SMS Consent", "sms marketing status"])
def test_text_messages_have_columns_of_their_own(tmp_path, name) -> None:
    found = written(
        tmp_path,
        "l.csv",
        f"Email,Klaviyo ID,Phone Number,{name},{name} Timestamp,SMS Suppressions",
        "a@example.com,1,+12025550101,SUBSCRIBED,2024-01-05T10:00:00Z,",
        "b@example.com,2,+12025550102,UNSUBSCRIBED,2025-01-05T10:00:00Z,",
        ",3,+12025550103,SUBSCRIBED,,USER_SUPPRESSED",
    )
    assert found.consents == [
        ("a@example.com", "sms", "granted", at("2024-01-05 10:00")),
        ("b@example.com", "sms", "denied", at("2025-01-05 10:00")),
        ("+12025550103", "sms", "granted", None),
    ]
    # A no by text is one of the number, whoever else has it.
    assert found.suppressed == {
        ("+12025550102", "stop", at("2025-01-05 10:00")),
        ("+12025550103", "stop", NOW),
    }


def test_two_columns_for_one_channel_both_speak(tmp_path) -> None:
    found = written(
        tmp_path,
        "l.csv",
        "Email,Klaviyo ID,Email Marketing Consent,Email Consent",
        "a@example.com,1,SUBSCRIBED,UNSUBSCRIBED",
    )
    assert sorted(one[2] for one in found.consents) == ["denied", "granted"]


def test_old_consent_lists_speak_where_no_newer_column_does(tmp_path) -> None:
    found = written(
        tmp_path,
        "l.csv",
        "Email,Phone Number,$consent,$consent_timestamp,Email Marketing Consent",
        'a@example.com,+12025550101,"[""email"",""sms""]",2021-05-05 10:00:00,',
        "b@example.com,,\"['email']\",,NEVER_SUBSCRIBED",
        "c@example.com,,[],,",
        'd@example.com,,"[""web"",""fax""]",,',
    )
    assert found.consents == [
        ("a@example.com", "email", "granted", at("2021-05-05 10:00")),
        ("a@example.com", "sms", "granted", at("2021-05-05 10:00")),
    ]
    assert found.tally.warnings == {"unknown_state": 1}


def test_who_is_kept_and_who_is_not(tmp_path) -> None:
    found = written(
        tmp_path,
        "l.csv",
        "Email,Klaviyo ID,Phone Number,Address,Country,Email Marketing Consent,Loves Dogs",
        " Ann@Example.COM ,1,,1 Main St,United States,SUBSCRIBED,yes",
        "bob@example.com,2,020 7946 0000,,France,SUBSCRIBED,no",
        "no address,3,,,,SUBSCRIBED,",
        ",4,,,,SUBSCRIBED,",
        ",5,+447700900123,,,,",
        "cut@example.com,6",
    )
    assert found.profiles == {
        "ann@example.com": {"country": "US"},
        "bob@example.com": {},  # a country without a street is a guess by the computer's address
        "+447700900123": {},
    }
    assert found.tally.skipped == {"bad_email": 1, "missing_key": 1, "field_count": 1}
    assert found.tally.warnings == {"bad_phone": 1}
    assert found.notes == ["columns passed over: Loves Dogs"]


def test_a_bare_list_of_addresses_is_one_of_suppressions_if_it_says_so(tmp_path) -> None:
    found = written(tmp_path, "suppressed_profiles_1.csv", "Email", "A@example.com", "b@example.com", "nobody")
    assert found.suppressed == {("a@example.com", "unsubscribe", NOW), ("b@example.com", "unsubscribe", NOW)}
    assert found.tally.skipped == {"bad_email": 1}
    found = written(tmp_path, "some.csv", "Email", "a@example.com", kind="klaviyo-suppressed")
    assert found.silenced == {("a@example.com", "unsubscribe")}


def test_a_reason_nobody_knows_suppresses_all_the_same(tmp_path) -> None:
    found = written(
        tmp_path,
        "x.csv",
        "Email,Reason,Timestamp",
        "a@example.com,SOLAR_WIND,never",
        "b@example.com,,",
        "c@example.com,UNSUBSCRIBED,2024-01-05T10:00:00Z",
    )
    assert found.silenced == {(f"{who}@example.com", "unsubscribe") for who in "abc"}
    assert found.tally.warnings == {"unknown_reason": 1, "bad_date": 1}
