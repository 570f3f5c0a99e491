"""The blocks that tell colleagues, against receivers nobody here wrote, and what they say when it does not work."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from importlib.metadata import entry_points

import pytest
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.notifications import NotificationError
from pydantic import SecretStr

import flows.blocks
from flows.blocks import MailNotice, WebhookNotice
from tests.flows.receivers import Hook, Postbox, hook, postbox

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.blocks, "WAITS", (0.0, 0.0))


@pytest.fixture
def hooked() -> Iterator[Hook]:
    with hook() as receiver:
        yield receiver


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as server:
        yield server


def webhook(url: str) -> WebhookNotice:
    return WebhookNotice(url=SecretStr(url))


def mail(port: int, to: str = "desk@example.com", **server: object) -> MailNotice:
    plain = {"username": "shop", "password": "s3cret@/:#", "starttls": False, "ssl": False, "ca_file": ""}
    return MailNotice(
        sender="orders@example.com", to=SecretStr(to), server={"host": "127.0.0.1", "port": port, **plain, **server}
    )


def tell(block: NotificationBlock, subject: str | None = "A run failed", body: str = "Zwölf {{ x }}\n.\nLook") -> None:
    asyncio.run(block.notify(body=body, subject=subject))


def test_a_webhook_gets_one_text(hooked: Hook) -> None:
    tell(webhook(hooked.url))
    tell(webhook(hooked.url), subject=None)
    assert hooked.texts == ["A run failed\nZwölf {{ x }}\n.\nLook", "Zwölf {{ x }}\n.\nLook"]


def test_a_mail_arrives_whole(box: Postbox) -> None:
    """To all of them, in plain text, as a machine's own; a line break in the subject starts no header."""
    tell(mail(box.port, "desk@example.com, ops@example.com"), subject="One\r\nBcc: x@example.com")
    ((to, read),) = box.mails
    assert to == ["desk@example.com", "ops@example.com"]
    assert (read["From"], read["Subject"]) == ("Segue <orders@example.com>", "One Bcc: x@example.com")
    assert (read["Auto-Submitted"], read["Bcc"], read.get_content_type()) == ("auto-generated", None, "text/plain")
    assert read.get_content().replace("\r\n", "\n") == "Zwölf {{ x }}\n.\nLook\n"


@pytest.mark.parametrize(("answers", "posts"), [([503], 2), ([429, 500], 3)])
def test_busy_receivers_are_asked_again(hooked: Hook, box: Postbox, answers: list[int], posts: int) -> None:
    hooked.answers = answers
    tell(webhook(hooked.url))
    assert len(hooked.texts) == posts
    box.busy = ["451 4.3.0 try later" for _ in answers]
    tell(mail(box.port))
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("answers", "posts", "said"),
    [
        ([503] * 4, 3, "the webhook answered 503"),
        ([404], 1, "the webhook answered 404"),
        ([302], 1, "the webhook answered 302"),
    ],
)
def test_a_webhook_that_will_not_is_told_of_without_its_address(
    hooked: Hook, caplog: pytest.LogCaptureFixture, answers: list[int], posts: int, said: str
) -> None:
    hooked.answers = answers
    with caplog.at_level(logging.DEBUG):
        assert said in refusal(webhook(hooked.url))
    assert len(hooked.texts) == posts
    assert said in caplog.text
    assert "sword-fish" not in caplog.text


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (lambda port: webhook(f"http://127.0.0.1:{port}/sword-fish"), "out of reach"),
        (lambda _port: webhook("http://sword-fish:x/"), "no web address"),
        (lambda _port: webhook("sword-fish"), "no web address"),
        (mail, "out of reach"),
        (lambda port: mail(port, ca_file="/none"), "ca_file does not exist"),
    ],
)
def test_nobody_there(caplog: pytest.LogCaptureFixture, block, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert said in refusal(block(port))
    assert "sword-fish" not in caplog.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "sword-fish"}, r"refused the login \(535\)"),
        ({"password": "sword-füsh"}, "signs beyond ASCII"),
        ({"starttls": True}, "does not offer STARTTLS"),
        ({"to": "gone.sword-fish@example.com"}, r"refused all addresses \(550\)"),
        ({"to": "gone.sword-fish@example.com, desk@example.com"}, "refused 1 of the addresses; the others have it"),
    ],
)
def test_a_mail_server_that_will_not_is_told_of_without_what_it_says(
    box: Postbox, caplog: pytest.LogCaptureFixture, changes: dict[str, str], said: str
) -> None:
    """It likes to repeat addresses and names."""
    with pytest.raises(NotificationError, match=said) as told:
        tell(mail(box.port, **changes))
    assert len(box.mails) == ("desk" in changes.get("to", ""))
    assert "sword" not in f"{told.value}{told.value.log}{caplog.text}"
    assert told.value.__cause__ is None


def test_every_prefect_process_knows_the_blocks() -> None:
    """Or the server could not use them."""
    (ours,) = (point for point in entry_points(group="prefect.collections") if point.name == "segue")
    assert ours.load() is flows.blocks


def refusal(block: NotificationBlock) -> str:
    with pytest.raises(NotificationError) as told:
        tell(block)
    assert "sword-fish" not in str(told.value)
    return str(told.value)
