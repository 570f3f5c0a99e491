"""Signatures: the page's vectors, which openssl made, and everything that must not be believed."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.contract.signing import SignatureError, sign, verify

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "attach-a-webhook.md").read_text("utf-8")
VECTORS = re.findall(r"^\| `(.+?)` \| (\d+) \| (?:`(.+?)`)? ?\| `([0-9a-f]{64})` \|$", PAGE, re.MULTILINE)
AT = 1_780_000_000
SECRET = "0123456789abcdef"


@pytest.mark.parametrize(("secret", "at", "body", "digest"), VECTORS)
def test_the_pages_vectors_hold(secret: str, at: str, body: str, digest: str) -> None:
    """`printf '%s' 't.body' | openssl dgst -sha256 -hmac secret` made them."""
    assert sign(body.encode(), secrets=[secret], at=int(at)) == f"t={at},v1={digest}"
    verify(body.encode(), f"t={at},v1={digest}", secrets=[secret], now=float(at))


def test_there_are_vectors() -> None:
    assert len(VECTORS) == 3


@given(
    st.binary(max_size=50), st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=3, unique=True), st.data()
)
def test_any_one_secret_that_fits_is_enough(body: bytes, secrets: list[str], data: st.DataObject) -> None:
    """So that secrets can be changed without a gap, on either side first."""
    header = sign(body, secrets=secrets, at=AT)
    one = data.draw(st.sampled_from(secrets))
    verify(body, header, secrets=[one], now=AT)
    verify(body, header, secrets=["another one", one], now=AT)
    with pytest.raises(SignatureError):
        verify(body + b" ", header, secrets=secrets, now=AT)


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_within_the_tolerance_clocks_may_differ(late: int) -> None:
    verify(b"{}", sign(b"{}", secrets=[SECRET], at=AT), secrets=[SECRET], now=AT + late)


@pytest.mark.parametrize("late", [-301, 301, 86_400])
def test_an_old_request_is_not_believed(late: int) -> None:
    """Nor one from a clock that runs ahead."""
    with pytest.raises(SignatureError, match="300 seconds"):
        verify(b"{}", sign(b"{}", secrets=[SECRET], at=AT), secrets=[SECRET], now=AT + late)


def test_the_time_is_signed_too() -> None:
    """Else whoever recorded a request could make it new."""
    old = sign(b"{}", secrets=[SECRET], at=AT)
    with pytest.raises(SignatureError, match="no signature fits"):
        verify(b"{}", old.replace(f"t={AT}", f"t={AT + 600}"), secrets=[SECRET], now=AT + 600)


GOOD = sign(b"{}", secrets=[SECRET], at=AT)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"t={AT}",
        GOOD.partition(",")[2],
        f"t={AT},{GOOD}",
        GOOD.replace("v1", "v0"),
        GOOD[:-1],
        GOOD.upper(),
        GOOD.replace(str(AT), "1e9"),
        GOOD.replace(str(AT), "\u0661"),
        f"t={AT},v1={sha256(f'{AT}.{{}}'.encode()).hexdigest()}",
        "\x00" * 10_000,
    ],
)
def test_anything_else_is_refused_and_not_an_accident(header: str | None) -> None:
    """No header makes a receiver answer 500."""
    with pytest.raises(SignatureError):
        verify(b"{}", header, secrets=[SECRET], now=AT)


def test_parts_of_a_later_version_are_passed_over() -> None:
    verify(b"{}", f"{GOOD}, v2=abc", secrets=[SECRET], now=AT)


@pytest.mark.parametrize("secrets", [[], [""], [SECRET, ""]])
def test_a_receiver_without_a_secret_believes_nothing(secrets: list[str]) -> None:
    """An empty secret in the environment would let anybody in."""
    with pytest.raises(ValueError, match="secret"):
        verify(b"{}", sign(b"{}", secrets=[""], at=AT), secrets=secrets, now=AT)
