"""What the webhook connector makes of a line that stalls, is cut or is not there: may the message have left?"""

from __future__ import annotations

import socket
from typing import Any

import pytest

from connectors.webhook import WebhookConnector
from segue.contract import ConnectorError, Outcome, RejectedError, TransientError, UncertainError
from segue.contract.suite import send
from tests.connectors.mails import mail
from tests.connectors.scripted_socket import Script, refuse_early, reset, say, stall
from tests.connectors.webhook_receiver import connect

LONG = "x" * 8_000_000


@pytest.mark.parametrize(
    ("play", "text", "wanted"),
    [
        (stall, "Words", UncertainError),
        (stall, LONG, TransientError),
        (reset, LONG, TransientError),
        (say(b""), "Words", UncertainError),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"), "Words", UncertainError),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"), "Words", UncertainError),
        (say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "Words", UncertainError),
        (say(b"good morning\r\n\r\n"), "Words", UncertainError),
        (say(b"HTTP/1.1 200"), "Words", None),
    ],
    ids=[
        "stalls",
        "stalls-early",
        "resets-early",
        "hangs-up",
        "half-a-body",
        "no-body",
        "bad-chunk",
        "no-http",
        "bare-yes",
    ],
)
def test_before_and_after_the_body_left(play: Any, text: str, wanted: type[ConnectorError] | None) -> None:
    """A request that was not written to its end is not taken by anybody; one that was may have been."""
    with Script(play) as script:
        ours = connect(script.url, timeout=0.5)
        seen = send(ours, [mail(1, text=text)])
        ours.close()
    assert type(seen.error) is (wanted or type(None))
    assert [r.outcome for r in seen.results] == ([] if wanted else [Outcome.ACCEPTED])


def test_a_refusal_spoken_before_the_body_was_read_is_heard() -> None:
    """Else a batch that is too long would come again and again."""
    with Script(refuse_early) as script:
        ours = connect(script.url, timeout=0.5)
        seen = send(ours, [mail(1, text=LONG)])
        script.over.set()
        ours.close()
    assert isinstance(seen.error, RejectedError)
    assert seen.error.reason == "too_big"


def test_nobody_there_is_transient_and_nothing_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen = send(connect(f"http://127.0.0.1:{port}"), [mail(1)])
    assert isinstance(seen.error, TransientError)
    assert seen.left == []


def test_a_kept_line_that_was_hung_up_is_opened_again() -> None:
    """Not one message is uncertain because a server closed a connection that idled."""
    good = say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # and hangs up, without a word about it
    with Script(good, good, good) as script:
        ours = connect(script.url)
        for number in range(3):
            assert send(ours, [mail(number)]).count() == {Outcome.ACCEPTED: 1}
            assert ours._line._connection.sock is None or _hung_up(ours)
        ours.close()


def _hung_up(ours: WebhookConnector) -> bool:
    """Wait until the other side's goodbye has come."""
    sock = ours._line._connection.sock
    assert sock is not None
    sock.settimeout(2)
    return sock.recv(1, socket.MSG_PEEK) == b""
