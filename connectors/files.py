"""The default connector: every message becomes a file, so that nothing leaves the machine until somebody wants it.

    <folder>/email/<stem>.eml    the whole mail; opens in any mail program
    <folder>/email/<stem>.html   its HTML part, for a browser
    <folder>/sms/<stem>.txt      who it is for, an empty line, the text
    <folder>/codes.csv           the codes that are worth something (see `code_file`)

A message's file is whole or not there, and survives a kill of the process; unlike a code it is not forced to the
disk, so a power cut may take the last seconds' mails.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.code_file import CodeFile
from segue.contract import (
    Capabilities,
    Channel,
    ConfigurationError,
    ConnectorError,
    EmailContent,
    Key,
    Leaving,
    Message,
    Redemption,
    Result,
    SmsContent,
    TransientError,
    UnsupportedError,
    Voucher,
    accepted,
    deferred,
    reason_of,
    rejected,
)
from segue.contract.mail import require_address

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_CROWDED = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO}


class FilesConnector:
    """Writes messages and codes into `folder`, which is made when the first one comes."""

    name = "files"
    channels = frozenset({Channel.EMAIL, Channel.SMS})
    capabilities = Capabilities(max_batch=1000, window=500, idempotent=True)

    def __init__(self, *, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._code_file = CodeFile(self._folder)
        self._made: set[str] = set()

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Write the batch; a key that has its file already is accepted and left as it is.

        Raises ConfigurationError if the folder cannot be written to, TransientError if the disk is full, both
        only while nothing has been answered; UnsupportedError for anything but e-mail and SMS.
        """
        if any(not isinstance(message.content, EmailContent | SmsContent) for message in batch):
            raise UnsupportedError("the files connector writes e-mail and SMS only")
        for position, message in enumerate(batch):
            try:
                result = self._write(message, leaving)
            except ConnectorError as error:
                if position == 0:
                    raise
                yield from (deferred(m.key, reason_of(error)) for m in batch[position:])
                return
            yield result

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Append codes to `codes.csv`; once accepted they are on the disk."""
        return self._code_file.publish(vouchers)

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Append codes to `withdrawn.csv`; a till must read it too."""
        return self._code_file.withdraw(codes)

    def redemptions(self) -> Iterator[Redemption]:
        """Yield what tills wrote to `redemptions.csv` and `redemptions/*.csv`, all of it each time."""
        return self._code_file.redemptions()

    def close(self) -> None:
        """Nothing is held open between calls."""
        self._made.clear()

    def _write(self, message: Message, leaving: Leaving) -> Result:
        content = message.content
        stem = stem_of(message.key)
        path = f"{self._room(message.channel)}/{stem}{'.eml' if isinstance(content, EmailContent) else '.txt'}"
        if os.path.exists(path):  # noqa: PTH110 - three times as fast, and asked for every message
            return accepted(message.key, stem)
        if isinstance(content, EmailContent):
            try:
                require_address(message.address)
            except ValueError:
                return rejected(message.key, "address_malformed")
            try:
                body = content.mime(key=message.key, to=message.address, at=message.at)
            except ValueError:
                return rejected(message.key, "content_malformed")
            leaving(message.key)
            _put(path[:-4] + ".html", content.html.encode("utf-8", "replace"))
        elif isinstance(content, SmsContent):
            body = f"To: {message.address}\n\n{content.text}".encode("utf-8", "replace")
            leaving(message.key)
        else:
            raise UnsupportedError("the files connector writes e-mail and SMS only")
        _put(path, body)
        return accepted(message.key, stem)

    def _room(self, channel: Channel) -> str:
        """The channel's folder, made if need be."""
        room = self._folder / channel.value
        if channel.value not in self._made:
            try:
                room.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _sorted(error) from error
            self._made.add(channel.value)
        return str(room)


def stem_of(key: Key) -> str:
    """A file name for a key: readable, safe on every file system, and different for different keys."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
    return f"{_UNSAFE.sub('_', key)[:100]}-{digest}"


def _put(path: str, data: bytes) -> None:
    """Write a whole file or none: under another name first, which no other thread or process uses."""
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}.{os.getpid()}.{threading.get_ident()}"
    try:
        number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            while data:
                data = data[os.write(number, data) :]
        finally:
            os.close(number)
        os.replace(temporary, path)  # noqa: PTH105 - as above: it is asked for every message
    except OSError as error:
        raise _sorted(error) from error


def _sorted(error: OSError) -> ConnectorError:
    if error.errno in _CROWDED:
        return TransientError(f"the disk under the files connector's folder refuses: {error.strerror}")
    return ConfigurationError(f"cannot write to the files connector's folder: {error.strerror}; check `folder`")
