"""Files as they come: encodings, separators, cut ends, broken quotes, and the line each record starts on."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.intake import IntakeError
from segue.intake.opening import open_table
from segue.intake.reading import CsvRecords


def _read(tmp_path: Path, content: bytes, name: str = "t.csv"):
    file = tmp_path / name
    file.write_bytes(content)
    table = open_table(file)
    return table, [(row.line, row.cells, row.reason) for row in table.rows()]


@pytest.mark.parametrize(
    ("encode", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_the_encoding_is_found_and_said(tmp_path: Path, encode: str, said: str):
    table, rows = _read(tmp_path, "name;city\nJosé;Köln\n".encode(encode))
    assert (table.encoding, table.columns, rows) == (said, ("name", "city"), [(2, ["José", "Köln"], None)])


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    with pytest.raises(IntakeError, match=r"t\.csv is neither UTF-8 nor Windows-1252"):
        _read(tmp_path, b"a,b\n\x81\x8d,\xff\n")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n", b"# only a comment\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes):
    with pytest.raises(IntakeError, match=r"t\.csv is empty"):
        _read(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a,b\n1,2\n", id="no archive"),
        pytest.param(gzip.compress(b"a,b\n" * 99)[:-12], id="cut short"),
        pytest.param(b"\x1f\x8b garbage", id="garbage"),
        pytest.param(gzip.compress(b"a,b\n")[:20] + b"?" * 9, id="broken inside"),
    ],
)
def test_a_broken_archive_is_refused_with_its_name(tmp_path: Path, content: bytes):
    with pytest.raises(IntakeError, match=r"t\.csv\.gz .*(gzip|archive)"):
        _read(tmp_path, content, "t.csv.gz")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(IntakeError, match=r"none\.csv does not exist"):
        open_table(tmp_path / "none.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_an_editor_shows(tmp_path: Path, end: str):
    """A cell with line breaks and an empty line move the rows behind them."""
    text = f'a,b{end}1,"x{end}y{end}z"{end}{end}2,w{end}'
    table, rows = _read(tmp_path, text.encode())
    assert [(line, cells[0]) for line, cells, _ in rows] == [(2, "1"), (6, "2")]
    assert rows[0][1][1] == f"x{end}y{end}z"
    assert table.total == 6


def test_cut_and_ragged_rows_say_why(tmp_path: Path):
    _, rows = _read(tmp_path, b"a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n1,2,3\n1,2")
    assert [(line, reason) for line, _, reason in rows] == [
        (2, "field_count"),
        (3, "field_count"),
        (4, None),
        (5, None),
        (6, "truncated"),
    ]


def test_a_stray_quote_costs_one_line(tmp_path: Path):
    """Rows behind a quote that is never closed, or closed by another row's, are still read."""
    _, rows = _read(tmp_path, b'a,b\n1,"oops\n2,ok\n3,"fine"\n4,"never\n5,ok\n')
    assert [(line, reason) for line, _, reason in rows] == [
        (2, "unclosed_quote"),
        (3, None),
        (4, None),
        (5, "unclosed_quote"),
        (6, None),
    ]


def test_a_file_that_ends_inside_a_quote_is_truncated(tmp_path: Path):
    _, rows = _read(tmp_path, b'a,b\n1,2\n3,"cut he')
    assert [(line, reason) for line, _, reason in rows] == [(2, None), (3, "truncated")]


def test_an_apostrophe_before_a_number_is_the_spreadsheets(tmp_path: Path):
    _, rows = _read(tmp_path, b"a,b\n'0123,'s Hertogenbosch\n")
    assert rows[0][1] == ["0123", "'s Hertogenbosch"]


def test_parquet_reads_like_text(tmp_path: Path):
    """Whole floats are whole numbers, nothing is empty, times keep their microseconds."""
    table = pa.table(
        {
            "id": [1.0, None],
            "price": [18.99, 3.0],
            "noise": [1.5e-11, 1e19],
            "at": pa.array([1_700_000_000_000_000_123, None], pa.timestamp("ns", "UTC")),
            "ok": [True, False],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    opened = open_table(tmp_path / "t.parquet")
    assert [(row.line, row.cells) for row in opened.rows()] == [
        (1, ["1", "18.99", "0.000000000015", "2023-11-14T22:13:20+00:00", "true"]),
        (2, ["", "3", "1e+19", "", "false"]),
    ]
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(IntakeError, match=r"bad\.parquet is not a sound Parquet file"):
        open_table(tmp_path / "bad.parquet")


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2).filter(any), max_size=8))
def test_what_is_quoted_properly_reads_back(table: list[list[str]]):
    """Any cells, quoted as RFC 4180 says, come back whole and on ascending lines."""
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in table)
    lines = iter(_physical(text))
    read = list(CsvRecords(lines, ",", line=1, ends_cleanly=True))
    assert [record.cells for record in read] == table
    assert [record.line for record in read] == sorted({record.line for record in read})


@given(st.text(st.sampled_from('ab",\n'), max_size=60))
def test_no_dirt_stops_the_reader(text: str):
    """Every line is accounted for by some record, and the reader ends."""
    read = list(CsvRecords(iter(_physical(text)), ",", line=1, ends_cleanly=text.endswith("\n")))
    assert all(a.line < b.line for a, b in pairwise(read))


def _physical(text: str) -> list[str]:
    import io

    return list(io.StringIO(text, newline=""))
