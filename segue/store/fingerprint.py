"""Which secret a database belongs to: a fingerprint that tells secrets apart and tells nothing about them."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import Engine, select

from segue.store.bulk import insert_new
from segue.store.engine import read, write
from segue.store.tables import installation

_KEY = "secret_fingerprint"


def keep_fingerprint(engine: Engine, secret: bytes) -> None:
    """Tie the database to `secret`; the first call decides, for good."""
    if _kept(engine) is None:
        with write(engine) as connection:
            insert_new(connection, installation, [{"key": _KEY, "value": _fingerprint(secret)}], ["key"])


def is_secret_of(engine: Engine, secret: bytes) -> bool:
    """Whether the database was set up with `secret`, or with none yet."""
    return _kept(engine) in {None, _fingerprint(secret)}


def _kept(engine: Engine) -> str | None:
    with read(engine) as connection:
        return connection.scalar(select(installation.c.value).where(installation.c.key == _KEY))


def _fingerprint(secret: bytes) -> str:
    return hmac.new(secret, b"segue: the secret of this database", hashlib.sha256).hexdigest()[:32]
