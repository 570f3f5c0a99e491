"""Mails in frames: local pictures, no network, by day and by night."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.gallery.kept import read_kept
from tests.gallery import shop
from tests.gallery.pages import Page


def test_pictures_come_from_the_folder_and_nothing_from_elsewhere(frames: dict[str, Page], gallery: Path) -> None:
    """The shop's own picture is shown, a tracker's is not, and the policy forbids what was overlooked."""
    assert len(frames) == 4
    for page in frames.values():
        picture, tracker = (image.attributes["src"] for image in page.all("img"))
        assert page.target(picture) == (gallery / "pictures" / "leggings.png").resolve()
        assert tracker == "data:,"
        assert not [address for address in page.loaded() if "//" in address]
        assert "url(https" not in page.source
        policy = page.all("meta")[0].attributes
        assert policy["http-equiv"] == "Content-Security-Policy"
        assert "http" not in policy["content"]


def test_links_are_shown_and_cannot_be_followed(frames: dict[str, Page]) -> None:
    """One click in a gallery must not unsubscribe anybody."""
    for page in frames.values():
        for link in page.all("a"):
            assert "href" not in link.attributes
            assert link.attributes["title"] == "https://go.example.com/c/token"


@pytest.mark.parametrize(
    ("dress", "media", "scheme"), [("day", "@media not all", "light"), ("night", "@media all", "dark")]
)
def test_day_and_night_do_not_follow_the_reader(frames: dict[str, Page], dress: str, media: str, scheme: str) -> None:
    """Both dresses are there for everybody, whatever her own screen is set to."""
    page = frames[f"1.{dress}.html"]
    assert media in page.source
    assert "prefers-color-scheme" not in page.source
    assert f"color-scheme: {scheme};" in page.source
    assert f'content="{scheme}"' in page.source


@pytest.mark.parametrize("provider_id", ["../secret", "a/b", "", None])
def test_a_provider_id_never_leads_out_of_the_folder(tmp_path: Path, provider_id: str | None) -> None:
    """Ids come from providers; only a plain name is looked up."""
    (tmp_path / "secret.eml").write_text("Subject: secret\n\nno")
    (tmp_path / "email" / "a").mkdir(parents=True)
    (tmp_path / "email" / "a" / "b.eml").write_text("Subject: secret\n\nno")
    assert read_kept(tmp_path, "email", provider_id) is None


def test_a_picture_from_outside_the_folder_is_copied_into_it(tmp_path: Path, brand: object) -> None:
    """A gallery can be moved or zipped as one folder."""
    from segue.gallery.frames import Pictures, framed
    from segue.gallery.site import Site
    from segue.render import Brand

    assert isinstance(brand, Brand)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "leggings.png").write_bytes(b"picture")
    site = Site(tmp_path / "out", brand, "Segue", has_story=False)
    site.open()
    page = site.folder / "gallery" / "mails" / "1.day.html"
    pictures = Pictures(brand.asset_url, elsewhere, site=site)
    html = framed(shop.mail_html("Sarah"), pictures=pictures, page=page, asset_url=brand.asset_url, night=False)
    site.close()
    assert 'src="../pictures/leggings.png"' in html
    assert (site.folder / "gallery" / "pictures" / "leggings.png").read_bytes() == b"picture"
