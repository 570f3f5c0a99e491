"""Braze's users: two CSV exports and JSON lines."""

from __future__ import annotations

import gzip
import json

import pytest

from segue.intake.errors import IntakeError
from segue.intake.opening import open_table
from tests.intake.formats.doors import NOW, SAMPLES, at, seen, written

NO = ("bea@example.com", "email", "denied", at("2025-02-01 08:00"))
YES = ("sarah@example.com", "email", "granted", at("2024-01-05 10:00"))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the vendors' samples are not beside the project")
@pytest.mark.parametrize(
    ("file", "expected"),
    [("segment_emails.csv", [YES, NO]), ("segment_users.csv", [NO]), ("users_export_ids.jsonl", [YES, NO])],
)
def test_the_samples(file, expected) -> None:
    found = seen(SAMPLES / "braze" / file)
    assert found.format == "braze-users"
    assert found.consents == expected
    assert set(found.profiles) == {"sarah@example.com", "bea@example.com"}
    assert found.suppressed == {("bea@example.com", "unsubscribe", at("2025-02-01 08:00"))}
    assert not found.notes
    if "emails" not in file:
        assert found.profiles["sarah@example.com"]["zone"] == "America/Los_Angeles"


def user(**told: object) -> str:
    return json.dumps({"external_id": "1", "email": "a@example.com", "email_subscribe": "subscribed", **told})


@pytest.mark.parametrize(
    ("told", "made"),
    [
        ({}, []),  # what everybody is who never said anything
        ({"email_subscribe": "opted_in"}, [("granted", None)]),
        (
            {"email_subscribe": "opted_in", "email_opted_in_at": "2024-01-05T10:00:00.000Z"},
            [("granted", at("2024-01-05 10:00"))],
        ),
        ({"email_subscribe": "unsubscribed"}, [("denied", None)]),
        (
            {"email_subscribe": "unsubscribed", "email_opted_in_at": "2024-01-05T10:00:00.000Z"},
            [("denied", None)],
        ),
        (
            {"email_subscribe": "subscribed", "email_unsubscribed_at": "2025-02-01T08:00:00.000Z"},
            [("denied", at("2025-02-01 08:00"))],
        ),
        ({"email_subscribe": "snoozed"}, [("doubted", None)]),
        ({"email_subscribe": None}, []),
    ],
)
def test_the_states(tmp_path, told, made) -> None:
    found = written(tmp_path, "users.jsonl", user(**told))
    assert [(state, when) for _, _, state, when in found.consents] == made
    noes = {("a@example.com", "unsubscribe", when or NOW) for state, when in made if state == "denied"}
    assert found.suppressed == noes  # the address said no, whoever has it


def test_both_dates_are_told_and_time_decides_later(tmp_path) -> None:
    found = written(
        tmp_path,
        "e.csv",
        "user_id,email,unsubscribed_from_emails_at,opted_in_to_emails_at",
        "1,a@example.com,2025-02-01 08:00:00 UTC,2025-03-01 08:00:00 UTC",
    )
    assert [(state, when) for _, _, state, when in found.consents] == [
        ("denied", at("2025-02-01 08:00")),
        ("granted", at("2025-03-01 08:00")),
    ]
    assert not found.suppressed  # the address came back


@pytest.mark.parametrize(
    "told",
    [
        {"email_opted_in_at": "2025-01-01T08:00:00Z", "email_subscribe": None},
        {"email_opted_in_at": "2025-02-01T08:00:00Z", "email_subscribe": "opted_in"},
        {"email_opted_in_at": "2025-03-01T08:00:00Z", "email_subscribe": "unsubscribed"},
        {"email_opted_in_at": "2025-03-01T08:00:00Z", "email_subscribe": "subscribed"},
        {"email_opted_in_at": "soon", "email_subscribe": "opted_in"},
        {"email_subscribe": "opted_in"},
    ],
)
def test_an_address_comes_back_only_by_a_later_yes_of_its_own(tmp_path, told) -> None:
    found = written(tmp_path, "users.jsonl", user(email_unsubscribed_at="2025-02-01T08:00:00Z", **told))
    assert found.suppressed == {("a@example.com", "unsubscribe", at("2025-02-01 08:00"))}


def test_a_complaint_silences_the_address(tmp_path) -> None:
    lines = [user(marked_email_as_spam_at="2025-02-01T08:00:00Z"), user(email="b@example.com")]
    found = written(tmp_path, "users.jsonl", *lines)
    assert found.suppressed == {("a@example.com", "complaint", at("2025-02-01 08:00"))}


def test_a_key_that_comes_on_the_last_line_only_is_read(tmp_path) -> None:
    """A no may be the first of its file."""
    lines = [user(email=f"p{n}@example.com") for n in range(50)]
    found = written(tmp_path, "users.ndjson", *lines, user(email_unsubscribed_at="2025-02-01T08:00:00Z"))
    assert found.consents == [("a@example.com", "email", "denied", at("2025-02-01 08:00"))]


def test_broken_lines_are_counted_and_cost_no_other(tmp_path) -> None:
    file = tmp_path / "users.jsonl.gz"
    lines = [user(), "", "[1, 2]", '{"email": NaN}', user(email="b@example.com"), '{"email": "cut@exam']
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = seen(file)
    assert set(found.profiles) == {"a@example.com", "b@example.com"}
    assert found.tally.skipped == {"bad_json": 2, "truncated": 1}


def test_json_lines_are_a_table(tmp_path) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text('{"a": 7801122334401, "b": 1.50}\n\n{"b": true, "c": {"d": ["é"]}, "a": null}\n')
    table = open_table(file)
    assert (table.columns, table.total) == (("a", "b", "c"), 3)
    assert [(row.line, row.cells) for row in table.rows()] == [
        (1, ["7801122334401", "1.50", ""]),
        (3, ["", "true", '{"d": ["é"]}']),
    ]
    assert table.empty_lines == 1


@pytest.mark.parametrize("text", ["1\n2\n", "\n", '{"a": 1\n', json.dumps(dict.fromkeys(map(str, range(1001)))) + "\n"])
def test_what_is_no_table_is_refused(tmp_path, text) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text(text)
    with pytest.raises(IntakeError):
        open_table(file)


def test_who_has_no_address_is_nobody(tmp_path) -> None:
    found = written(tmp_path, "users.jsonl", user(email=None), user(email=None, phone="+12025550101", time_zone="Moon"))
    assert found.profiles == {"+12025550101": {}}
    assert found.tally.skipped == {"missing_key": 1}
    assert found.tally.warnings == {"bad_zone": 1}
    assert at("2026-11-22 09:00") == NOW
