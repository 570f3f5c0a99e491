"""The limit ratio: a whole send against rendering and sending the same words with no ledger at all.

    python -m bench.send [--people 10000] [--rounds 3]

The whole send is the real abandoned-cart reminder on SQLite in one process: promise, every policy rule, voucher (off
and on), the real template, MIME, SMTP to a counting sink on the other core, and the recorded answer. The bare
pipeline renders the same words and sends them through the same connector. A second pair ends with the finished mail's
bytes instead of a server. Counts distinct mails and duplicates, and fails where one is missing or comes twice.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from bench.carts import fill_carts
from bench.figures import Figure, best, pin, run
from bench.whole import Mail, MimeConnector, collect, send_bare, send_everything
from connectors.smtp import SmtpConnector
from segue.contract import MessageConnector
from segue.store.engine import open_engine

_LIMIT = 0.5


class Sink:
    """The counting SMTP server in a process, and on a core, of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("sink.py")],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: pin(1),  # noqa: PLW1509 - one thread only at this point
        )
        assert self._process.stdout is not None  # noqa: S101
        ports = json.loads(self._process.stdout.readline())
        self.port: int = ports["port"]
        self._control: int = ports["control_port"]

    def counts(self) -> dict[str, int]:
        """What came in so far."""
        with socket.create_connection(("127.0.0.1", self._control)) as sock, sock.makefile() as lines:
            counts: dict[str, int] = json.loads(lines.readline())
            return counts

    def close(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate()


@contextmanager
def smtp(mails: int) -> Iterator[MessageConnector]:
    """The real SMTP connector to a fresh sink; fails unless `mails` distinct mails came, each once."""
    with closing(Sink()) as sink:
        with closing(SmtpConnector(host="127.0.0.1", port=sink.port, starttls=False)) as connector:
            yield connector
        counts = sink.counts()
    if (counts["distinct_keys"], counts["distinct_recipients"], counts["duplicates"]) != (mails, mails, 0):
        raise SystemExit(f"of {mails} mails the sink saw {counts}")


@contextmanager
def null(_mails: int) -> Iterator[MessageConnector]:
    """No server: the mail's bytes are made and dropped."""
    yield MimeConnector()


def measure(options: argparse.Namespace) -> list[Figure]:
    """Four ratios: to SMTP and to nobody, without and with a voucher."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        filled, home = Path(folder) / "filled.db", Path(folder) / "home"
        engine = open_engine(f"sqlite:///{filled}")
        fill_carts(engine, options.people)
        engine.dispose()  # the last connection folds the write-ahead log into the file
        pin(0)
        for percent, voucher in ((0, "no voucher"), (10, "a voucher each")):
            mails = collect(filled, home, percent=percent)
            for way, name in ((smtp, "SMTP"), (null, "nobody")):
                figures.append(_ratio(options, mails, filled, home, way, percent, f"whole send to {name}, {voucher}"))
    return figures


def _ratio(
    options: argparse.Namespace,
    mails: Sequence[Mail],
    filled: Path,
    home: Path,
    way: Callable[[int], object],
    percent: int,
    name: str,
) -> Figure:
    def bare() -> float:
        with way(len(mails)) as connector:  # type: ignore[attr-defined]
            return send_bare(mails, connector)

    def whole() -> float:
        with way(len(mails)) as connector:  # type: ignore[attr-defined]
            seconds, accepted = send_everything(filled, home, connector, percent=percent)
        if accepted != options.people:
            raise SystemExit(f"of {options.people} messages {accepted} were accepted")
        return seconds

    seconds = best(options.rounds, {"bare": bare, "whole": whole})
    return Figure(
        name=name,
        value=round(seconds["bare"] / seconds["whole"], 3),
        unit="of the bare pipeline",
        limit=_LIMIT if way is smtp else None,
        parts={
            "people": len(mails),
            "bare/s": round(len(mails) / seconds["bare"]),
            "whole/s": round(len(mails) / seconds["whole"]),
            "ledger, policy and words in microseconds": round(
                (seconds["whole"] - seconds["bare"]) / len(mails) * 1e6, 1
            ),
        },
    )


if __name__ == "__main__":
    run(__doc__, measure, {"--people": {"type": int, "default": 10_000, "help": "carts to answer (default 10000)"}})
