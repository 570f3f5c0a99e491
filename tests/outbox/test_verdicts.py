"""What does not leave, and why: stored once, and one person's trouble stays hers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from segue.contract import TransientError
from segue.contract.fake import FakeOffers
from segue.store.engine import write
from segue.store.tables import message
from tests.outbox.conftest import Desks
from tests.outbox.shop import LONG_AGO, NOW, an_offer, journey, nothing_happened, step


def test_a_template_that_breaks_for_one_person_skips_her_only(desk: Desks) -> None:
    one = desk(people=25)
    one.library.poisoned = {7}
    one.drain()
    assert one.states() == {("accepted", None): 24, ("skipped", "template"): 1}
    assert one.rows()[6].reason == "template"
    assert (7, "skip", "template") in one.decisions()


def test_too_late_is_final(desk: Desks) -> None:
    one = desk(people=3)
    one.clock.set(NOW + timedelta(days=2))
    one.drain()
    assert one.states() == {("skipped", "too_late"): 3}
    one.clock.set(NOW)
    assert one.drain().judged == 0


def test_a_message_still_in_the_queue_at_its_deadline_never_leaves(desk: Desks) -> None:
    """Deferred by the provider again and again, it is judged again each time."""
    one = desk(people=1)
    one.wire.answer("throttled")
    while one.rows()[0].state in {"queued", "deferred", "held"}:
        one.drain()
        one.clock.set(max(one.rows()[0].not_before, one.clock.now() + timedelta(hours=6)))
        one.change([1], attempts=0)
    assert one.states() == {("skipped", "too_late"): 1}


def test_held_verdicts_are_looked_at_again_when_their_time_has_come(desk: Desks) -> None:
    ready_at = NOW + timedelta(hours=1)

    def resting(connection, rows, now, brief):  # type: ignore[no-untyped-def]
        return nothing_happened(connection, rows, now, brief).assign(ready_at=ready_at)

    one = desk(step(facts=resting), people=3)
    one.drain()
    assert one.states() == {("held", "too_early"): 3}
    assert {row.not_before for row in one.rows()} == {ready_at}
    one.clock.set(ready_at - timedelta(seconds=1))
    assert one.drain().judged == 0
    one.clock.set(ready_at)
    assert one.drain().accepted == 3
    assert [verdict for _, verdict, _ in one.decisions()] == ["hold"] * 3 + ["send"] * 3


def test_a_message_waits_until_the_shop_knows_its_code(desk: Desks) -> None:
    shop = FakeOffers()
    shop.error = TransientError("the shop is down")
    one = desk(step(offer=an_offer), people=3, offers=shop)
    one.drain()
    assert one.states() == {("held", "code_unpublished"): 3}
    assert not one.sent()
    shop.error = None
    one.clock.advance(timedelta(hours=1))
    one.drain()
    assert one.states() == {("accepted", None): 3}
    texts = [m.content.text.split("\t") for m in one.wire.received]  # type: ignore[union-attr]
    assert {code for code, _ in texts} == shop.published.keys()
    # Counted from the first judgement, not from the day the shop came back.
    assert {until for _, until in texts} == {(NOW + timedelta(hours=48)).isoformat()}


def test_a_shop_connector_with_a_bug_holds_only_those_with_a_code(desk: Desks) -> None:
    class Broken(FakeOffers):
        def publish(self, vouchers):  # type: ignore[no-untyped-def]
            raise ValueError("bug")
            yield

    one = desk(step("plain", priority=1), step("coded", offer=an_offer, priority=99), people=2, offers=Broken())
    one.drain()
    assert one.states()["held", "code_unpublished"] == 2
    assert one.drain().judged == 0, "it waits instead of spinning"


def test_the_budget_leaves_out_only_the_steps_that_say_so(desk: Desks) -> None:
    """Another journey's step of the same name counts."""
    one = desk(step("points", in_cap=False), people=2, caps={"email": ["1/24h"]})
    with write(one.engine) as connection:
        connection.execute(
            insert(message),
            [
                {
                    "key": f"{journey}/points/{n}",
                    "profile_id": n,
                    "bucket": n,
                    "journey": journey,
                    "step": "points",
                    "priority": 1,
                    "state": "accepted",
                    "not_before": NOW,
                    "deadline_at": NOW,
                    "promised_at": LONG_AGO,
                    "handed_over_at": NOW - timedelta(hours=1),
                    "channel": "email",
                }
                for n, journey in ((1, "letters"), (2, "others"))
            ],
        )
    with one.sibling([journey(step("points", in_cap=False), step("news"))]) as other:
        other.promise()
        other.drain()
        news = {row.profile_id: (row.state, row.reason) for row in other.rows() if row.step == "news"}
    assert news == {1: ("accepted", None), 2: ("held", "budget")}


def test_a_message_settled_by_somebody_else_meanwhile_does_not_leave(desk: Desks) -> None:
    """The mark takes only rows that still wait, whoever holds the bucket."""
    one = desk(people=3)
    one.probe.hooks["composed"] = lambda: one.change([2], state="skipped", reason="converted")
    one.drain()
    assert one.states() == {("accepted", None): 2, ("skipped", "converted"): 1}
    assert "letters/only/person:2" not in one.sent()
