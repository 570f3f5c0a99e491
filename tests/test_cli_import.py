"""`segue import` as a shop's developer meets it: what is refused stops nothing else, and the end says what and why."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.settings import load_settings

UNSUBSCRIBED = "email,created\n{0}@example.com,1700000000\n"
BLOCKS = "status,reason,email,created\n4.0.0,full,a@example.com,1700000000\n"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_DATABASE_URL", "")
    monkeypatch.setenv("COLUMNS", "200")
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["import", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_refused_file_stops_no_other(tmp_path: Path) -> None:
    """Of a ZIP and of several files: the others are in, the refused are named with the cure, the exit code is 1."""
    packed, last = tmp_path / "all.zip", tmp_path / "last.csv"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bad.csv", "Secret,Columns\nx,y\n")
        archive.writestr("readme.txt", "hello")
        archive.writestr("good.csv", UNSUBSCRIBED.format("b"))
    pdf, sheet = tmp_path / "a.csv", tmp_path / "b.csv"
    pdf.write_bytes(b"%PDF-1.7\n")
    with zipfile.ZipFile(sheet, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    (tmp_path / "some").mkdir()
    last.write_text(UNSUBSCRIBED.format("c"))
    code, said = run(pdf, sheet, tmp_path / "some", packed, last)
    assert code == 1
    assert said.count("suppression          1 new") == 2
    assert "all.zip: readme.txt passed over" in said
    assert "(4 of 6)" in said
    assert "a.csv: this is a PDF; save it as CSV" in said
    assert "b.csv: this is a spreadsheet; save it as CSV" in said
    assert "some is a folder; name the files in it (some/*)" in said
    assert "all.zip: bad.csv is no export" in said
    assert "Secret" not in said
    assert run(packed, last)[0] == 1
    assert run(last)[0] == 0


@pytest.mark.parametrize(("name", "text"), [("blocks.csv", BLOCKS), ("none.csv", "email,created\n")])
def test_what_has_nothing_to_give_is_no_failure(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    code, said = run(tmp_path / name)
    assert (code, "Nothing was imported" in said) == (0, False)


def test_rows_that_all_fail_are_a_failure(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("email,created\nnobody,1700000000\n")
    code, said = run(tmp_path / "x.csv")
    assert code == 1
    assert "Nothing was imported from x.csv" in said


def test_senders_times_without_an_offset_are_said_to_be_read_as_utc(tmp_path: Path) -> None:
    file = tmp_path / "unsubscribed.csv"
    file.write_text("Email Address,UNSUB_TIME,LEID,EUID\na@example.com,2024-03-01 10:00:00,1,2\n")
    note = "times without an offset were read as UTC"
    assert note in run(file)[1]
    assert note not in run(file, "--time-zone", "Europe/Paris")[1]


def test_the_list_of_formats_cuts_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    _, said = run("--formats")
    assert "shopify-orders" in said
    assert "sendgrid-invalid-emails" in said
    assert "…" not in said
