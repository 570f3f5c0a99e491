"""One brand file feeds every channel; a wrong one says which field and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.render.brand import Brand, load_brand
from segue.render.errors import BrandError

GOOD = (Path(__file__).resolve().parents[2] / "templates" / "brand.toml").read_text("utf-8")


def load(tmp_path: Path, text: str) -> Brand:
    file = tmp_path / "brand.toml"
    file.write_text(text, "utf-8")
    return load_brand(file)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param('name = "Saltmere"\ntagline', "tagline", "name: Field required", id="a missing field"),
        pytest.param('"#1f4d4a"', '"green"', "colours.light.band", id="a colour that is none"),
        pytest.param('"https://www.', '"http://www.', "site_url: Value error, must start with https://", id="no https"),
        pytest.param("assets.saltmere.example.com", "assets.example.com/", "asset_url", id="a slash too many"),
        pytest.param('"America/New_York"', '"Gloucester"', "IANA time zone", id="a zone that is none"),
        pytest.param("12 Ropewalk Lane", "{{ config }}", "address.1", id="template code"),
        pytest.param("hello@saltmere.example.com", "hello@x\\r\\nBcc: y", "senders.marketing.address", id="a header"),
        pytest.param('currency = "USD"', 'currency = "USD"\nsize = 3', "size: Extra inputs", id="a field nobody reads"),
        pytest.param('tagline = "', "tagline = ", "is not TOML", id="not TOML"),
    ],
)
def test_a_wrong_brand_file_names_the_field(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in GOOD
    with pytest.raises(BrandError, match=said.replace("(", r"\(")):
        load(tmp_path, GOOD.replace(before, after, 1))


def test_a_missing_brand_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(BrandError, match="SEGUE_BRAND"):
        load_brand(tmp_path / "brand.toml")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/cart/9", "https://www.saltmere.example.com/cart/9"),
        ("cart/9?a=b#c", "https://www.saltmere.example.com/cart/9?a=b#c"),
        ("/größe 8", "https://www.saltmere.example.com/gr%C3%B6%C3%9Fe%208"),
        ('/"><script>', "https://www.saltmere.example.com/%22%3E%3Cscript%3E"),
        ("//elsewhere.example.com", "https://www.saltmere.example.com/elsewhere.example.com"),
        ("@elsewhere.example.com", "https://www.saltmere.example.com/@elsewhere.example.com"),
        ("javascript:alert(1)", "https://www.saltmere.example.com/javascript:alert(1)"),
        ("https://shop.example.com/p?q=1", "https://shop.example.com/p?q=1"),
    ],
)
def test_a_path_of_the_catalogue_stays_on_the_site(brand: Brand, path: str, url: str) -> None:
    """Only a whole web address leads elsewhere, and nothing needs escaping later."""
    assert brand.page(path) == url


def test_pictures_come_from_their_own_place(brand: Brand) -> None:
    assert brand.logo_url == "https://assets.saltmere.example.com/pictures/logo-e54cb746.png"


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("words", ["ink", "muted", "accent"])
@pytest.mark.parametrize("ground", ["page", "card", "panel"])
def test_words_can_be_read_on_every_ground(brand: Brand, scheme: str, words: str, ground: str) -> None:
    """WCAG AA: 4.5 to 1 for small text, by day and by night."""
    palette = getattr(brand.colours, scheme)
    high, low = sorted((luminance(getattr(palette, words)), luminance(getattr(palette, ground))), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_can_be_read(brand: Brand, scheme: str) -> None:
    palette = getattr(brand.colours, scheme)
    high, low = sorted((luminance(palette.action), luminance(palette.on_action)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 7
