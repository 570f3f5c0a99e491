"""The meta connector before a judge that reads Meta's own field lists."""

from __future__ import annotations

import builtins
import hashlib
import importlib
import inspect
import json
import logging
import re
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.contract import (
    AUDIENCE_GONE,
    AudienceChange,
    ConfigurationError,
    ConnectorError,
    Key,
    Outcome,
    RejectedError,
    TransientError,
    UncertainError,
)
from segue.contract.fake_audience import AudienceAnswer
from segue.contract.suite import texts_of
from segue.contract.suite_audience import AudienceConnectorContract, person
from segue.outbox.connectors import load_connectors
from segue.settings import Settings
from tests.connectors.graph_judge import ACCOUNT, SECRET, SPECS, TOKEN, Graph

pytest.importorskip("facebook_business", reason="Meta's SDK is missing: pip install 'segue[meta]'")

from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from connectors.meta import MetaConnector
from connectors.meta_rows import by_length, normalised, rows_of
from connectors.product_feed import COLUMNS as FEED

needs_lists = pytest.mark.skipif(not SPECS.is_dir(), reason=f"Meta's field lists are missing: {SPECS}")


def connect(url: str, **options: Any) -> MetaConnector:
    settings = {"access_token": TOKEN, "app_secret": SECRET, "ad_account": ACCOUNT, "base_url": url, "timeout": 1.0}
    return MetaConnector(**(settings | options))


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph() as graph:
        yield graph


@pytest.fixture
def meta(graph: Graph) -> Iterator[MetaConnector]:
    connector = connect(graph.url)
    yield connector
    connector.close()


@needs_lists
class TestMeta(AudienceConnectorContract):
    answers: ClassVar[frozenset[AudienceAnswer]] = AudienceConnectorContract.answers | {"gone"}

    @pytest.fixture
    def platform(self, graph: Graph) -> Graph:
        return graph

    @pytest.fixture
    def connector(self, meta: MetaConnector) -> MetaConnector:
        return meta

    @pytest.fixture
    def reborn(self, graph: Graph) -> Iterator[MetaConnector]:
        connector = connect(graph.url, ad_account=f"act_{ACCOUNT}")
        yield connector
        connector.close()


def change(audience: str, *, add: range = range(0), remove: range = range(0)) -> AudienceChange:
    fields = MetaConnector.fields
    add_, remove_ = (
        tuple((Key(f"cart/profile:{n}"), {kind: person(n)[kind] for kind in fields}) for n in numbers)
        for numbers in (add, remove)
    )
    return AudienceChange(audience="cart", external_id=audience, fields=fields, add=add_, remove=remove_)


@needs_lists
def test_people_go_in_by_ten_thousand_and_out_by_what_a_line_holds(graph: Graph) -> None:
    """A removal stands in the address, of which servers read 8 KB; the judge answers 414 to more."""
    meta = connect(graph.url, timeout=60)
    made = meta.ensure("cart", "")
    both = change(made, add=range(10_300), remove=range(50))
    assert {result.outcome for result in meta.sync(both)} == {Outcome.ACCEPTED}
    meta.close()
    added = [count for method, count in graph.requests if method == "POST"]
    removed = [count for method, count in graph.requests if method == "DELETE"]
    assert added == [10_000, 300]
    assert sum(removed) == 50
    assert min(removed[:-1]) > 10, "as many as fit, not one by one"
    assert [method for method, _ in graph.requests] == ["DELETE"] * len(removed) + ["POST"] * 2
    assert graph.connections == 1
    assert graph.invalid == 0


@needs_lists
def test_what_meta_holds_is_what_its_rules_say(graph: Graph, meta: MetaConnector) -> None:
    """Hashes of Meta's spelling, made here by hand; the id that tells nothing stays as it is."""
    made = meta.ensure("cart", "")
    list(meta.sync(change(made, add=range(1, 2))))
    (held,) = graph.held(made)
    spelling = {
        "EMAIL": "reader.1@example.com",
        "PHONE": "12025550001",
        "FN": "renée",
        "LN": "oreaderb",
        "COUNTRY": "us",
    }
    wanted = {key: hashlib.sha256(value.encode()).hexdigest() for key, value in spelling.items()}
    assert json.loads(held) == wanted | {"EXTERN_ID": person(1)["external_id"]}


@needs_lists
def test_an_audience_far_down_the_list_is_found(graph: Graph, meta: MetaConnector) -> None:
    """Page after page; of two with one name, as after a crash, it is the elder."""
    for name in ("a", "b", "c", "cart", "d", "cart", "e"):
        graph.names[str(100 + len(graph.names))] = name
    assert meta.ensure("cart", "") == "103"
    assert len(graph.names) == 7


@needs_lists
def test_unusable_entries_are_counted_and_nobody_is_guessed(
    graph: Graph, meta: MetaConnector, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"num_received": 3, "num_invalid_entries": 2, "invalid_entry_samples": {"x": "reader.1@example.com"}}
    made = meta.ensure("cart", "")
    graph.whole.append((200, {}, json.dumps(told).encode()))
    with caplog.at_level(logging.WARNING):
        results = list(meta.sync(change(made, add=range(3))))
    assert [(r.outcome, r.unusable) for r in results] == [(Outcome.ACCEPTED, count) for count in (2, 0, 0)]
    (record,) = [one for one in caplog.records if one.name == "connectors.meta"]
    assert "2 of 3" in record.getMessage()
    assert "reader" not in caplog.text


def error(code: int, subcode: int | None = None, **more: object) -> bytes:
    told = {"message": "reader.1@example.com", "code": code, "error_subcode": subcode, **more}
    return json.dumps({"error": told}).encode()


USAGE = json.dumps({ACCOUNT: [{"type": "custom_audience", "estimated_time_to_regain_access": 7}]})


@needs_lists
@pytest.mark.parametrize(
    ("status", "headers", "body", "wanted", "detail"),
    [
        (400, {}, error(190, 463), ConfigurationError, None),
        (403, {}, error(200), ConfigurationError, None),
        (400, {}, error(10), ConfigurationError, None),
        (400, {}, error(80_003), TransientError, None),
        (400, {"X-Business-Use-Case-Usage": USAGE}, error(80_003), TransientError, timedelta(minutes=7)),
        (400, {"X-Business-Use-Case-Usage": "[7]"}, error(17), TransientError, None),
        (400, {"Retry-After": "30"}, error(4), TransientError, timedelta(seconds=30)),
        (429, {}, b"{}", TransientError, None),
        (400, {}, error(2_601, is_transient=True), TransientError, None),
        (500, {}, error(1), UncertainError, None),
        (500, {}, error(2, is_transient=True), UncertainError, None),
        (400, {}, error(100, 33), RejectedError, AUDIENCE_GONE),
        (400, {}, error(100), RejectedError, "meta_100"),
        (400, {}, error(100, 1_713_230), RejectedError, "meta_100"),
        (500, {}, b"<html>it broke</html>", UncertainError, None),
        (502, {}, b'<html>an "error" happened</html>', UncertainError, None),
        (503, {}, b"Service Unavailable: error", UncertainError, None),
        (500, {}, b"", UncertainError, None),
        (502, {}, b'{"num_received": 2}', UncertainError, None),
        (400, {}, b'{"error": "said as a text"}', UncertainError, None),
        (400, {}, b'{"error": {"code": 100, "error_data": "{"}}', UncertainError, None),
        (200, {}, b"", UncertainError, None),
        (200, {}, b"[]", UncertainError, None),
        (200, {}, b'{"success": true}', UncertainError, None),
        (200, {}, b'{"num_received": 1}', UncertainError, None),
    ],
)
def test_each_answer_has_its_state(
    graph: Graph,
    meta: MetaConnector,
    status: int,
    headers: dict[str, str],
    body: bytes,
    wanted: type[ConnectorError],
    detail: object,
) -> None:
    """Also those at which the SDK nods or falls over; nothing it quotes is passed on."""
    made = meta.ensure("cart", "")
    graph.whole.append((status, headers, body))
    with pytest.raises(ConnectorError) as told:
        list(meta.sync(change(made, add=range(1, 3))))
    assert type(told.value) is wanted
    assert detail in (getattr(told.value, "retry_after", None), getattr(told.value, "reason", None))
    hashed = hashlib.sha256(b"reader.1@example.com").hexdigest()
    shown = texts_of(told.value)
    assert not [one for one in (TOKEN, SECRET, "reader", hashed, "access_token=") if one in shown]
    assert {r.outcome for r in meta.sync(change(made, add=range(1, 3)))} == {Outcome.ACCEPTED}


@needs_lists
def test_what_was_done_before_a_silence_stays_known(graph: Graph, meta: MetaConnector) -> None:
    """The request without an answer is uncertain, those behind it never left."""
    made = meta.ensure("cart", "")
    graph.answer("ok", "silence")
    results = list(meta.sync(change(made, add=range(100, 103), remove=range(40))))
    outcomes = [result.outcome for result in results]
    first, second, *_ = [count for method, count in graph.requests if method == "DELETE"]
    assert outcomes[:first] == [Outcome.ACCEPTED] * first
    assert outcomes[first : first + second] == [Outcome.UNCERTAIN] * second
    assert set(outcomes[first + second :]) == {Outcome.DEFERRED}
    assert len(results) == 43
    assert len(graph.requests) == 2


def test_nobody_there_is_transient() -> None:
    """Nothing can have left; nor can it with an address that speaks no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for ask in (lambda one: one.ensure("cart", ""), lambda one: list(one.sync(change("1", add=range(1))))):
        with pytest.raises(TransientError) as told:
            ask(connect(f"http://127.0.0.1:{port}"))
        assert TOKEN not in texts_of(told.value)


@needs_lists
def test_a_wrong_token_is_a_configuration_error(graph: Graph) -> None:
    with pytest.raises(ConfigurationError, match="access_token"):
        connect(graph.url, access_token="EAAB-another").ensure("cart", "")


@needs_lists
def test_the_sdk_is_left_as_it_was(graph: Graph, meta: MetaConnector) -> None:
    """Two accounts, or somebody else's use of the SDK in this process, do not meet."""
    hook = sys.excepthook
    meta.ensure("cart", "")
    assert FacebookSession.GRAPH == "https://graph.facebook.com"
    assert FacebookAdsApi.get_default_api() is None
    assert sys.excepthook is hook


@needs_lists
def test_the_judge_sees_what_is_wrong(graph: Graph) -> None:
    """Otherwise its silence would prove nothing."""
    ours = connect(graph.url)
    account, made = f"act_{ACCOUNT}", ours.ensure("cart", "")
    schema, row = ["EMAIL", "COUNTRY"], ["a" * 64, ""]
    for wrong in (
        lambda: ours._graph.post((account, "customaudiences"), {"name": "x", "colour": "red"}),
        lambda: ours._graph.post((account, "customaudiences"), {"name": "x", "subtype": "ORDINARY"}),
        lambda: ours._graph.post((account, "customaudiences"), {"name": "x", "retention_days": "many"}),
        lambda: ours._graph.post((account, "customaudiences"), {"subtype": "CUSTOM"}),
        lambda: ours._graph.post((made, "users"), {"payload": "no JSON"}),
        lambda: ours._graph.change(made, ["EMAIL", "SHOE"], [row], remove=False),
        lambda: ours._graph.change(made, schema, [row] * 10_001, remove=False),
    ):
        with pytest.raises(RejectedError, match="error 100"):
            wrong()
    with pytest.raises(UncertainError, match="414"):
        ours._graph.change(made, schema, [row] * 130, remove=True)
    assert ours._graph.change(made, schema, [["a@example.com", ""]], remove=False)["num_invalid_entries"] == 1
    assert graph.held(made) == frozenset()
    assert len(graph.complaints) == 8
    graph.complaints.clear()
    ours.close()


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("email", " Sarah.B+News@Example.COM ", "sarah.b+news@example.com"),
        ("email", "sarah", ""),
        ("email", "@", ""),
        ("email", "a b@example.com", ""),
        ("phone", "+44 7700 900123", "447700900123"),
        ("phone", "+1 (202) 555-0123", "12025550123"),
        ("phone", "0044 7700 900123", "447700900123"),
        ("phone", "911", ""),
        ("first_name", " Renée ", "renée"),
        ("first_name", "Rene\u0301e", "renée"),
        ("last_name", "O'Reader-Smith", "oreadersmith"),
        ("last_name", "東京", "東京"),
        ("country", "US", "us"),
        ("country", "USA", ""),
        ("external_id", "aB", "aB"),
    ],
)
def test_metas_spelling(kind: str, value: str, wanted: str) -> None:
    assert normalised(kind, value) == wanted


@given(st.dictionaries(st.sampled_from(MetaConnector.fields), st.text(max_size=30)))
def test_whatever_stands_there_makes_a_row_or_nobody(identifiers: dict[str, str]) -> None:
    """Cells are empty or hashes, in the order of the fields; the same again makes the same."""
    known, nameless = rows_of(MetaConnector.fields, ((Key("k"), identifiers),))
    assert len(known) + len(nameless) == 1
    for _, row in known:
        assert len(row) == len(MetaConnector.fields)
        assert all(cell == "" or len(cell) == 64 for cell in row[:-1])
        assert rows_of(MetaConnector.fields, ((Key("k"), identifiers),)) == (known, [])


@given(st.lists(st.lists(st.text(max_size=400), min_size=1, max_size=6), max_size=40))
def test_shares_lose_nobody_and_keep_the_order(rows: list[list[str]]) -> None:
    """Even rows that no line could hold travel, alone."""
    keyed = [(Key(str(number)), row) for number, row in enumerate(rows)]
    assert [one for share in by_length(keyed) for one in share] == keyed
    assert all(share for share in by_length(keyed))


@pytest.mark.parametrize(
    "options",
    [
        {"ad_account": "acme"},
        {"ad_account": ""},
        {"access_token": ""},
        {"access_token": "two\nlines"},
        {"api_version": "26"},
        {"timeout": 0},
        {"base_url": "graph.facebook.com"},
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        connect("http://127.0.0.1:1", **({"base_url": "http://127.0.0.1:1"} | options))


def test_the_how_to_names_every_setting_and_its_own_work() -> None:
    """What the page exports makes the connector beside others."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "connect-meta.md").read_text("utf-8")
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert set(inspect.signature(MetaConnector).parameters) == rows
    feed = page.partition("## The product feed")[2].partition("\n## ")[0]
    _, *lines = re.findall(r"^\| ([a-z_, ]+) \|", feed, re.MULTILINE)
    assert sorted(", ".join(lines).split(", ")) == sorted(FEED)
    exported = dict(re.findall(r"^export (SEGUE_\w+)='(.*)'$", page, re.MULTILINE))
    options = json.loads(exported["SEGUE_CONNECTOR_OPTIONS"])
    assert set(options["meta"]) == {"access_token", "ad_account"}
    options["meta"]["access_token"] = TOKEN
    chosen = json.loads(exported["SEGUE_CONNECTORS"])
    loaded = load_connectors(Settings(connectors=chosen, connector_options=options))
    assert isinstance(loaded.audiences["meta"], MetaConnector)
    loaded.close()


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact line, instead of an ImportError."""
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.startswith("facebook_business"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *arguments)

    for name in [one for one in sys.modules if one.startswith(("connectors.meta", "facebook_business"))]:
        if name != "connectors.meta_rows":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'segue\[meta\]'"):
        importlib.import_module("connectors.meta")
