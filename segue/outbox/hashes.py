"""The name by which an address that must not be written to is remembered."""

from __future__ import annotations

import hashlib
import hmac


def hash_address(address: str, secret: bytes) -> str:
    """The keyed hash under which an address is suppressed; survives erasure and names nobody without the key."""
    return hmac.digest(secret, b"address:" + address.encode("utf-8"), hashlib.sha256).hex()
