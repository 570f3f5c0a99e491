"""The benches' sink must count right, or every rate they report is worthless."""

from __future__ import annotations

import json
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.smtp import SmtpConnector
from segue.contract import Outcome
from segue.contract.suite import send
from tests.connectors.mails import mail

_SINK = Path(__file__).resolve().parents[2] / "bench" / "sink.py"


@pytest.fixture
def sink() -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    with subprocess.Popen([sys.executable, str(_SINK)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
        process.kill()


def test_counts_mails_readers_and_repeats(sink: tuple[subprocess.Popen[str], dict[str, int]]) -> None:
    """Pipelined and step by step, big and small: the same on the control port as at the end."""
    process, ports = sink
    connector = SmtpConnector(host="127.0.0.1", port=ports["port"], starttls=False, hello="b.example.test", timeout=10)
    batch = [mail(n, text=".\r\nx" * (40_000 if n % 7 == 0 else 1)) for n in range(100)]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 100}
    assert send(connector, batch[:30]).count() == {Outcome.ACCEPTED: 30}
    connector.close()
    with smtplib.SMTP("127.0.0.1", ports["port"], "b.example.test") as plain:
        plain.sendmail("a@example.com", ["b@example.com", "c@example.com"], "Subject: no id\r\n\r\nwords\r\n")
    with socket.create_connection(("127.0.0.1", ports["control_port"])) as control:
        now = json.loads(control.makefile().readline())
    process.terminate()
    assert process.stdout is not None
    counts = json.loads(process.stdout.readline())
    assert counts == now
    assert {name: counts[name] for name in counts if name not in {"bytes", "connections"}} == {
        "messages": 131,
        "distinct_recipients": 102,
        "distinct_keys": 100,
        "duplicates": 30,
        "without_id": 1,
    }
