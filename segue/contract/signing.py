"""The signature on what Segue posts to a web address: made here, checked by whoever receives it.

    Segue-Signature: t=1780000000,v1=5f0c...,v1=93ab...

`t` is when it was signed, in seconds since 1970. Each `v1` is the HMAC-SHA256, as hex, of `t`, a full stop and the raw
body under one secret; there are several while secrets are being changed, and one that fits is enough. A receiver
refuses what is older or newer than its tolerance, so that a recorded request cannot be played again later; within the
tolerance it takes each message's key once. Only the standard library is used: copy the file where Segue is missing.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

#: The header that carries the signature.
SIGNATURE_HEADER: Final = "Segue-Signature"
#: Seconds between signing and receiving that a receiver should put up with.
TOLERANCE: Final = 300

_TIME: Final = re.compile(r"t=([0-9]{1,12})", re.ASCII)
_DIGEST: Final = re.compile(r"v1=([0-9a-f]{64})", re.ASCII)


class SignatureError(ValueError):
    """The body is not to be believed; answer with status 401 and do nothing else."""


def sign(body: bytes, *, secrets: Sequence[str], at: int) -> str:
    """Return the header's value: `body` signed with each of `secrets`, at `at` seconds since 1970."""
    return ",".join([f"t={at}", *(f"v1={_digest(body, secret, at)}" for secret in secrets)])


def verify(
    body: bytes, header: str | None, *, secrets: Sequence[str], now: float, tolerance: float = TOLERANCE
) -> None:
    """Raise SignatureError unless `header` signs `body`, as it came, with one of `secrets`, at about `now`.

    `now` is in seconds since 1970, such as `time.time()`. Parts of a header that are not known yet are passed over.
    """
    if not secrets or not all(secrets):
        raise ValueError("a receiver needs at least one secret, and none that is empty")
    parts = [part.strip() for part in (header or "").split(",")]
    times = [found[1] for part in parts if (found := _TIME.fullmatch(part))]
    digests = [found[1] for part in parts if (found := _DIGEST.fullmatch(part))]
    if len(times) != 1 or not digests:
        raise SignatureError(f"there is no {SIGNATURE_HEADER} with one t and a v1")
    wanted = [_digest(body, secret, times[0]) for secret in secrets]
    # All are compared, each in constant time, so that how long it takes tells nothing.
    if not any([hmac.compare_digest(ours, theirs) for ours in wanted for theirs in digests]):  # noqa: C419
        raise SignatureError("no signature fits: another secret, or the body was changed on its way")
    if abs(now - int(times[0])) > tolerance:
        raise SignatureError(f"it was not signed within {tolerance:g} seconds of now: an old request, or a wrong clock")


def _digest(body: bytes, secret: str, at: int | str) -> str:
    # `at` as it stands in the header: what was signed is its text.
    return hmac.new(secret.encode(), f"{at}.".encode("ascii") + body, sha256).hexdigest()
