"""ZIPs: each file inside is a file of its own; a broken, locked or hostile archive is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from segue.intake import IntakeError, archives, files_of


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_each_file_keeps_its_own_name(tmp_path: Path):
    """Folders and what macOS adds are passed over; two files of one name stay two; nothing is left behind."""
    names = {"a/people.csv": b"1", "b/people.csv": b"2", "__MACOSX/._x.csv": b"", "b/.DS_Store": b"", "c/": b""}
    with files_of(_zip(tmp_path / "e.zip", names)) as files:
        assert [(file.name, file.read_bytes()) for file in files] == [("people.csv", b"1"), ("people.csv", b"2")]
    assert not any(file.exists() for file in files)


def test_a_plain_file_is_itself(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("x")
    with files_of(file) as files:
        assert files == [file]


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "..\\..\\evil.csv", "C:\\evil.csv"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    with files_of(_zip(tmp_path / "e.zip", {name: b"x"})) as files:
        assert [file.name for file in files] == ["evil.csv"]
        assert files[0].parent.parent.name.startswith("segue_import_")


def test_what_cannot_be_unpacked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    good = _zip(tmp_path / "good.zip", {"a.csv": b"Name\n" * 999})
    whole = good.read_bytes()
    broken = tmp_path / "broken.zip"
    broken.write_bytes(whole[:40] + b"?????" + whole[45:])
    with pytest.raises(IntakeError, match=r"broken\.zip is a broken ZIP"), files_of(broken):
        pass
    empty = _zip(tmp_path / "empty.zip", {"a/": b""})
    with pytest.raises(IntakeError, match="holds no files"), files_of(empty):
        pass
    monkeypatch.setattr(archives, "_MOST_BYTES", 100)
    with pytest.raises(IntakeError, match="too much"), files_of(good):
        pass


def test_a_password_is_asked_for_outside(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", b"x")
    raw = bytearray(buffer.getvalue())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):  # the flag that says the contents are encrypted
        raw[raw.index(mark) + (6 if mark == b"PK\x03\x04" else 8)] |= 1
    file = tmp_path / "locked.zip"
    file.write_bytes(bytes(raw))
    with pytest.raises(IntakeError, match="locked with a password"), files_of(file):
        pass


def test_what_goes_wrong_with_a_file_is_not_the_archives_fault(tmp_path: Path):
    """An error while the files are used passes as it is."""
    with pytest.raises(ValueError, match="mine"), files_of(_zip(tmp_path / "e.zip", {"a.csv": b"x"})):
        raise ValueError("mine")
