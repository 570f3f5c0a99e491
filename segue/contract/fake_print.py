"""A print connector whose printer writes JSON: for tests of whatever closes spools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from segue.contract.errors import UnsupportedError
from segue.contract.fake import FakeConnector, FakeWire
from segue.contract.protocols import Leaving
from segue.contract.types import Channel, Key, Message, Outcome, PrintContent, Result


class FakePrint(FakeConnector):
    """A `FakeConnector` with a spool; a printed file is a JSON list of the cards' data."""

    def __init__(self, *, folder: Path, wire: FakeWire | None = None, name: str = "fake", window: int = 500) -> None:
        super().__init__(wire=wire, name=name, channels=frozenset({Channel.PRINT}), window=window, idempotent=True)
        self._folder = folder
        #: What was spooled, by key; the first page of a key stays.
        self.spooled: dict[Key, PrintContent] = {}

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """As a `FakeConnector`; what the wire takes is spooled."""
        contents = {message.key: message.content for message in batch}
        for result in super().send(batch, leaving):
            content = contents[result.key]
            if result.outcome is not Outcome.ACCEPTED or not isinstance(content, PrintContent):
                yield result
                continue
            self.spooled.setdefault(result.key, content)
            yield replace(result, provider_id=f"{content.location}/{result.provider_id}")

    def close_spool(self, location: str, keep: Sequence[Key], *, name: str) -> Sequence[Path]:
        """Write the pages of `keep`; nothing if none is kept."""
        path = self._file(location, name)
        if keep:
            return (self._printed(path, keep),)
        path.unlink(missing_ok=True)
        return ()

    def reprint(self, keys: Sequence[Key], *, name: str) -> Path:
        """Write the pages of `keys` again."""
        return self._printed(self._file("", name), keys)

    def _file(self, location: str, name: str) -> Path:
        digest = blake2b(f"{location}\0{name}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        return self._folder / f"{digest}.json"

    def _printed(self, path: Path, keys: Sequence[Key]) -> Path:
        missing = sum(key not in self.spooled for key in keys)
        if missing:
            raise UnsupportedError(f"{missing} of {len(keys)} pages are not in the spool; nothing was printed")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([json.loads(self.spooled[key].data) for key in keys]), "utf-8")
        return path
