"""A provider in its own process: writes down what reaches it, then says OK. Knows nothing of Segue.

    python recorder.py        (prints its port)

A client's first line names the file to append to; each further line is a message, written before it is answered.
A first line of `? file` is answered once nobody writes to that file any more.
"""

from __future__ import annotations

import os
import socketserver
import threading
from collections import Counter

_writers: Counter[str] = Counter()
_changed = threading.Condition()


class Line(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Write and answer line by line, until the client goes or dies."""
        path = self.rfile.readline().decode().strip()
        if path.startswith("? "):
            with _changed:
                _changed.wait_for(lambda: not _writers[path[2:]])
            self.wfile.write(b"OK\n")
            return
        with _changed:
            _writers[path] += 1
        try:
            self.take(path)
        except ConnectionError:
            return  # a client that was killed; what it sent is written
        finally:
            with _changed:
                _writers[path] -= 1
                _changed.notify_all()

    def take(self, path: str) -> None:
        """Append each line to `path`."""
        file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            while (line := self.rfile.readline()).endswith(b"\n"):
                os.write(file, line)
                self.wfile.write(b"OK\n")
        finally:
            os.close(file)


class Recorder(socketserver.ThreadingTCPServer):
    """Takes many clients at once."""

    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    with Recorder(("127.0.0.1", 0), Line) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
