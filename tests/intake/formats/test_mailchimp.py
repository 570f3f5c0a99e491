"""Mailchimp's audiences, one file a state."""

from __future__ import annotations

import pytest

from tests.intake.formats.doors import NOW, SAMPLES, at, seen, written

HEAD = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME"
TAIL = "LEID,EUID,NOTES,TAGS"
SUBSCRIBED = f"{HEAD},LAST_CHANGED,{TAIL}"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the vendors' samples are not beside the project")
def test_the_samples() -> None:
    found = seen(SAMPLES / "mailchimp" / "subscribed_email_audience_export.csv")
    assert found.format == "mailchimp-audience"
    assert found.consents == [
        ("sarah@example.com", "email", "confirmed", at("2023-04-01 09:05")),
        ("noconfirm@example.com", "email", "granted", None),
    ]
    assert not found.notes
    found = seen(SAMPLES / "mailchimp" / "unsubscribed_email_audience_export.csv")
    assert found.consents == [("bea@example.com", "email", "denied", at("2025-02-01 08:00"))]
    assert found.suppressed == {("bea@example.com", "unsubscribe", at("2025-02-01 08:00"))}
    assert found.profiles == {"bea@example.com": {"first_name": "Bea"}}
    found = seen(SAMPLES / "mailchimp" / "cleaned_email_audience_export.csv")
    assert found.suppressed == {("dan@example.com", "hard_bounce", at("2025-11-11 06:30"))}
    assert len(found.facts) == 1  # a dead address is nobody


@pytest.mark.parametrize(
    ("opted_in", "confirmed", "state", "when"),
    [
        ("2023-04-01 09:00:00", "2023-04-01 09:05:00", "confirmed", at("2023-04-01 09:05")),
        ("2023-04-01 09:00:00", "", "granted", at("2023-04-01 09:00")),
        ("", "2023-04-01 09:05:00", "granted", None),  # put there by the shop, whenever that was
        ("", "", "granted", None),
        ("2023-04-01 09:00:00", "yesterday", "granted", at("2023-04-01 09:00")),
        ("yesterday", "2023-04-01 09:05:00", "granted", None),
    ],
)
def test_only_both_times_are_a_confirmed_yes(tmp_path, opted_in, confirmed, state, when) -> None:
    name = "subscribed_email_audience_export_1a2b.csv"
    found = written(tmp_path, name, SUBSCRIBED, f"a@example.com,A,3,{opted_in},{confirmed},,1,2,,")
    assert found.consents == [("a@example.com", "email", state, when)]


def test_a_caller_may_know_the_clock(tmp_path) -> None:
    row = "a@example.com,A,3,2023-07-01 09:00:00,2023-07-01 09:05:00,,1,2,,"
    found = written(tmp_path, "subscribed_x.csv", SUBSCRIBED, row, time_zone="America/New_York")
    assert found.consents[0][3] == at("2023-07-01 13:05")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("subscribed_members_export_1a.csv", ["granted"]),
        ("Saltmere_SUBSCRIBED_email_audience_export.csv", ["granted"]),
        ("unsubscribed_email_audience_export_1a.csv", ["denied"]),
        ("unsubscribed_members_export (1).csv", ["denied"]),
        ("nonsubscribed_email_audience_export_1a.csv", []),
        ("cleaned_email_audience_export_1a.csv", []),
        ("audience.csv", []),
        ("not_resubscribed.csv", []),
    ],
)
def test_the_name_of_the_file_is_the_state(tmp_path, name, made) -> None:
    found = written(tmp_path, name, SUBSCRIBED, "a@example.com,A,3,,,,1,2,,")
    assert [one[2] for one in found.consents] == made
    assert set(found.profiles) == (set() if "cleaned" in name else {"a@example.com"})
    reason = {"cl": "hard_bounce", "un": "unsubscribe"}.get(name[:2])
    assert found.suppressed == ({("a@example.com", reason, NOW)} if reason else set())
    assert bool(found.notes) == (name in {"audience.csv", "not_resubscribed.csv"})


@pytest.mark.parametrize(("column", "reason"), [("UNSUB_TIME", "unsubscribe"), ("CLEAN_TIME", "hard_bounce")])
def test_a_renamed_file_is_as_strict_as_its_columns(tmp_path, column, reason) -> None:
    row = "a@example.com,A,3,,,2025-02-01 08:00:00,1,2,,"
    found = written(tmp_path, "subscribed_all.csv", f"{HEAD},{column},{TAIL}", row)
    assert found.suppressed == {("a@example.com", reason, at("2025-02-01 08:00"))}
    assert not any(state == "granted" for _, _, state, _ in found.consents)


def test_a_header_may_name_a_column_twice(tmp_path) -> None:
    head = f"Email Address,FNAME,PHONE,MEMBER_RATING,UNSUB_TIME,UNSUB_TIME,UNSUB_REASON,UNSUB_REASON,{TAIL}"
    row = 'a@example.com,Ann,+12025550101,3,,2025-02-01 08:00:00,,spam,1,2,,"""VIP"",""Size, 8"""'
    found = written(tmp_path, "unsubscribed_x.csv", head, row)
    assert found.consents == [("a@example.com", "email", "denied", at("2025-02-01 08:00"))]
    assert found.profiles == {"a@example.com": {"first_name": "Ann"}}
    assert found.notes == []


def test_old_files_end_their_lines_as_a_mac_did(tmp_path) -> None:
    file = tmp_path / "unsubscribed_members_export.csv"
    file.write_bytes(f"{HEAD},UNSUB_TIME,{TAIL}\ra@example.com,A,3,,,2016-02-01 08:00:00,1,2,,\r".encode())
    assert seen(file).silenced == {("a@example.com", "unsubscribe")}
