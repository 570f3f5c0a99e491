"""SendGrid's suppression downloads."""

from __future__ import annotations

import pytest

from tests.intake.formats.doors import NOW, SAMPLES, at, seen, written


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the vendors' samples are not beside the project")
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("bounces", ("dan@example.com", "hard_bounce", at("2025-11-11 06:30"))),
        ("invalid_emails", ("typo@nosuchhost.example.com", "hard_bounce", at("2025-01-09 17:45:01"))),
        ("spam_reports", ("angry@example.com", "complaint", at("2025-01-09 17:45"))),
        ("unsubscribes", ("bea@example.com", "unsubscribe", at("2025-02-01 08:00"))),
    ],
)
def test_the_samples(what, expected) -> None:
    found = seen(SAMPLES / "sendgrid" / f"suppression_{what}.csv")
    assert found.format == f"sendgrid-{what.replace('_', '-')}"
    assert found.suppressed == {expected}
    assert len(found.facts) == 1
    assert not found.notes


BOUNCES = ("status,reason,email,created", '4.7.1,"421, ""later"" please\nagain",a@example.com,1762842600')


def test_blocks_suppress_nobody(tmp_path) -> None:
    found = written(tmp_path, "suppression_blocks (2).csv", *BOUNCES)
    assert found.format == "sendgrid-blocks"
    assert not found.facts
    assert found.tally.skipped == {"temporary_block": 1}
    assert found.notes == ["1 blocks passed over: they are temporary and suppress nobody"]


@pytest.mark.parametrize("name", ["suppression_bounces.csv", "export.csv"])
def test_what_is_not_called_blocks_is_bounces(tmp_path, name) -> None:
    assert written(tmp_path, name, *BOUNCES).silenced == {("a@example.com", "hard_bounce")}


@pytest.mark.parametrize("created", ["", "0", "last week", "99999999999"])
def test_an_address_outlives_its_date(tmp_path, created) -> None:
    found = written(tmp_path, "suppression_group_7_unsubscribes.csv", "email,created", f"A@Example.com ,{created}")
    assert found.suppressed == {("a@example.com", "unsubscribe", NOW)}


def test_a_broken_row_costs_no_other(tmp_path) -> None:
    found = written(
        tmp_path, "s.csv", "email,created", "a@example.com,1738396800", "nobody,1738396800", "b@example.com,1,2,3",
        ",1738396800", "c@example.com,1738396800",
    )  # fmt: skip
    assert found.silenced == {("a@example.com", "unsubscribe"), ("c@example.com", "unsubscribe")}
    assert found.tally.skipped == {"bad_email": 1, "field_count": 1, "missing_key": 1}
