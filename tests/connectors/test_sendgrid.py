"""What the sendgrid connector puts into a request, and how many people share one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.sendgrid import SendgridConnector
from connectors.sendgrid_shapes import cut
from segue.contract import (
    Attachment,
    ConfigurationError,
    EmailContent,
    Key,
    MailFrame,
    Message,
    Outcome,
    Pieces,
    UnsupportedError,
)
from segue.contract.suite import send
from segue.render import Library, Links, load_brand
from tests.connectors.mails import FRAME, mail, sms
from tests.connectors.sendgrid_judge import HAS_SPECIFICATION, MISSING, beyond, complaints
from tests.connectors.sendgrid_wire import KEY, SendgridWire

_HEAD = "<h1>Still here</h1><p>Your things are still in the cart, "
_FOOT = "!</p><p>Brand, 1 Main Street, New York, NY 10001, United States</p>"
_FIXED = frozenset({_HEAD, _FOOT})


@pytest.fixture
def wire() -> Iterator[SendgridWire]:
    with SendgridWire() as server:
        yield server


@pytest.fixture
def connector(wire: SendgridWire) -> Iterator[SendgridConnector]:
    made = SendgridConnector(api_key=KEY, base_url=wire.url, timeout=2)
    yield made
    made.close()


def with_content(message: Message, **changes: Any) -> Message:
    assert isinstance(message.content, EmailContent)
    return replace(message, content=replace(message.content, **changes))


def templated(number: int, *own: str, **changes: Any) -> Message:
    """A mail of one template whose own words are `own`, each between head and foot."""
    html = tuple(piece for words in own for piece in (_HEAD, words, _FOOT))
    whole = "".join(html)
    pieces = Pieces(text=html, html=html, fixed=_FIXED, bodies=(whole, whole))
    return with_content(mail(number), text=whole, html=whole, pieces=pieces, **changes)


def test_a_request_says_who_wrote_what_to_whom(connector: SendgridConnector, wire: SendgridWire) -> None:
    frame = MailFrame(
        from_name="Bränd, Inc.",
        from_address="hello@example.com",
        reply_to="care@example.com",
        headers=(("Feedback-ID", "reminder:abandoned_cart::brand"),),
    )
    url = "https://shop.example.com/unsubscribe/t0ken"
    seen = send(connector, [templated(1, "Sarah", frame=frame, unsubscribe_url=url, subject="Still here, Sarah")])
    assert [(r.outcome, r.provider_id) for r in seen.results] == [(Outcome.ACCEPTED, "id-1")]
    (body,) = wire.requests
    (person,) = body["personalizations"]
    assert body["from"] == {"email": "hello@example.com", "name": "Bränd, Inc."}
    assert body["reply_to"] == {"email": "care@example.com"}
    assert body["categories"] == ["abandoned_cart", "abandoned_cart/reminder"]
    assert person["to"] == [{"email": "reader.1@example.com"}]
    assert person["custom_args"] == {"segue_key": "abandoned_cart/reminder/cart:1"}
    assert person["headers"] == {
        "Feedback-ID": "reminder:abandoned_cart::brand",
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert not any(setting["enable"] for setting in body["tracking_settings"].values())
    assert body["mail_settings"] == {"sandbox_mode": {"enable": False}}
    assert "asm" not in body
    assert wire.heads[0]["User-Agent"].startswith("sendgrid/")


def test_a_thousand_of_one_shape_share_a_request(connector: SendgridConnector, wire: SendgridWire) -> None:
    batch = [templated(n, f"reader {n}", subject=f"For reader {n}") for n in range(1_000)]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 1_000}
    assert wire.sizes() == [1_000]
    assert_delivered(wire, batch)
    assert sum(_HEAD in part["value"] for part in wire.requests[0]["content"]) == 2
    assert all(_HEAD not in str(one["substitutions"]) for one in wire.requests[0]["personalizations"])


def test_shapes_senders_and_steps_do_not_share_a_request(connector: SendgridConnector, wire: SendgridWire) -> None:
    other = replace(FRAME, from_name="Brand Care")
    batch = [templated(0, "a"), templated(1, "b", "c"), templated(2, "d", frame=other), templated(3, "e", "f")]
    batch.append(replace(templated(4, "g"), key=Key("welcome/hello/order:4")))
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 5}
    assert sorted(wire.sizes()) == [1, 1, 1, 2]
    assert_delivered(wire, batch)
    assert wire.requests[-1]["categories"] == ["welcome", "welcome/hello"]


def test_an_address_comes_once_a_request(connector: SendgridConnector, wire: SendgridWire) -> None:
    batch = [templated(n, str(n)) for n in range(4)]
    batch[2] = replace(batch[2], address="Reader.0@Example.com")
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 4}
    assert wire.sizes() == [3, 1]
    assert_delivered(wire, batch)


def test_equal_mails_without_pieces_share_a_request_and_different_ones_go_whole(
    connector: SendgridConnector, wire: SendgridWire
) -> None:
    batch = [mail(0), mail(1), mail(2, text="Other words")]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 3}
    assert wire.sizes() == [2, 1]
    assert_delivered(wire, batch)


@pytest.mark.parametrize(("size", "shared"), [(4_800, True), (5_000, False)])
def test_pieces_too_big_to_be_substituted_go_whole(
    connector: SendgridConnector, wire: SendgridWire, size: int, shared: bool
) -> None:
    batch = [templated(n, str(n) * size) for n in range(2)]  # in the text and in the HTML part
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 2}
    assert wire.sizes() == ([2] if shared else [1, 1])
    assert_delivered(wire, batch)


def test_pieces_of_another_body_are_not_believed(connector: SendgridConnector, wire: SendgridWire) -> None:
    marked = [with_content(templated(n, "Sarah"), html=f"<b>TEST</b> {n}") for n in range(2)]
    assert send(connector, marked).count() == {Outcome.ACCEPTED: 2}
    assert_delivered(wire, marked)


def test_tags_are_new_each_time_and_never_each_others(connector: SendgridConnector, wire: SendgridWire) -> None:
    for _ in range(2):
        send(connector, [templated(1, *"abcdefghijkl"), templated(2, *"abcdefghijkl")])
    first, second = (set(request["personalizations"][0]["substitutions"]) for request in wire.requests)
    assert len(first) == len(second) == 24
    assert first.isdisjoint(second)
    assert not any(one in other for one in first for other in first if one != other)


def test_files_travel_with_those_who_get_the_same(connector: SendgridConnector, wire: SendgridWire) -> None:
    invite = Attachment(name="invite.ics", media_type="text/calendar; charset=utf-8", data=b"BEGIN:VCALENDAR")
    batch = [templated(0, "a", attachments=(invite,)), templated(1, "b"), templated(2, "c", attachments=(invite,))]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 3}
    assert wire.sizes() == [2, 1]
    assert wire.requests[0]["attachments"] == [
        {
            "content": "QkVHSU46VkNBTEVOREFS",
            "type": "text/calendar",
            "filename": "invite.ics",
            "disposition": "attachment",
        }
    ]
    assert "attachments" not in wire.requests[1]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (replace(mail(1), address="not an address"), "address_malformed"),
        (replace(mail(1), address="sarah@bücher.example"), "address_not_supported"),
        (mail(1, subject=" \n "), "subject_empty"),
        (with_content(mail(1), text="", html=""), "content_empty"),
        (with_content(mail(1), unsubscribe_url="https://x.example/\r\nBcc: a@example.com"), "content_malformed"),
        (with_content(mail(1), frame=replace(FRAME, headers=(("X-A", "ä"),))), "content_malformed"),
        (replace(mail(1), key=Key("a/b/" + "c" * 10_000)), "key_too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_never_leave_is_rejected_and_stays(
    connector: SendgridConnector, wire: SendgridWire, bad: Message, reason: str
) -> None:
    seen = send(connector, [mail(0), bad, mail(2)])
    assert {r.key: r.reason for r in seen.results} == {mail(0).key: None, bad.key: reason, mail(2).key: None}
    assert bad.key not in seen.left
    assert wire.arrived() == 2


def test_what_cannot_be_expressed_is_refused_before_a_byte(connector: SendgridConnector, wire: SendgridWire) -> None:
    for bad in (sms(1), with_content(mail(1), frame=replace(FRAME, headers=(("X-SG-EID", "1"),)))):
        seen = send(connector, [mail(0), bad])
        assert isinstance(seen.error, UnsupportedError)
        assert (seen.left, wire.connections) == ([], 0)


def test_control_characters_and_broken_ones_do_no_harm(connector: SendgridConnector, wire: SendgridWire) -> None:
    batch = [templated(0, "half \ud83d a pair \x00"), templated(1, "whole \U0001f600", subject="Two\r\nlines")]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 2}
    assert wire.sizes() == [2]
    assert "half ? a pair \x00" in wire.delivered[0].html
    assert (wire.delivered[1].subject, "whole \U0001f600" in wire.delivered[1].text) == ("Two  lines", True)


def test_the_connection_is_kept(connector: SendgridConnector, wire: SendgridWire) -> None:
    for number in range(5):
        send(connector, [mail(number)])
    assert (wire.connections, len(wire.requests)) == (1, 5)


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": ""},
        {"api_key": "SG.with a blank"},
        {"api_key": "SG.x\r\nBcc: y"},
        {"region": "mars"},
        {"timeout": 0},
        {"people_per_request": 1_001},
        {"base_url": "http://api.example.com"},
        {"base_url": "api.sendgrid.com"},
    ],
)
def test_settings_that_cannot_work_are_told(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.of-the-environment")
    with pytest.raises(ConfigurationError) as told:
        SendgridConnector(**{"api_key": "SG.secret", **settings})
    assert "SG." not in str(told.value)


def test_the_real_reminder_arrives_as_it_was_written(connector: SendgridConnector, wire: SendgridWire) -> None:
    """Every sample of the real template, for people of many names, in few requests."""
    root = Path(__file__).resolve().parents[2] / "templates"
    library = Library(root, load_brand(root / "brand.toml"), Links("https://shop.example.com", b"of the tests only"))
    step = library.step("abandoned_cart/reminder")
    names = ["Sarah", "O'Neil", "-1-", "<b>", "{{ 7*7 }}", "Zoë", "李", "%name%", "[%x%]"]
    batch = []
    for number in range(180):
        sample = list(step.samples().values())[number % len(step.samples())]
        words = {**sample, "profile": {**sample["profile"], "first_name": names[number % len(names)]}}
        content = step.email(words, message_id=number)
        assert cut(content), "the template's pieces are not used"
        batch.append(replace(mail(number), content=content))
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 180}
    assert len(wire.requests) <= 8
    assert_delivered(wire, batch)
    assert sum(len(str(request)) for request in wire.requests) < sum(len(d.html) for d in wire.delivered) / 2


@pytest.mark.skipif(not HAS_SPECIFICATION, reason=MISSING)
def test_the_judges_can_say_no(connector: SendgridConnector, wire: SendgridWire) -> None:
    send(connector, [templated(0, "a"), templated(1, "b")])
    good = wire.requests[0]
    assert complaints(good) + beyond(good) == []
    (first, second), content = good["personalizations"], good["content"]
    for bad in (
        {**good, "from": {"name": "nobody"}},
        {**good, "personalisations": []},
        {**good, "personalizations": [{**first, "too": []}]},
        {**good, "personalizations": [first] * 1_001},
        {**good, "custom_args": "text"},
        {**good, "categories": ["a"] * 2},
        {**good, "content": [{"type": "text/plain", "value": ""}]},
    ):
        assert complaints(bad)
    for bad in (
        {**good, "content": []},
        {**good, "content": content[::-1]},
        {**good, "personalizations": [first, {**second, "to": first["to"]}]},
        {**good, "personalizations": [{**first, "subject": ""}]},
        {**good, "personalizations": [{**first, "custom_args": {"segue_key": "x" * 10_000}}]},
        {**good, "personalizations": [{**first, "substitutions": {"-a-": "x" * 10_000}}]},
        {**good, "personalizations": [{**first, "to": [{"email": "a@example.com", "name": "A; B"}]}]},
    ):
        assert beyond(bad)


def assert_delivered(wire: SendgridWire, batch: list[Message]) -> None:
    """Each mail of `batch` arrived once, every letter as it was rendered."""
    arrived = {one.key: (one.to, one.subject, one.text, one.html) for one in wire.delivered}
    assert len(arrived) == len(wire.delivered)
    for message in batch:
        content = message.content
        assert isinstance(content, EmailContent)
        assert arrived.pop(message.key) == (message.address, content.subject, content.text, content.html)
    assert arrived == {}
