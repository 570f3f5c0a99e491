"""The name by which an address that must not be written to is remembered."""

from __future__ import annotations

import hashlib
import hmac
from functools import cache


def hash_address(address: str, secret: bytes) -> str:
    """The keyed hash under which an address is suppressed; survives erasure and names nobody without the key."""
    digest = _keyed(secret).copy()
    digest.update(address.encode("utf-8"))
    return digest.hexdigest()


@cache
def _keyed(secret: bytes) -> hmac.HMAC:
    """The hash as it stands before the address: setting up the key takes longer than an address does."""
    return hmac.new(secret, b"address:", hashlib.sha256)
