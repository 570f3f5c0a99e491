"""What the Shopify connector makes of a shop that refuses, throttles, stalls or vanishes, and of its own death."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.shopify_offers import ShopifyOffersConnector
from segue.contract import ConfigurationError, ConnectorError, Outcome, TransientError, UncertainError, Voucher
from segue.contract.suite import voucher
from tests.connectors.shopify_shop import TOKEN, Shop, running_shop
from tests.connectors.shopify_state import AT
from tests.processes import CONTEXT


@pytest.fixture(scope="module")
def building() -> Iterator[Shop]:
    with running_shop() as shop:
        yield shop


@pytest.fixture
def shop(building: Shop) -> Shop:
    building.do("reset")
    return building


def connect(url: str, **options: object) -> ShopifyOffersConnector:
    return ShopifyOffersConnector(**({"base_url": url, "token": TOKEN, "timeout": 0.5} | options))  # type: ignore[arg-type]


def failed(*codes: str) -> dict[str, Any]:
    return {
        "answer": {"errors": [{"message": "K7QM-0002 and sarah@example.com", "extensions": {"code": c}} for c in codes]}
    }


THROTTLED = {
    "answer": {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {
            "cost": {
                "requestedQueryCost": 752,
                "actualQueryCost": None,
                "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 502, "restoreRate": 100.0},
            }
        },
    }
}
LOST = UncertainError
LATER = TransientError
WRONG = ConfigurationError

#: What the shop does, what that means for a question, and for a change.
TROUBLES: list[tuple[dict[str, Any], type[ConnectorError], type[ConnectorError]]] = [
    ({"status": 401}, WRONG, WRONG),
    ({"status": 402}, WRONG, WRONG),
    ({"status": 403}, WRONG, WRONG),
    ({"status": 404}, WRONG, WRONG),
    ({"status": 423}, WRONG, WRONG),
    ({"status": 301, "headers": {"Location": "https://elsewhere.example.com"}}, WRONG, WRONG),
    ({"status": 429, "headers": {"Retry-After": "2.0"}}, LATER, LATER),
    ({"status": 503}, LATER, LATER),
    ({"status": 500}, LATER, LOST),
    ({"status": 502, "raw": "<html>bad gateway</html>"}, LATER, LOST),
    ({"status": 504}, LATER, LOST),
    ({"status": 408}, LATER, LOST),
    ({"raw": "<html>welcome</html>"}, LATER, LOST),
    ({"raw": "[]"}, LATER, LOST),
    ({"answer": {"data": None}}, LATER, LOST),
    ({"cut": True}, LATER, LOST),
    ({"silent": True}, LATER, LOST),
    (THROTTLED, LATER, LATER),
    (failed("ACCESS_DENIED"), WRONG, WRONG),
    (failed("SHOP_INACTIVE"), WRONG, WRONG),
    (failed("MAX_COST_EXCEEDED"), WRONG, WRONG),
    (failed("INTERNAL_SERVER_ERROR"), LATER, LOST),
    (failed("undefinedField"), WRONG, WRONG),
    ({"answer": {"errors": "[API] not a list"}}, WRONG, WRONG),
]
IDS = [str(number) for number in range(len(TROUBLES))]


@pytest.mark.parametrize(("trouble", "asked", "changed"), TROUBLES, ids=IDS)
def test_trouble_is_sorted_by_what_to_do_next(
    shop: Shop, trouble: dict[str, Any], asked: type[ConnectorError], changed: type[ConnectorError]
) -> None:
    """A question that failed was only a question; a change whose answer is lost may have been made."""
    connector = connect(shop.url)
    calls: list[tuple[str, Callable[[], object], type[ConnectorError]]] = [
        ("SegueFind", lambda: list(connector.publish([voucher(2)])), asked),
        ("SegueTitled", lambda: list(connector.publish([voucher(2)])), asked),
        ("SegueCreate", lambda: list(connector.publish([voucher(2)])), changed),
        ("SegueCurrency", lambda: list(connector.publish([voucher(1)])), asked),
        ("SegueFindToDelete", lambda: list(connector.withdraw(["A"])), asked),
        ("SegueUsed", lambda: list(connector.redemptions()), asked),
    ]
    for operation, call, kind in calls:
        shop.trouble(operation, **trouble)
        with pytest.raises(ConnectorError) as caught:
            call()
        assert type(caught.value) is kind, operation
        shown = "".join(traceback.format_exception(caught.value)).split("Traceback")[-1] + str(caught.value)
        assert not any(secret in str(caught.value) + repr(caught.value.args) for secret in ("K7QM", "sarah", TOKEN))
        assert TOKEN not in shown
    assert next(connector.publish([voucher(2)])).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(("trouble", "_asked", "changed"), TROUBLES, ids=IDS)
def test_nothing_is_raised_once_a_code_was_answered(
    shop: Shop, trouble: dict[str, Any], _asked: type[ConnectorError], changed: type[ConnectorError]
) -> None:
    """The rest is deferred, or uncertain where a change may have been made; publishing again makes all well."""
    connector = connect(shop.url)
    vouchers = [voucher(2 * n) for n in range(4)]
    shop.trouble("SegueAdd", **trouble)
    results = list(connector.publish(vouchers))
    rest = Outcome.UNCERTAIN if changed is LOST else Outcome.DEFERRED
    assert [r.outcome for r in results] == [Outcome.ACCEPTED, rest, rest, rest]
    assert all(r.reason for r in results[1:])
    assert [r.outcome for r in connector.publish(vouchers)] == [Outcome.ACCEPTED] * 4
    assert shop.known() == {v.code for v in vouchers}


@pytest.mark.parametrize("operation", ["SegueCreate", "SegueAdd"])
@pytest.mark.parametrize("how", ["cut", "silent"])
def test_a_change_that_was_made_and_never_answered_is_found(shop: Shop, operation: str, how: str) -> None:
    """The shop did it; the next call sees that, and makes nothing twice."""
    vouchers = [voucher(2 * n) for n in range(4)]
    shop.trouble(operation, lost=True, **{how: True})
    try:
        list(connect(shop.url).publish(vouchers))
    except UncertainError:
        assert operation == "SegueCreate"
    assert [r.outcome for r in connect(shop.url).publish(vouchers)] == [Outcome.ACCEPTED] * 4
    assert shop.known() == {v.code for v in vouchers}
    assert len(shop.do("titles")) == 1


def test_in_a_lot_that_is_lost_only_its_own_codes_are_uncertain(shop: Shop) -> None:
    """Those that had not left yet are deferred."""
    vouchers = [voucher(2 * n) for n in range(400)]
    shop.trouble("SegueAdd", cut=True)
    outcomes = [r.outcome for r in connect(shop.url).publish(vouchers)]
    assert [outcomes.count(o) for o in (Outcome.ACCEPTED, Outcome.UNCERTAIN, Outcome.DEFERRED)] == [1, 250, 149]


def test_throttling_says_how_long(shop: Shop) -> None:
    """As long as the bucket needs to hold what the question costs, or as the header says."""
    connector = connect(shop.url)
    for trouble, seconds in ((THROTTLED, 3), ({"status": 429, "headers": {"Retry-After": "2.0"}}, 2)):
        shop.trouble(**trouble)  # type: ignore[arg-type]
        with pytest.raises(TransientError) as caught:
            list(connector.publish([voucher(2)]))
        assert caught.value.retry_after == timedelta(seconds=seconds)
    shop.trouble("SegueAdd", **THROTTLED)  # type: ignore[arg-type]
    results = list(connector.publish([voucher(2), voucher(4)]))
    assert [(r.outcome, r.retry_after) for r in results] == [
        (Outcome.ACCEPTED, None),
        (Outcome.DEFERRED, timedelta(seconds=3)),
    ]


def test_a_withdrawal_that_broke_off_names_what_is_certain(shop: Shop) -> None:
    """Those named stay named; the others are asked for again."""
    connector = connect(shop.url)
    list(connector.publish([voucher(2), voucher(4)]))
    shop.redeem("K7QM-0002", "#1001", AT)
    shop.trouble("SegueDelete", cut=True)
    assert list(connector.withdraw(["K7QM-0002", "K7QM-0004"])) == ["K7QM-0002"]
    assert list(connector.withdraw(["K7QM-0004"])) == ["K7QM-0004"]


def test_a_shop_that_is_not_there_is_transient() -> None:
    """Nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match="out of reach"):
        list(connect(f"http://127.0.0.1:{port}").publish([voucher(2)]))


def test_a_wrong_token_or_version_is_a_configuration_error(shop: Shop) -> None:
    """As the shop says it, with the cure."""
    for options, cure in (({"token": "shpat_wrong"}, "token"), ({"api_version": "2020-01"}, "api_version")):
        with pytest.raises(ConfigurationError, match=cure):
            list(connect(shop.url, **options).publish([voucher(2)]))


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "", "shop": "example.com"},
        {"base_url": "", "shop": "evil.test/x.myshopify.com"},
        {"base_url": "ftp://example.com"},
        {"token": ""},
        {"token": "two\r\nlines"},
        {"prefix": 'Se"gue'},
        {"prefix": ""},
        {"window_minutes": 0},
        {"timeout": 0},
    ],
    ids=range(9),
)
def test_settings_that_cannot_work_are_refused_at_once(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        connect("http://127.0.0.1:1", **options)


def test_nothing_is_logged_and_the_token_is_not_shown(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Neither codes nor token, at any level."""
    connector = connect(shop.url)
    with caplog.at_level(logging.DEBUG):
        list(connector.publish([voucher(2)]))
        list(connector.withdraw(["K7QM-0002"]))
    assert caplog.text == ""
    assert TOKEN not in repr(vars(connector))


def _publish(url: str, vouchers: list[Voucher], barrier: object = None) -> None:
    connector = connect(url, timeout=30)
    if barrier is not None:
        barrier.wait()  # type: ignore[attr-defined]
    for start in range(0, len(vouchers), 60):
        for _ in range(20):
            outcomes = {r.outcome for r in connector.publish(vouchers[start : start + 60])}
            if outcomes == {Outcome.ACCEPTED}:
                break
        assert outcomes == {Outcome.ACCEPTED}


def test_two_processes_publish_the_same_codes(shop: Shop) -> None:
    """At once: each hears accepted for all, and the shop has each code once."""
    barrier = CONTEXT.Barrier(2)
    vouchers = [voucher(2 * n) for n in range(180)]
    workers = [CONTEXT.Process(target=_publish, args=(shop.url, vouchers, barrier)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert shop.known() == {v.code for v in vouchers}


@pytest.mark.parametrize("operation", ["SegueFind", "SegueCreate", "SegueAdd", "SegueAdded"])
@pytest.mark.parametrize("lost", [False, True])
def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_twice(shop: Shop, operation: str, lost: bool) -> None:
    """SIGKILL while the shop has the question and before its answer, done by the shop or not."""
    vouchers = [voucher(2 * n) for n in range(20)]
    shop.trouble(operation, lost=lost, silent=True)
    dying = CONTEXT.Process(target=_publish, args=(shop.url, vouchers))
    dying.start()
    until = time.monotonic() + 60
    while operation not in shop.operations() and time.monotonic() < until:
        time.sleep(0.01)
    assert dying.pid is not None
    os.kill(dying.pid, signal.SIGKILL)
    dying.join()
    assert dying.exitcode == -signal.SIGKILL
    assert [r.outcome for r in connect(shop.url).publish(vouchers)] == [Outcome.ACCEPTED] * 20
    assert shop.known() == {v.code for v in vouchers}
    assert len(shop.do("titles")) == 1
