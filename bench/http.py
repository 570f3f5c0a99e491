"""The HTTP ratio: the sendgrid connector against a bare HTTP client that posts the same requests ready-made.

    python -m bench.http [--people 20000] [--rounds 3]

The mails are the real abandoned-cart reminder, rendered before the clock starts, for people with carts of one to three
things. The connector checks, groups, cuts and posts them over its kept connection; the bare client is `http.client` on
a kept connection, which turns the very same requests, put together before, into JSON and posts them. Once a mail a
request, once up to a thousand. The sink is a server in a process, and on a core, of its own, which counts keys; the
part fails unless each mail came once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, best, pin, run
from connectors.sendgrid import SendgridConnector
from connectors.sendgrid_plan import plan
from segue.contract import Channel, Key, Message
from segue.render import Library, Links, load_brand

_ROOT = Path(__file__).resolve().parents[1]
_KEY = re.compile(rb'"segue_key": ?"([^"]+)"')
_HEADERS = {"Authorization": "Bearer SG.bench", "Content-Type": "application/json"}
_ANSWER = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: bench\r\nContent-Length: 0\r\n\r\n"
_AT = datetime(2026, 5, 14, 15, tzinfo=UTC)


def serve() -> None:
    """Take everything on one connection after the other; a GET is answered with the counts, which begin anew."""
    keys: set[bytes] = set()
    count = 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            caller, _ = server.accept()
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with caller, caller.makefile("rb", buffering=1 << 20) as lines:
                while head := lines.readline():
                    length = 0
                    while (line := lines.readline()) != b"\r\n":
                        if line[:15].lower() == b"content-length:":
                            length = int(line[15:])
                    if head.startswith(b"GET"):
                        said = json.dumps([count, len(keys)]).encode()
                        keys, count = set(), 0
                        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
                        continue
                    found = _KEY.findall(lines.read(length))
                    count += len(found)
                    keys.update(found)
                    caller.sendall(_ANSWER)


@contextmanager
def sink() -> Iterator[int]:
    """The port of a server in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", "from bench.http import serve; serve()"],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: pin(1),  # noqa: PLW1509 - one thread only at this point
    ) as process:
        assert process.stdout is not None  # noqa: S101
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def letters(people: int) -> list[Message]:
    """One rendered reminder each."""
    links = Links("https://go.saltmere.example.com", b"a secret for benches only")
    step = Library(_ROOT / "templates", load_brand(_ROOT / "templates/brand.toml"), links).step(
        "abandoned_cart/reminder"
    )
    samples = list(step.samples().values())
    made = []
    for number in range(people):
        sample = samples[number % len(samples)]
        words = {**sample, "profile": {**sample["profile"], "first_name": f"Reader {number}"}}
        made.append(
            Message(
                key=Key(f"abandoned_cart/reminder/cart:{number}"),
                channel=Channel.EMAIL,
                address=f"reader.{number}@example.com",
                content=step.email(words, message_id=number),
                at=_AT,
            )
        )
    return made


def measure(options: argparse.Namespace) -> list[Figure]:
    """Two ratios: one mail a request, and a thousand."""
    pin(0)
    batch = letters(options.people)
    with sink() as port:
        return [
            _ratio(options.rounds, batch[: max(1, options.people // 10)], 1, port, 0.7, "HTTP, one mail a request"),
            _ratio(options.rounds, batch, 1_000, port, 0.5, "HTTP, a thousand people a request"),
        ]


def _ratio(rounds: int, mails: Sequence[Message], most: int, port: int, limit: float, name: str) -> Figure:
    windows = [mails[first : first + 1_000] for first in range(0, len(mails), 1_000)]
    ready = [json.loads(request.payload(sandbox=False)) for window in windows for request in plan(window, most)[0]]
    racers: dict[str, Callable[[], float]] = {
        "bare": lambda: _counted(port, len(mails), lambda: _bare(ready, port)),
        "connector": lambda: _counted(port, len(mails), lambda: _connector(windows, most, port)),
    }
    seconds = best(rounds, racers)
    return Figure(
        name=name,
        value=round(seconds["bare"] / seconds["connector"], 3),
        unit="of the bare client",
        limit=limit,
        parts={
            "people": len(mails),
            "requests": len(ready),
            "bare/s": round(len(mails) / seconds["bare"]),
            "connector/s": round(len(mails) / seconds["connector"]),
        },
    )


def _bare(ready: Sequence[dict[str, Any]], port: int) -> float:
    start = time.perf_counter()
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        for body in ready:
            connection.request("POST", "/v3/mail/send", json.dumps(body).encode(), _HEADERS)
            connection.getresponse().read()
    return time.perf_counter() - start


def _connector(windows: Sequence[Sequence[Message]], most: int, port: int) -> float:
    url = f"http://127.0.0.1:{port}"
    start = time.perf_counter()
    with closing(SendgridConnector(api_key="SG.bench", base_url=url, people_per_request=most)) as connector:
        for window in windows:
            for result in connector.send(window, lambda _key: None):
                assert result.outcome == "accepted"  # noqa: S101
    return time.perf_counter() - start


def _counted(port: int, mails: int, racer: Callable[[], float]) -> float:
    seconds = racer()
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/")
        counts = json.loads(connection.getresponse().read())
    if counts != [mails, mails]:
        raise SystemExit(f"of {mails} mails the sink counted {counts[0]}, {counts[1]} of them different")
    return seconds


if __name__ == "__main__":
    run(__doc__, measure, {"--people": {"type": int, "default": 20_000, "help": "mails to send (default 20000)"}})
