"""An SMS is billed by its parts; these are the edges where a part more begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.render.sms import segments

ALPHABET = st.sampled_from([*"ab {}[]~|^\\€£é\n", "ş", "🙂"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", ("GSM-7", 1), id="empty"),
        pytest.param("a" * 160, ("GSM-7", 1), id="160 fill one"),
        pytest.param("a" * 161, ("GSM-7", 2), id="161 need two"),
        pytest.param("a" * 306, ("GSM-7", 2), id="2 x 153 fill two"),
        pytest.param("a" * 307, ("GSM-7", 3), id="307 need three"),
        pytest.param("@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà_\n", ("GSM-7", 1), id="GSM's own letters"),
        pytest.param("€" * 80, ("GSM-7", 1), id="extension characters count two"),
        pytest.param("€" * 80 + "a", ("GSM-7", 2), id="161 septets need two"),
        pytest.param("{" * 152, ("GSM-7", 2), id="304 septets, 76 pairs a part"),
        pytest.param("{" * 153, ("GSM-7", 3), id="306 septets, but no pair is split"),
        pytest.param("a" * 152 + "€" + "a" * 152, ("GSM-7", 3), id="a pair on the border moves on"),
        pytest.param("a" * 151 + "€" + "a" * 153, ("GSM-7", 2), id="a pair before the border stays"),
        pytest.param("ş" * 70, ("UCS-2", 1), id="70 fill one"),
        pytest.param("ş" * 71, ("UCS-2", 2), id="71 need two"),
        pytest.param("ş" * 134, ("UCS-2", 2), id="2 x 67 fill two"),
        pytest.param("ş" * 135, ("UCS-2", 3), id="135 need three"),
        pytest.param("🙂" * 35, ("UCS-2", 1), id="an emoji is two units"),
        pytest.param("🙂" * 36, ("UCS-2", 2), id="72 units need two"),
        pytest.param("🙂" * 67, ("UCS-2", 3), id="134 units, but no emoji is split"),
        pytest.param("ê", ("UCS-2", 1), id="one letter outside is enough"),
        pytest.param("`", ("UCS-2", 1), id="the backtick is not GSM"),
    ],
)
def test_parts(text: str, expected: tuple[str, int]) -> None:
    assert segments(text) == expected


def cut(text: str, joined: int, size: dict[str, int], usual: int) -> list[str]:
    """Cut a text as a phone does: fill a part, never split a character."""
    parts, used = [""], 0
    for char in text:
        width = size.get(char, usual)
        if used + width > joined:
            parts.append("")
            used = 0
        parts[-1] += char
        used += width
    return parts


@given(st.text(ALPHABET, min_size=71, max_size=700))
def test_the_count_is_the_number_of_pieces_that_fit(text: str) -> None:
    encoding, count = segments(text)
    if encoding == "UCS-2":
        units = len(text.encode("utf-16-le")) // 2
        assert count == (1 if units <= 70 else len(cut(text, 67, {"🙂": 2}, 1)))
    else:
        units = len(text) + sum(char in "{}[]~|^\\€" for char in text)
        assert count == (1 if units <= 160 else len(cut(text, 153, dict.fromkeys("{}[]~|^\\€", 2), 1)))
