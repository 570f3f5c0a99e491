"""What a yes is for: frozen keys under a hash, nobody added, and void as soon as it was for something else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select, update

from flows.up import ROOT
from segue.clock import VirtualClock
from segue.journeys.abandoned_cart import JOURNEY, AbandonedCartBrief
from segue.journeys.definition import Brief, Journey
from segue.journeys.popup_invite import JOURNEY as POPUP
from segue.journeys.popup_invite import PopupInviteBrief
from segue.outbox.freeze import digest_of
from segue.service import ApprovalError, Frozen, Segue, Start, open_segue
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.tables import (
    cart,
    cart_event,
    channel_state,
    consent_event,
    decision,
    lease,
    location,
    message,
    profile,
    run,
    run_audience,
)
from tests.flows.shop import fill
from tests.journeys.popups import popup
from tests.outbox.merges import found, merge
from tests.search import examples

NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)  # noon in New York
BRIEF = AbandonedCartBrief()
#: Of twenty people with a cart, every fifth has agreed to nothing.
WOULD_BE_SENT, PEOPLE = 16, 20
Open = Callable[..., Segue]


@pytest.fixture
def opened(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Open]:
    """Open Segue on a shop with twenty carts, under settings and at an instant; ten messages are many here."""
    fill(engine, now=NOW, people=PEOPLE)
    with ExitStack() as stack:

        def make(at: datetime = NOW, **changes: Any) -> Segue:
            values = {"holdout_journey": 0, "approve_above_messages": 10, **changes}
            chosen = Settings(home=tmp_path / "home", database_url=database_url, outbox=tmp_path / "out", **values)
            segue = stack.enter_context(open_segue(chosen, VirtualClock(at)))
            segue.switch_on(JOURNEY.name, NOW - timedelta(days=1))
            return segue

        yield make


def frozen(segue: Segue, flow_run: str = "one", start: Start = Start.HAND) -> Frozen:
    return segue.freeze(JOURNEY, BRIEF, flow_run, start=start)


def send(segue: Segue, flow_run: str = "one", **how: bool) -> int:
    """Promise and drain as the flow does; return how many were promised."""
    plan = segue.start_run(JOURNEY, BRIEF, flow_run, **(how or {"only_frozen": True}))
    segue.drain_run(plan)
    return plan.promised


def keys(engine: Engine, state: str | None = None) -> set[str]:
    question = select(message.c.key)
    with read(engine) as connection:
        return set(connection.scalars(question if state is None else question.where(message.c.state == state)))


def shown(engine: Engine, *verdicts: str) -> set[str]:
    with read(engine) as connection:
        return set(connection.scalars(select(run_audience.c.key).where(run_audience.c.verdict.in_(verdicts))))


def put(engine: Engine, table: Any, *rows: dict[str, Any]) -> None:
    with write(engine) as connection:
        connection.execute(insert(table), list(rows))


def leave_cart(engine: Engine, number: int, person: int) -> None:
    stamp = {"recorded_at": NOW}
    put(
        engine, cart, {"id": number, "external_id": f"c{number}", "profile_id": person, "sales_channel": "web", **stamp}
    )
    put(engine, cart_event, event(number, "added"))


def event(number: int, kind: str) -> dict[str, Any]:
    row = {"cart_id": number, "kind": kind, "variant_id": 1, "quantity": 1, "dedupe": f"{kind}:{number}"}
    return {**row, "occurred_at": NOW - timedelta(hours=2), "recorded_at": NOW}


def consent(person: int, state: str) -> dict[str, Any]:
    at = {"occurred_at": NOW - timedelta(minutes=1), "recorded_at": NOW}
    row = {"profile_id": person, "channel": "email", "state": state, "basis": "opt_in", "source": "test"}
    return {**row, **at, "dedupe": f"{state}:{person}"}


def test_nothing_is_promised_before_the_yes_and_nobody_is_added_after_it(opened: Open, engine: Engine) -> None:
    """Who left a cart later, and who was to be left out and has agreed meanwhile, are for a later run."""
    segue = opened()
    asked = frozen(segue)
    assert (asked.to_send, asked.left_out, asked.until) == (WOULD_BE_SENT, 4, NOW + timedelta(hours=24))
    assert asked.asks == "16 messages are more than 10"
    with pytest.raises(ApprovalError, match="run 1 waits for somebody's yes"):
        send(segue)
    leave_cart(engine, 99, 2)
    put(engine, consent_event, consent(5, "granted"), consent(1, "denied"))
    assert segue.approve(asked.run_id, asked.digest, "Ann Example") is None
    assert send(segue) == WOULD_BE_SENT
    # Policy has removed one more; nobody else came in.
    assert keys(engine, "accepted") == shown(engine, "send") - {"abandoned_cart/reminder/cart:1"}
    assert send(segue) == 0
    assert send(segue, "later", leave_waiting=False) == 5


def test_a_question_stays_the_same_until_it_is_answered(opened: Open, engine: Engine) -> None:
    """Started again from the top, the run asks what it asked; another run asks for itself."""
    first = frozen(opened())
    leave_cart(engine, 99, 2)
    again, other = frozen(opened(NOW + timedelta(hours=1))), frozen(opened(), "two")
    assert (again.run_id, again.digest, again.name) == (first.run_id, first.digest, first.name)
    assert again.left == timedelta(hours=23)
    assert other.run_id != first.run_id
    assert other.digest != first.digest


def test_a_yes_is_for_one_hash_within_its_time_and_has_a_name(opened: Open) -> None:
    asked = frozen(opened())
    assert "frozen anew" in str(opened().approve(asked.run_id, "another", "Ann"))
    assert "ran out at 2026-05-13 16:00" in str(opened(NOW + timedelta(hours=24)).approve(1, asked.digest, "Ann"))
    with pytest.raises(ApprovalError, match="needs the name"):
        opened().approve(asked.run_id, asked.digest, "  ")
    with pytest.raises(LookupError, match="there is no run 7"):
        opened().approve(7, asked.digest, "Ann")


def test_a_yes_runs_out_and_then_promises_nobody(opened: Open, engine: Engine) -> None:
    asked = frozen(opened())
    assert opened().approve(asked.run_id, asked.digest, "Ann") is None
    assert send(opened(NOW + timedelta(hours=25))) == 0
    assert keys(engine) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"email_quiet": "22:00-06:00"},
        {"caps": {"email": ["2/24h"], "sms": [], "print": []}},
        {"holdout_journey": 0.1},
        {"house": {"loyalty": {"follow_points": 26}}},
        {"base_url": "https://elsewhere.example.com"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_settings_make_a_yes_void(opened: Open, change: dict[str, Any]) -> None:
    asked = frozen(opened())
    assert "have changed" in str(opened(**change).approve(asked.run_id, asked.digest, "Ann"))
    assert opened(shard_size=3).approve(asked.run_id, asked.digest, "Ann") is None  # of no account


@pytest.mark.parametrize("file", ["abandoned_cart/reminder/email.txt.j2", "_layout/email.mjml.j2", "brand.toml"])
def test_a_changed_template_or_brand_makes_a_yes_void(opened: Open, tmp_path: Path, file: str) -> None:
    """One file of the step, the layout of all, and the brand."""
    folder = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", folder)
    same = {"templates": folder, "brand": folder / "brand.toml"}
    asked = frozen(opened(**same))
    text = (folder / file).read_text("utf-8")
    first = next((line for line in text.splitlines() if line.startswith("name")), text)
    (folder / file).write_text(text.replace(first, 'name = "Another"' if first != text else f"{text}\n", 1), "utf-8")
    assert "have changed" in str(opened(**same).approve(asked.run_id, asked.digest, "Ann"))


def test_a_tenth_may_be_due_no_more_and_not_one_beyond(opened: Open, engine: Engine) -> None:
    """Fewer is what policy may do by itself; many fewer is another audience. Then the run is asked about anew."""
    asked = frozen(opened())
    others = {f"abandoned_cart/reminder/cart:{number}" for number in (1, 2)}
    for number, key in enumerate(sorted(others), start=1):
        row = {"key": key, "profile_id": number, "bucket": number, "journey": JOURNEY.name, "step": "reminder"}
        times = dict.fromkeys(("not_before", "deadline_at", "promised_at"), NOW)
        put(engine, message, {**row, **times, "priority": 1, "state": "accepted"})
        void = opened().approve(asked.run_id, asked.digest, "Ann")
        assert (void is None) is (number == 1)
    assert void == "2 of the 16 it was to be sent to are due no more"
    again = opened(approve_above_messages=13).freeze_again(JOURNEY, BRIEF, asked.run_id, start=Start.HAND)
    assert (again.run_id, again.to_send) == (asked.run_id, 14)
    assert again.digest != asked.digest
    with pytest.raises(ApprovalError, match="waits for somebody's yes"):  # the first yes is forgotten
        send(opened())
    assert opened().approve(again.run_id, asked.digest, "Ann") is not None
    assert opened(approve_above_messages=13).approve(again.run_id, again.digest, "Ann") is None
    assert send(opened()) == 14


def test_a_refused_run_sends_nothing_and_cannot_be_approved(opened: Open, engine: Engine) -> None:
    segue = opened()
    asked = frozen(segue)
    segue.refuse(asked.run_id, "Ann Example")
    with read(engine) as connection:
        assert connection.scalar(select(channel_state.c.reason)) == "refused by Ann Example"
    with pytest.raises(ApprovalError, match="stopped or refused"):
        segue.approve(asked.run_id, asked.digest, "Bob")
    with pytest.raises(ApprovalError):
        send(segue)
    assert keys(engine) == set()


def test_the_schedule_leaves_a_waiting_run_its_people_and_goes_on_with_all_others(opened: Open, engine: Engine) -> None:
    """A cart journey is never stuck behind a question; once the question has run out, the rest is anybody's."""
    frozen(opened(), start=Start.SCHEDULE)
    leave_cart(engine, 99, 2)
    small = opened()
    assert frozen(small, "two", Start.SCHEDULE).until is None
    assert frozen(small, "two", Start.SCHEDULE).to_send == 1
    assert send(small, "two", leave_waiting=True) == 1
    assert keys(engine) == {"abandoned_cart/reminder/cart:99"}
    late = opened(NOW + timedelta(hours=24))
    assert frozen(late, "three", Start.SCHEDULE).left_out + frozen(late, "three", Start.SCHEDULE).to_send >= 16


def test_a_scheduled_run_of_its_usual_size_asks_nobody(opened: Open, engine: Engine) -> None:
    """Large and usual is a journey at work; more than twice the largest of late is something else."""
    usual = opened(approve_above_messages=1_000)
    assert send(usual, "before", leave_waiting=True) == PEOPLE
    for number in range(100, 132):
        leave_cart(engine, number, 1 + number % 4)
    assert frozen(opened(), "two", Start.SCHEDULE).asks is None
    assert frozen(opened(), "three", Start.PREVIEW).asks is not None  # as if sent by hand
    leave_cart(engine, 132, 1)
    asked = frozen(opened(), "four", Start.SCHEDULE)
    assert asked.asks == "33 messages are more than 10, and its largest run of late had 16"


def test_no_campaign_is_usual(opened: Open, engine: Engine) -> None:
    """That another one was as large makes none of it: each is somebody's decision, by schedule, too."""
    campaign = replace(JOURNEY, steps=tuple(replace(one, campaign=lambda _: "spring") for one in JOURNEY.steps))
    assert send(opened(approve_above_messages=1_000), "before", leave_waiting=True) == PEOPLE
    for number in range(100, 116):
        leave_cart(engine, number, 1 + number % 4)
    assert frozen(opened(), "two", Start.PREVIEW).asks == "16 messages are more than 10"
    planned = opened().freeze(campaign, BRIEF, "three", start=Start.SCHEDULE)
    assert planned.asks == "16 messages are more than 10"


def test_a_preview_asks_nobody_and_says_that_sending_would(opened: Open) -> None:
    seen = frozen(opened(), start=Start.PREVIEW)
    assert (seen.asks is not None, seen.until) == (True, None)
    small = frozen(opened(approve_above_messages=WOULD_BE_SENT), "two", Start.PREVIEW)
    assert small.asks is None


def test_small_is_few_people_and_nothing_with_a_price(opened: Open) -> None:
    assert not opened().is_small(JOURNEY, BRIEF)
    assert opened(approve_above_messages=PEOPLE).is_small(JOURNEY, BRIEF)


def test_who_was_asked_is_asked_however_few_are_left(opened: Open, engine: Engine) -> None:
    """A scheduled run that waits for its answer is not small by the time it comes, least of all where that is a no."""
    asked = frozen(opened(), "one", Start.SCHEDULE)
    assert asked.until is not None
    later = opened(approve_above_messages=PEOPLE)  # as if most of its carts were bought by now
    assert later.start_small(JOURNEY, BRIEF, "one") is None
    later.refuse(asked.run_id, "Ann Example")
    assert (later.start_small(JOURNEY, BRIEF, "one"), keys(engine)) == (None, set())


def test_what_became_due_while_a_run_began_makes_it_large(
    opened: Open, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import ends between the count and the promise: nothing is promised, and the run is shown and asked about."""
    segue = opened(approve_above_messages=PEOPLE)
    counted = segue.is_small

    def count_then_import(journey: Journey, brief: Brief) -> bool:
        is_small = counted(journey, brief)
        leave_cart(engine, 100, 1)
        return is_small

    monkeypatch.setattr(segue, "is_small", count_then_import)
    assert (segue.start_small(JOURNEY, BRIEF, "one"), keys(engine)) == (None, set())
    monkeypatch.undo()
    plan = opened(approve_above_messages=PEOPLE + 1).start_small(JOURNEY, BRIEF, "one")
    assert plan is not None
    assert plan.promised == PEOPLE + 1


def test_what_nobody_agreed_to_is_forgotten_after_a_month(opened: Open, engine: Engine) -> None:
    asked = frozen(opened())
    opened().approve(asked.run_id, asked.digest, "Ann")
    frozen(opened(), "two")
    frozen(opened(NOW + timedelta(days=31)), "three")
    with read(engine) as connection:
        assert set(connection.scalars(select(run_audience.c.run_id))) == {asked.run_id}


def test_a_merge_adds_nobody_and_leaves_the_yes_as_it_is(opened: Open, engine: Engine) -> None:
    """Her carts stay hers under another profile; the hash is over keys, so it still holds."""
    asked = frozen(opened())
    found(engine, (1, 2))
    merge(engine, NOW)
    assert opened().approve(asked.run_id, asked.digest, "Ann") is None
    assert send(opened()) <= WOULD_BE_SENT
    assert keys(engine) <= shown(engine, "send")


@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    later=st.sets(st.integers(1, PEOPLE)),
    granted=st.sets(st.sampled_from([5, 10, 15, 20])),
    denied=st.sets(st.integers(1, 4)),
    emptied=st.sets(st.integers(6, 9)),
)
def test_whatever_happens_meanwhile_only_what_was_shown_is_sent(
    opened: Open, engine: Engine, later: set[int], granted: set[int], denied: set[int], emptied: set[int]
) -> None:
    """New carts, new yeses, new noes and emptied carts between the question and the answer."""
    with write(engine) as connection:
        for table in (decision, message, run_audience, run):
            connection.execute(delete(table))
        connection.execute(delete(cart_event).where((cart_event.c.cart_id > 50) | (cart_event.c.kind == "removed")))
        connection.execute(delete(cart).where(cart.c.id > 50))
        connection.execute(delete(consent_event).where(consent_event.c.dedupe.like("%ed:%")))
        connection.execute(update(lease).values(owner=None, expires_at=0))
    with opened() as segue:  # closed at once: a wide search opens more than a server takes
        asked = frozen(segue)
        for person in later:
            leave_cart(engine, 50 + person, person)
        changes = [consent(one, "granted") for one in granted] + [consent(one, "denied") for one in denied]
        if changes:
            put(engine, consent_event, *changes)
        if emptied:
            put(engine, cart_event, *(event(number, "removed") for number in emptied))
        if segue.approve(asked.run_id, asked.digest, "Ann") is None:
            send(segue)
            assert keys(engine, "accepted") <= shown(engine, "send", "hold")
        else:
            assert len(emptied) > WOULD_BE_SENT / 10
            assert keys(engine) == set()


@given(
    rows=st.lists(st.tuples(st.text(max_size=4), st.sampled_from(["send", "skip"])), unique=True), random=st.randoms()
)
def test_the_hash_is_over_what_is_shown_in_whatever_order(rows: list[tuple[str, str]], random: Any) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    assert digest_of("terms", rows) == digest_of("terms", mixed)
    assert digest_of("terms", rows) != digest_of("other terms", rows)
    assert digest_of("terms", [*rows, ("one more", "send")]) != digest_of("terms", [*rows, ("one more", "skip")])


def test_what_is_owed_waits_for_no_yes(opened: Open, engine: Engine) -> None:
    """Transactional steps are promised before the question, are no part of it, and never make it asked."""
    reminder, *others = JOURNEY.steps
    owing = replace(JOURNEY, steps=(replace(reminder, name="owed", transactional=True), *others, reminder))
    segue = opened()
    assert segue.start_run(owing, BRIEF, "one", transactional_only=True).promised == PEOPLE
    asked = segue.freeze(JOURNEY, BRIEF, "one", start=Start.HAND)
    assert (asked.to_send, asked.until is None) == (WOULD_BE_SENT, False)
    with pytest.raises(ApprovalError):
        segue.start_run(owing, BRIEF, "one", only_frozen=True)
    assert {key.split("/")[1] for key in keys(engine)} == {"owed"}
    alone = replace(JOURNEY, steps=(replace(reminder, transactional=True),))
    assert segue.is_small(alone, BRIEF)


@pytest.mark.parametrize(
    "change",
    [
        {"address": "1 Beach Road, Montauk NY"},
        {"opens_at": NOW + timedelta(days=5), "closes_at": NOW + timedelta(days=6)},
        {"name": "Another name"},
    ],
    ids=["place", "days", "name"],
)
def test_a_yes_to_a_pop_up_is_for_its_place_and_its_days(opened: Open, engine: Engine, change: dict[str, Any]) -> None:
    with write(engine) as connection:
        connection.execute(update(profile).values(home_latitude=40.72, home_longitude=-74.0))
    popup(engine, 50, capacity=100, name="SoHo", address="12 Spring Street, New York")
    popup(engine, 51, capacity=100, name="Far away", latitude=52.5, longitude=13.4)
    segue = opened()
    segue.switch_on(POPUP.name, NOW - timedelta(days=1))
    brief = PopupInviteBrief(popup="POP-50")
    asked = segue.freeze(POPUP, brief, "two", start=Start.HAND)
    assert asked.asks is not None
    with write(engine) as connection:
        connection.execute(update(location).where(location.c.id == 51).values(**change))
    assert segue.freeze_again(POPUP, brief, asked.run_id, start=Start.HAND).digest == asked.digest
    with write(engine) as connection:
        connection.execute(update(location).where(location.c.id == 50).values(**change))
    assert "the place it tells of" in (segue.approve(asked.run_id, asked.digest, "Ann Example") or "")
