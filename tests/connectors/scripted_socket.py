"""A raw socket that plays a connection as no web server would: stalls, resets, and answers that are none."""

from __future__ import annotations

import socket
import threading
from typing import Any, Self


class Script:
    """Plays each connection with a function of its own."""

    def __init__(self, *plays: Any) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(plays,), daemon=True)
        self._thread.start()

    def _run(self, plays: Any) -> None:
        for play in plays:
            connection, _ = self._socket.accept()
            with connection:
                play(self, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join(5)
        self._socket.close()


def read_request(connection: socket.socket) -> bytes:
    """One whole request."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65_536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return body


def say(text: bytes) -> Any:
    """Read a request, say this, and hang up."""

    def play(script: Script, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(text)

    return play


def stall(script: Script, connection: socket.socket) -> None:
    script.over.wait(5)


def reset(script: Script, connection: socket.socket) -> None:
    """Hang up in the middle of a body too long for the buffers between."""
    connection.recv(1_000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def refuse_early(script: Script, connection: socket.socket) -> None:
    """Say no to a long body without reading it, and close for reading as web servers do."""
    connection.recv(1_000)
    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    script.over.wait(1)
