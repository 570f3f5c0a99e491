"""The smtp connector against aiosmtpd, a server nobody here wrote."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from connectors.smtp import SmtpConnector
from segue.contract import ConfigurationError, Outcome
from segue.contract.suite import send
from tests.connectors.mails import mail

# The password crosses nothing but this machine's loopback; TLS has tests of its own.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


class Postbox:
    """Keeps what it takes; refuses and puts off by the look of the recipient."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 no such user"
        if address.startswith("later"):
            return "451 4.7.1 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        self.taken.append((envelope.rcpt_tos[0], envelope.original_content))
        return "250 2.0.0 taken"


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
    right = getattr(given, "login", b"") == b"shop" and getattr(given, "password", b"") == b"s3cret"
    return AuthResult(success=right, handled=False)


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def port(postbox: Postbox) -> Iterator[int]:
    controller = Controller(
        postbox,
        hostname="127.0.0.1",
        port=_free_port(),
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=False,
    )
    controller.start()
    yield controller.port
    controller.stop()
    controller.loop.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def connector(port: int, password: str) -> SmtpConnector:
    return SmtpConnector(
        host="127.0.0.1",
        port=port,
        username="shop",
        password=password,
        starttls=False,
        hello="shop.example.test",
        timeout=5,
    )


def test_mails_arrive_and_refusals_are_told_apart(port: int, postbox: Postbox) -> None:
    """One batch of good, dead and busy mailboxes over kept connections."""
    ours = connector(port, "s3cret")
    batch = [mail(n, address=f"{('reader', 'gone', 'later')[n % 3]}.{n}@example.com") for n in range(60)]
    seen = send(ours, batch)
    ours.close()
    assert seen.error is None
    assert seen.count() == {Outcome.ACCEPTED: 20, Outcome.REJECTED: 20, Outcome.DEFERRED: 20}
    assert Counter(r.reason for r in seen.results if r.suppress) == {"mailbox_unknown": 20}
    assert Counter(to for to, _ in postbox.taken) == Counter(f"reader.{n}@example.com" for n in range(0, 60, 3))


def test_the_mail_is_readable_on_the_other_side(port: int, postbox: Postbox) -> None:
    """Names like `[a] $5 #import {{ x }}`, quotes, right-to-left and emoji survive the journey."""
    ours = connector(port, "s3cret")
    words = '[a] $5 #import {{ x }} "Sal" שלום 🧤\n.\n..dots'
    send(ours, [mail(1, subject=words.splitlines()[0], text=words)])
    ours.close()
    ((_, raw),) = postbox.taken
    read = message_from_bytes(raw, policy=default)
    body = read.get_body(("plain",))
    assert body is not None
    assert read["Subject"] == words.splitlines()[0]
    assert body.get_content().replace("\r\n", "\n") == words


def test_a_wrong_password_is_a_configuration_error(port: int, postbox: Postbox) -> None:
    """Nothing is sent and no attempt is burnt."""
    seen = send(connector(port, "wrong"), [mail(1)])
    assert isinstance(seen.error, ConfigurationError)
    assert postbox.taken == []
