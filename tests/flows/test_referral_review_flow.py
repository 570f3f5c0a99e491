"""The review of referrals as a marketer meets it: a form that offers what waits, a page in ids, one notice a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from pydantic import ValidationError
from sqlalchemy import insert

import flows.referral_review as desk
from flows.errors import FlowError
from flows.referral_review import NONE, Decision, Reason, ReferralReviewForm, referral_review, tell_of_new_ones
from segue.service import Segue
from segue.store.engine import write
from segue.store.tables import order, profile, referral
from tests.flows.conftest import NOW

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

SHARED, HERSELF = "1: order #1001, score 60, shared phone", "2: order o2, score 100, same person"


@pytest.fixture
def queue(installed: Segue) -> Segue:
    """One that waits, and one under her own code."""
    with write(installed.engine) as connection:
        people = [{"id": n, "first_name": "Sarah", "last_name": "Berg", "created_at": NOW} for n in (1, 2)]
        connection.execute(insert(profile), people)
    add(installed, 1, 2, ["shared_phone"], 60, number="#1001")
    add(installed, 2, 1, ["same_person"], 100)
    return installed


def add(segue: Segue, which: int, friend: int, signals: list[str], score: int, **facts: Any) -> None:
    bought = {"occurred_at": NOW, "paid_at": NOW, "recorded_at": NOW}
    with write(segue.engine) as connection:
        connection.execute(
            insert(order).values(
                {"id": which, "external_id": f"o{which}", "profile_id": friend, "sales_channel": "web"}
                | {"currency": "USD", "total_minor": 5000, **bought, **facts}
            )
        )
        connection.execute(
            insert(referral).values(
                id=which, profile_id=1, friend_id=friend, order_id=which, code="C", occurred_at=NOW, score=score,
                signals=signals, recorded_at=NOW,
            )
        )  # fmt: skip


def offered() -> Mapping[str, Any]:
    """The drop-down as Prefect shows it."""
    field: Mapping[str, Any] = ReferralReviewForm.model_json_schema()["properties"]["which"]
    return field


def page() -> str:
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["referral-review"])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    return str(artifact.data)


def test_what_waits_is_listed_chosen_and_decided(queue: Segue) -> None:
    """By ids and an order's number; what can earn nothing is shown with its reason and not offered."""
    assert (offered()["enum"], offered()["default"]) == ([NONE, SHARED], NONE)
    assert referral_review() == 1
    told = page()
    assert "**1 referral waits for a review.**" in told
    assert "| 1 | **60**: shared phone 60 | 1 | 2 | \\#1001 | 2026-05-12 | 2026-05-12 |" in told
    assert "| refused: the friend is herself | 1 |" in told
    assert not [name for name in ("Sarah", "Berg") if name in told]
    yes = {"decision": Decision.APPROVE, "reason": Reason.ONE_HOUSEHOLD, "name": "Ada"}
    assert referral_review(ReferralReviewForm(which=SHARED, **yes)) == 0
    told = page()
    assert "**Referral 1 is approved.**" in told
    assert "| 1 | approved | Ada (two people of one household, which is fine) | Tue 12 May 2026, 12:00" in told
    assert offered()["enum"] == [NONE]
    assert offered()["description"] == "Nothing waits for a review."
    with pytest.raises(FlowError, match="referral 2 earns nothing, approved or not: the friend is herself"):
        referral_review(ReferralReviewForm(which=HERSELF, **yes))
    with pytest.raises(FlowError, match="no referral 99"):
        referral_review(ReferralReviewForm(which="99: gone", **yes))


@pytest.mark.parametrize(
    ("said", "lacking"),
    [
        ({"which": SHARED}, "Your decision, Why, Your name"),
        ({"which": SHARED, "decision": Decision.REFUSE, "name": " "}, "Why, Your name"),
        ({"decision": Decision.REFUSE}, "choose the referral"),
        ({"which": "sarah@example.com"}, "pattern"),
    ],
)
def test_half_a_decision_is_none(said: Mapping[str, Any], lacking: str) -> None:
    with pytest.raises(ValidationError, match=lacking) as refused:
        ReferralReviewForm(**said)
    assert "sarah@" not in str(refused.value)


def test_somebody_is_told_once_of_each_and_once_a_day(queue: Segue, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes within the day is told the next; what was told and still waits is not told again."""
    said: list[Mapping[str, Any]] = []
    monkeypatch.setattr(desk, "emit_event", lambda **event: said.append(event["payload"]))
    monkeypatch.setattr(desk, "freshen_forms", lambda: ())
    monkeypatch.setattr(desk, "open_segue", lambda: _Open(queue))
    assert (tell_of_new_ones(), tell_of_new_ones()) == (1, 0)
    add(queue, 3, 2, ["shared_device"], 60, profile_id=2, paid_at=NOW - timedelta(days=1))
    assert tell_of_new_ones() == 0
    queue.clock.advance(timedelta(days=1) - timedelta(minutes=1))  # type: ignore[attr-defined]
    assert tell_of_new_ones() == 1
    queue.clock.advance(timedelta(days=2))  # type: ignore[attr-defined]
    assert tell_of_new_ones() == 0
    assert [(one["new"], one["waiting"]) for one in said] == [(1, 1), (1, 1)]
    assert said[0]["said"] == "1 referral waits for a review. New since the last notice: 1."


class _Open:
    """The installation on a clock that moves, as the flow opens its own."""

    def __init__(self, segue: Segue) -> None:
        self.segue = segue

    def __enter__(self) -> Segue:
        return self.segue

    def __exit__(self, *_: object) -> None:
        """It goes on."""
