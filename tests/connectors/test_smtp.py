"""The smtp connector against a server that misbehaves on purpose: what each answer makes of a message."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.smtp import SmtpConnector
from connectors.smtp_delivery import stuffed
from segue.contract import (
    ConfigurationError,
    MailFrame,
    Outcome,
    SmsContent,
    TransientError,
    UnsupportedError,
)
from segue.contract.suite import send, texts_of
from tests.connectors.mails import mail, sms
from tests.connectors.scripted_smtp import ScriptedSmtp

Connect = Callable[..., SmtpConnector]


def _timeout(word: str) -> float:
    """Seconds: short where the server is silent, long where a busy machine may keep it from answering."""
    return 0.5 if word.startswith("silen") else 10.0


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes connectors for a server, and closes them."""
    made: list[SmtpConnector] = []

    def make(server: ScriptedSmtp | int, **settings: object) -> SmtpConnector:
        port = server if isinstance(server, int) else server.port
        defaults: dict[str, object] = {
            "starttls": False,
            "hello": "shop.example.test",
            "timeout": 10.0,
            "connections": 1,
        }
        connector = SmtpConnector(host="127.0.0.1", port=port, **(defaults | settings))  # type: ignore[arg-type]
        made.append(connector)
        return connector

    yield make
    for connector in made:
        connector.close()


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "step by step"])
@pytest.mark.parametrize(
    ("word", "outcome", "reason", "suppress"),
    [
        ("rejected", Outcome.REJECTED, "mailbox_unknown", True),
        ("no_code", Outcome.REJECTED, "refused", False),
        ("relay_denied", Outcome.REJECTED, "refused_by_policy", False),
        ("too_big", Outcome.REJECTED, "message_too_big", False),
        ("body_refused", Outcome.REJECTED, "content_refused", False),
        ("greylisted", Outcome.DEFERRED, "greylisted", False),
        ("full", Outcome.DEFERRED, "mailbox_full", False),
        ("throttled", Outcome.DEFERRED, "throttled", False),
        ("body_deferred", Outcome.DEFERRED, "try_later", False),
        ("cut_at_mail", Outcome.DEFERRED, "connection_lost", False),
        ("cut_at_data", Outcome.DEFERRED, "connection_lost", False),
        ("silent_at_data", Outcome.DEFERRED, "no_answer", False),
        ("nonsense", Outcome.DEFERRED, "connection_lost", False),
        ("closing", Outcome.DEFERRED, "unreachable", False),
        ("closing_after_body", Outcome.DEFERRED, "try_later", False),
        ("silence", Outcome.UNCERTAIN, "no_answer", False),
        ("cut", Outcome.UNCERTAIN, "connection_lost", False),
        ("sender_refused", Outcome.DEFERRED, "configuration", False),
        ("multiline", Outcome.ACCEPTED, None, False),
    ],
)
def test_each_answer_is_one_messages_fate(
    connect: Connect, *, pipelining: bool, word: str, outcome: Outcome, reason: str | None, suppress: bool
) -> None:
    """The first mail is taken, the second gets the answer of the row."""
    with ScriptedSmtp(pipelining=pipelining) as server:
        server.answer("ok", word)
        seen = send(connect(server, timeout=_timeout(word)), [mail(1), mail(2)])
    assert seen.error is None
    first, second = seen.results
    assert (first.outcome, first.provider_id) == (Outcome.ACCEPTED, "4F2A")
    assert (second.outcome, second.reason, second.suppress) == (outcome, reason, suppress)


@pytest.mark.parametrize("always_354", [True, False])
@pytest.mark.parametrize("pipelining", [True, False])
def test_goes_on_after_a_refusal(connect: Connect, *, always_354: bool, pipelining: bool) -> None:
    """The transaction of a refused mail is cleared, so the next one is not `nested`."""
    with ScriptedSmtp(pipelining=pipelining, always_354=always_354) as server:
        server.answer("rejected", "ok", "too_big", "rejected", "ok")
        seen = send(connect(server), [mail(n) for n in range(5)])
        assert server.connections == 1
        assert server.recipients == ["reader.1@example.com", "reader.4@example.com"]
    assert [r.outcome.value for r in seen.results] == ["rejected", "accepted", "rejected", "rejected", "accepted"]


def test_many_mails_share_few_connections_and_all_arrive(connect: Connect) -> None:
    """Four connections carry three batches; each reader gets one mail."""
    with ScriptedSmtp() as server:
        connector = connect(server, connections=4, timeout=5)
        for start in (0, 100, 200):
            seen = send(connector, [mail(n) for n in range(start, start + 100)])
            assert seen.count() == {Outcome.ACCEPTED: 100}
            assert seen.most_unanswered <= 2 * 4
        assert server.connections == 4
        assert sorted(server.recipients) == sorted(f"reader.{n}@example.com" for n in range(300))


def test_a_cut_makes_only_what_had_left_uncertain(connect: Connect) -> None:
    """The mail whose end of data was out is uncertain; the next one, whose envelope went along, is not."""
    with ScriptedSmtp() as server:
        server.answer("ok", "cut")
        seen = send(connect(server), [mail(n) for n in range(4)])
        left = seen.left
    fates = {r.key: r.outcome for r in seen.results}
    assert left == [mail(0).key, mail(1).key] + [mail(3).key] * (len(left) - 2)
    assert fates[mail(1).key] is Outcome.UNCERTAIN
    assert fates[mail(2).key] is Outcome.DEFERRED
    assert mail(2).key not in left


def test_a_cut_in_the_middle_of_a_body_is_no_mail(connect: Connect) -> None:
    """The end of data never left, since the socket had no room for it: it may be sent again."""
    with ScriptedSmtp() as server:
        server.answer("cut_in_body")
        seen = send(connect(server), [mail(1, text="long words " * 1_000_000)])
        assert server.bodies == []
    assert [(r.outcome, r.reason) for r in seen.results] == [(Outcome.DEFERRED, "connection_lost")]


@pytest.mark.parametrize("word", ["silence", "cut", "cut_at_mail"])
def test_a_server_that_fails_at_once_is_not_tried_message_by_message(connect: Connect, word: str) -> None:
    """After a connection that answered nothing the rest waits: one dead server must not eat a campaign."""
    with ScriptedSmtp() as server:
        server.answer(word)
        seen = send(connect(server, timeout=_timeout(word)), [mail(n) for n in range(50)])
        assert server.connections == 1
        assert server.begun <= 2
    assert seen.count()[Outcome.DEFERRED] >= 49
    assert len(seen.results) == 50


def test_a_server_that_counts_gets_a_new_connection(connect: Connect) -> None:
    """Told how many mails a connection takes, none is lost to a 421."""
    with ScriptedSmtp(per_connection=20) as server:
        seen = send(connect(server, messages_per_connection=20, connections=2), [mail(n) for n in range(100)])
        assert 5 <= server.connections <= 6
        assert server.begun == 100
    assert seen.count() == {Outcome.ACCEPTED: 100}


def test_a_server_that_counts_by_surprise_loses_nothing(connect: Connect) -> None:
    """Not told, each connection's last mail is put off, and the others go over new ones."""
    with ScriptedSmtp(per_connection=20) as server:
        seen = send(connect(server), [mail(n) for n in range(100)])
        assert len(server.bodies) == seen.count()[Outcome.ACCEPTED]
    assert seen.error is None
    assert seen.count() == {Outcome.ACCEPTED: 96, Outcome.DEFERRED: 4}


def test_makes_do_with_the_connections_it_gets(connect: Connect) -> None:
    """A server with room for two callers is served by two."""
    with ScriptedSmtp(most_connections=2) as server:
        seen = send(connect(server, connections=4, timeout=5), [mail(n) for n in range(64)])
    assert seen.count() == {Outcome.ACCEPTED: 64}


def test_a_kept_connection_that_died_meanwhile_costs_nothing(connect: Connect) -> None:
    """The server hung up between two batches: nothing had left, so a new connection carries the mail."""
    with ScriptedSmtp() as server:
        connector = connect(server)
        send(connector, [mail(1)])
        server.hang_up()
        assert send(connector, [mail(2)]).count() == {Outcome.ACCEPTED: 1}
        assert server.connections == 2


def test_a_closed_connector_opens_again_when_used(connect: Connect) -> None:
    """Closing lets go of connections, nothing more."""
    with ScriptedSmtp() as server:
        connector = connect(server)
        send(connector, [mail(1)])
        connector.close()
        assert send(connector, [mail(2)]).count() == {Outcome.ACCEPTED: 1}
        assert server.commands_of("QUIT") == 1


def test_an_abandoned_send_keeps_no_connection_with_open_questions(connect: Connect) -> None:
    """Whoever stops listening must not leave old answers for the next batch to read as its own."""
    with ScriptedSmtp() as server:
        connector = connect(server)
        results = connector.send([mail(n) for n in range(10)], lambda _key: None)
        next(results)
        results.close()
        server.answer("rejected")
        seen = send(connector, [mail(99)])
    assert [(r.key, r.outcome) for r in seen.results] == [(mail(99).key, Outcome.REJECTED)]


def test_nobody_is_written_to_when_the_mark_fails(connect: Connect) -> None:
    """`leaving` is called before the body: if it raises, nothing leaves."""

    def refuse(_key: str) -> None:
        raise OSError("the journal's disk is full")

    with ScriptedSmtp() as server:
        with pytest.raises(OSError, match="journal"):
            list(connect(server).send([mail(1)], refuse))
        assert server.bodies == []


def test_a_refused_connection_is_transient(connect: Connect) -> None:
    """Nobody listens: the batch is tried again later."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    seen = send(connect(port), [mail(1)])
    assert isinstance(seen.error, TransientError)


@pytest.mark.parametrize("trouble", ["busy", "closing"])
def test_421_before_anything_is_transient(connect: Connect, trouble: str) -> None:
    """As greeting or as the first answer, 421 is the server's affair and not the mail's."""
    with ScriptedSmtp(most_connections=0 if trouble == "busy" else 9) as server:
        server.answer("closing")
        seen = send(connect(server), [mail(n) for n in range(3)])
    assert isinstance(seen.error, TransientError)
    assert seen.left == []


def test_a_refused_login_names_the_cure_and_nobody(connect: Connect) -> None:
    """The server repeats the user's name in its answer; our error does not."""
    with ScriptedSmtp(login=("clerk@example.com", "right")) as server:
        seen = send(connect(server, username="clerk@example.com", password="wr0ng"), [mail(1)])
    assert isinstance(seen.error, ConfigurationError)
    assert "check the smtp connector's username and password" in str(seen.error)
    assert "clerk" not in texts_of(seen.error)
    assert "wr0ng" not in texts_of(seen.error)


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({"starttls": True}, "does not offer STARTTLS"),
        ({"username": "shop", "password": "x"}, "does not offer a login"),
    ],
)
def test_what_the_server_does_not_offer_is_a_configuration_error(
    connect: Connect, settings: dict[str, object], cure: str
) -> None:
    """Neither is mail sent in clear where TLS was asked for, nor without the login."""
    with ScriptedSmtp() as server:
        seen = send(connect(server, **settings), [mail(1)])
        assert server.bodies == []
    assert isinstance(seen.error, ConfigurationError)
    assert cure in str(seen.error)


def test_the_sender_refused_before_anything_is_a_configuration_error(connect: Connect) -> None:
    """No mail of this brand will ever leave: pause the channel."""
    with ScriptedSmtp() as server:
        server.answer("sender_refused")
        seen = send(connect(server), [mail(n) for n in range(3)])
    assert isinstance(seen.error, ConfigurationError)
    assert "from address" in str(seen.error)


@pytest.mark.parametrize("utf8", [True, False])
def test_an_address_beyond_ascii_needs_smtputf8(connect: Connect, *, utf8: bool) -> None:
    """Where the server has no SMTPUTF8 the mail is rejected, and nothing was written."""
    with ScriptedSmtp(utf8=utf8) as server:
        seen = send(connect(server), [mail(1, address="süsan@example.com"), mail(2)])
        recipients = server.recipients
        asked = [c for c in server.commands if c.endswith("SMTPUTF8")]
    if utf8:
        assert seen.count() == {Outcome.ACCEPTED: 2}
        assert recipients == ["süsan@example.com", "reader.2@example.com"]
        assert len(asked) == 1
    else:
        assert {r.key: r.reason for r in seen.results} == {mail(1).key: "address_not_supported", mail(2).key: None}
        assert recipients == ["reader.2@example.com"]


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com>\r\nDATA\r\n",
        "a@example.com\nRCPT TO:<b@example.com",
        "a b@example.com",
        "a@example.com,b@example.com",
    ],
)
def test_an_address_cannot_speak_smtp(connect: Connect, address: str) -> None:
    """A malformed address is rejected before a byte of it is written."""
    with ScriptedSmtp() as server:
        seen = send(connect(server), [mail(1, address=address)])
        assert server.commands_of("MAIL") == 0
    assert [(r.outcome, r.reason) for r in seen.results] == [(Outcome.REJECTED, "address_malformed")]


def test_a_mail_larger_than_the_server_takes_is_not_written(connect: Connect) -> None:
    """SIZE is asked before and told along."""
    with ScriptedSmtp(size=5000) as server:
        seen = send(connect(server), [mail(1, text="x" * 9000), mail(2)])
        senders = [c for c in server.commands if c.startswith("MAIL")]
    assert {r.key: r.reason for r in seen.results} == {mail(1).key: "message_too_big", mail(2).key: None}
    assert len(senders) == 1
    assert int(senders[0].rpartition("SIZE=")[2]) > 500


def test_only_mail_is_carried(connect: Connect) -> None:
    """An SMS is refused before the network is touched."""
    assert isinstance(sms().content, SmsContent)
    with ScriptedSmtp() as server:
        assert isinstance(send(connect(server), [mail(1), sms()]).error, UnsupportedError)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n.\r\n", b"a\r\n..\r\n..\r\n.\r\n"),
        (b"no end", b"no end\r\n.\r\n"),
    ],
)
def test_leading_dots_are_doubled(body: bytes, wire: bytes) -> None:
    """A line with a dot of its own must not end the mail."""
    assert stuffed(body) == wire


def test_bytes_arrive_as_they_were_made(connect: Connect) -> None:
    """What the server stores is what the frame filled."""
    message = mail(7, subject="[a] $5 #import {{ x }} 🧤", text=".\r\n..\nשרה\n")
    with ScriptedSmtp() as server:
        send(connect(server), [message])
        assert server.bodies == [message.content.mime(key=message.key, to=message.address, at=message.at)]  # type: ignore[union-attr]
        assert server.commands[1].startswith("MAIL FROM:<hello@example.com>")


@pytest.mark.parametrize(
    "settings", [{"connections": 0}, {"connections": 251}, {"timeout": 0.0}, {"messages_per_connection": -1}]
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    """At the start, with the setting's name."""
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        SmtpConnector(host="127.0.0.1", **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that only we trust, with its key in the same file."""
    made = tmp_path_factory.mktemp("tls")
    try:
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-keyout",
                "key.pem",
                "-out",
                "cert.pem",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ],
            cwd=made,
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    (made / "both.pem").write_text((made / "cert.pem").read_text() + (made / "key.pem").read_text())
    return made / "both.pem"


@pytest.mark.parametrize("starttls", [True, False], ids=["starttls", "tls from the start"])
def test_mail_goes_over_tls(connect: Connect, certificate: Path, *, starttls: bool) -> None:
    """Large and small mails, many a connection, over an encrypted line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ScriptedSmtp(tls=context, starttls=starttls) as server:
        settings = {
            "starttls": starttls,
            "ssl": not starttls,
            "ca_file": str(certificate),
            "connections": 2,
            "timeout": 10,
        }
        seen = send(
            connect(server, **settings), [mail(n, text="x" * (200_000 if n % 5 == 0 else 10)) for n in range(40)]
        )
        assert len(server.bodies) == 40
    assert seen.count() == {Outcome.ACCEPTED: 40}


def test_an_untrusted_certificate_is_a_configuration_error(connect: Connect, certificate: Path) -> None:
    """The mail does not leave, and the error says where to look."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ScriptedSmtp(tls=context, starttls=True) as server:
        seen = send(connect(server, starttls=True, timeout=5), [mail(1)])
        assert server.bodies == []
    assert isinstance(seen.error, ConfigurationError)
    assert "certificate" in str(seen.error)


def test_a_frame_that_cannot_stand_in_a_mail_is_that_messages_fate(connect: Connect) -> None:
    """The others of the batch go out."""
    broken = mail(1)
    object.__setattr__(broken.content, "frame", MailFrame(from_name="B", from_address="hello@example.com\r\nBcc: x"))
    with ScriptedSmtp() as server:
        seen = send(connect(server), [broken, mail(2)])
    assert {r.key: r.reason for r in seen.results} == {broken.key: "content_malformed", mail(2).key: None}
