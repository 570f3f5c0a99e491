"""Links say what they were made to say, or nothing."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.contract import Channel
from segue.render.errors import BadTokenError
from segue.render.links import Links, Slot, Tags, derived_key

SECRET = b"a secret that is long enough"
LINKS = Links("https://go.saltmere.example.com", SECRET)
TAGS = Tags(Channel.EMAIL, "abandoned_cart", "reminder")
IDS = st.integers(min_value=0, max_value=2**40 - 1)
PATHS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="#?\r\n", exclude_categories=("Zs", "Cc")))
KINDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "click": (LINKS.click(7, "https://www.example.com/cart/9", TAGS), LINKS.read_click),
    "short": (LINKS.short(7, Slot.CART), LINKS.read_short),
    "unsubscribe": (LINKS.unsubscribe(7, Channel.EMAIL), LINKS.read_unsubscribe),
}


def token_of(url: str) -> str:
    return url.rpartition("/")[2]


@given(IDS, PATHS)
def test_a_click_brings_back_its_message_and_target(message_id: int, path: str) -> None:
    target = f"https://www.example.com/{path}"
    url = LINKS.click(message_id, target, TAGS)
    assert url.startswith("https://go.saltmere.example.com/c/")
    assert LINKS.read_click(token_of(url)) == (message_id, f"{target}?{TAGS.query}")


@given(IDS, st.sampled_from(Slot))
def test_a_short_link_brings_back_its_message_and_slot(message_id: int, slot: Slot) -> None:
    assert LINKS.read_short(token_of(LINKS.short(message_id, slot))) == (message_id, slot)


@given(IDS, st.sampled_from(Channel))
def test_an_unsubscribe_brings_back_its_message_and_channel(message_id: int, channel: Channel) -> None:
    assert LINKS.read_unsubscribe(token_of(LINKS.unsubscribe(message_id, channel))) == (message_id, channel)


@pytest.mark.parametrize("kind", KINDS)
def test_any_other_character_at_any_place_is_refused(kind: str) -> None:
    """Also the spare bits of base64, which a lenient decoder would let pass."""
    url, read = KINDS[kind]
    token = token_of(url)
    for place, there in enumerate(token):
        for other in "Aa0_-=+/é\ud800":
            if other != there:
                with pytest.raises(BadTokenError):
                    read(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("kind", KINDS)
@given(st.text(max_size=80))
def test_invented_tokens_are_refused(kind: str, token: str) -> None:
    with pytest.raises(BadTokenError):
        KINDS[kind][1](token)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t[1:], lambda t: t + "A", lambda t: t + "=", lambda t: ""]
)
def test_shorter_and_longer_tokens_are_refused(kind: str, change: Callable[[str], str]) -> None:
    url, read = KINDS[kind]
    with pytest.raises(BadTokenError):
        read(change(token_of(url)))


@pytest.mark.parametrize("made", KINDS)
@pytest.mark.parametrize("read", KINDS)
def test_a_token_of_one_kind_is_nothing_to_another(made: str, read: str) -> None:
    token = token_of(KINDS[made][0])
    if made == read:
        KINDS[read][1](token)
    else:
        with pytest.raises(BadTokenError):
            KINDS[read][1](token)


def test_each_kind_signs_with_its_own_key() -> None:
    """Tokens of click and unsubscribe are alike in shape; only their keys tell them apart."""
    keys = {derived_key(SECRET, kind) for kind in (b"click", b"short", b"unsubscribe")}
    assert len(keys) == 3


def test_another_installation_reads_nothing_of_ours() -> None:
    stranger = Links("https://go.saltmere.example.com", b"another secret, as long")
    with pytest.raises(BadTokenError):
        stranger.read_click(token_of(KINDS["click"][0]))


@pytest.mark.parametrize(("kind", "mac_chars"), [("click", 16), ("unsubscribe", 16), ("short", 12)])
def test_the_signature_is_the_standard_librarys_hmac(kind: str, mac_chars: int) -> None:
    token = token_of(KINDS[kind][0])
    body, mac = token[:-mac_chars], token[-mac_chars:]
    digest = hmac.new(derived_key(SECRET, kind.encode()), body.encode(), hashlib.sha256).digest()
    assert mac == urlsafe_b64encode(digest[: mac_chars * 3 // 4]).decode()
    assert mac_chars * 3 // 4 >= (9 if kind == "short" else 10)


def test_targets_are_tagged_for_analytics() -> None:
    """Journey and step are campaign and content; the target's own query and fragment stay."""
    tags = Tags(Channel.EMAIL, "abandoned_cart", "reminder/b")
    _, target = LINKS.read_click(token_of(LINKS.click(1, "https://www.example.com/p?size=8#fit", tags)))
    parts = urlsplit(target)
    assert parse_qs(parts.query) == {
        "size": ["8"],
        "utm_source": ["segue"],
        "utm_medium": ["email"],
        "utm_campaign": ["abandoned_cart"],
        "utm_content": ["reminder/b"],
    }
    assert parts.fragment == "fit"


def test_a_target_with_tags_of_its_own_keeps_them() -> None:
    own = "https://www.example.com/p?utm_source=partner"
    assert LINKS.read_click(token_of(LINKS.click(1, own, TAGS))) == (1, own)


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "/cart/9", "//elsewhere.example.com", "data:text/html,x", ""]
)
def test_only_web_addresses_are_signed(target: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        LINKS.click(1, target, TAGS)


def test_a_short_link_leaves_room_for_words() -> None:
    """Twenty characters of token, whatever the message: an SMS has 160 in all."""
    assert len(token_of(LINKS.short(2**40 - 1, Slot.CART))) == 20


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="SEGUE_SECRET_KEY"):
        Links("https://go.example.com", b"short")
