"""Mapping files are read strictly, and say where they are wrong."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import re
from pathlib import Path

import pytest

from segue.intake import MappingError, load_mapping
from segue.intake.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]

_PROFILE = '[[record]]\nkind = "profile"\n[record.fields]\nemail = "Email"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = 1\n= 2", r"m\.toml is not TOML: .*line 2"),
        (_PROFILE, r"m\.toml: \[name\] Field required"),
        ('name = "x"\n', r"m\.toml: \[record\] Field required"),
        ('name = "x"\nzone = "UTC"\n' + _PROFILE, r"\[zone\] unknown key; allowed are name, time_zone, time_format"),
        ('name = "x"\n' + _PROFILE.replace("profile", "person"), r"\[record\.1\] kind 'person' is unknown; .*cart_event"),
        ('name = "x"\n' + _PROFILE + 'mail = "Mail"\n', r"\[record\.1\] fields: unknown mail; a profile has email, phone"),
        ('name = "x"\n' + _PROFILE + 'zone = {col = "a"}\n', r"\[record\.1\.fields\.zone\.col\] unknown key; allowed are column"),
        ('name = "x"\n' + _PROFILE + 'zone = {column = "a", constant = "b"}\n', r"fields\.zone\] give exactly one of column"),
        ('name = "x"\n' + _PROFILE + 'zone = {text = "{a!r}"}\n', r"fields\.zone\] text: write \{column\}"),
        ('name = "x"\n' + _PROFILE + 'zone = {text = "{a"}\n', r"fields\.zone\] text: expected"),
        ('name = "x"\n' + _PROFILE + 'zone = {column = "a", otherwise = "b"}\n', r"otherwise needs a map"),
        ('name = "x"\ntime_zone = "Mars/Base"\n' + _PROFILE, r"time_zone: give an IANA name"),
        ('name = "x"\ncurrency = "dollar"\n' + _PROFILE, r"currency: give three letters"),
        ('name = "x"\n' + _PROFILE.replace("email", "zone"), r"needs at least one of email, shop"),
        ('name = "x"\n' + _PROFILE.replace("profile", "order"), r"record 1 \(order\): the field external_id is missing"),
        ('name = "x"\n[[record]]\nkind = "profile"\nif = "a"\n[record.fields]\nemail = "E"\n', r"\[record\.1\.if\] unknown key; allowed are kind, when"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_says_where_and_what_is_allowed(tmp_path: Path, text: str, says: str):
    page = tmp_path / "m.toml"
    page.write_text(text)
    with pytest.raises(MappingError, match=says):
        load_mapping(page)


def test_a_missing_mapping_file_is_named(tmp_path: Path):
    with pytest.raises(MappingError, match=r"none\.toml cannot be opened: No such file"):
        load_mapping(tmp_path / "none.toml")


def test_the_example_mapping_loads():
    mapping = load_mapping(ROOT / "examples" / "ecom_clickstream.toml")
    assert [record.kind for record in mapping.record] == [
        "product", "variant", "location", "stock", "profile", "consent", "cart_event", "cart_event", "order", "event",
    ]  # fmt: skip


def test_the_how_to_knows_every_word_of_the_code():
    """Each kind, each needed field and each reason a report can give stands in the guide."""
    guide = (ROOT / "docs" / "how-to" / "import-your-data.md").read_text()
    code = "".join(file.read_text() for file in (ROOT / "segue" / "intake").glob("*.py"))
    reasons = set(re.findall(r'(?:BadValueError\(|(?:skip|warn)\([\w.]+, |reason = )"(\w+)"', code))
    assert len(reasons) > 15
    needed = {
        f"**{name}**"
        for fields in KINDS.values()
        for name, field in fields.items()
        if field.required and not field.default
    }
    missing = [word for word in {f"`{word}`" for word in reasons | set(KINDS)} | needed if word not in guide]
    assert sorted(missing) == ["**basis**"]  # it follows from the state where it is not given
