"""Files as nobody would write them: a report or a refusal comes back, never half a file, and again is once."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from segue.intake import FORMATS, ImportReport, IntakeError, import_export, load_mapping, loading
from segue.intake import import_table as through_mapping
from segue.intake.formats import Format
from segue.store.tables import metadata, variant
from tests.search import examples

from .conftest import CLOCK, hash_address
from .till import HEAD, TILL, first, line

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "specs" / "exports" / "samples"
ROOT = Path(__file__).resolve().parents[2]
SOUND = HEAD + "".join(
    first(str(n), "10.00", email=f"p{n}@example.com") + line(str(n), '"B, large"', "0") for n in range(5)
)
MAPPED = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n" + "".join(
    f'{"C" if n % 3 == 0 else ""}{n // 2},A{n % 4},"Cup, ""big""",{-n if n % 3 == 0 else n},12/{n + 1}/2010 8:45,1.25,{n % 3},France\n'
    for n in range(9)
)


def _dirtied(sound: str) -> st.SearchStrategy[bytes]:
    """Cut anywhere, bytes put in, a column taken out, a quote opened, a line doubled, another encoding."""
    whole = sound.encode()
    place = st.integers(0, len(whole))
    noise = st.binary(max_size=6) | st.sampled_from(
        [b'"', b"\x00", b"\r", b"\n\n", b",,,", b"'=1", b"\xff\xfe", b"\x81"]
    )
    cut = place.map(lambda end: whole[:end])
    put = st.lists(st.tuples(place, noise), min_size=1, max_size=4).map(lambda spots: _with(whole, spots))
    coded = st.sampled_from(["utf-16", "utf-16-le", "cp1252", "utf-8-sig"]).map(sound.encode)
    doubled = st.integers(0, sound.count("\n") - 1).map(lambda n: whole + whole.splitlines(keepends=True)[n])
    dropped = st.integers(0, 9).map(lambda n: _without_column(sound, n).encode())
    ends = st.sampled_from([whole.replace(b"\n", b"\r"), whole.replace(b"\n", b"\r\n"), whole[:-1]])
    return st.one_of(cut, put, put, coded, doubled, dropped, ends)


def _with(whole: bytes, spots: list[tuple[int, bytes]]) -> bytes:
    for place, noise in spots:
        whole = whole[:place] + noise + whole[place:]
    return whole


def _without_column(sound: str, number: int) -> str:
    lines = [one.split(",") for one in sound.splitlines()]
    return "\n".join(",".join(cells[:number] + cells[number + 1 :]) for cells in lines) + "\n"


def _store(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


def _emptied(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())


def _import(engine: Engine, content: bytes, kind: Format | None, name: str = "t.csv") -> ImportReport | None:
    """None where the file was refused; every other exception is a failure of the test."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_bytes(content)
        try:
            if kind is None:
                mapping = load_mapping(ROOT / "examples" / "online_retail.toml")
                return through_mapping(engine, file, mapping, clock=CLOCK, hash_address=hash_address)
            return import_export(engine, file, kind, clock=CLOCK, hash_address=hash_address)
        except IntakeError:
            return None


@pytest.mark.parametrize(("sound", "kind"), [(SOUND, TILL), (MAPPED, None)], ids=["export", "mapping"])
def test_dirt_is_reported_or_refused_and_again_is_once(engine: Engine, sound: str, kind: Format | None):
    @settings(max_examples=examples(25 if engine.dialect.name == "sqlite" else 10), deadline=None)
    @given(content=_dirtied(sound), chunk=st.sampled_from([1, 7, 20_000]))
    def check(content: bytes, chunk: int) -> None:
        _emptied(engine)
        empty = _store(engine)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loading, "CHUNK", chunk)
            report = _import(engine, content, kind)
            after = _store(engine)
            if report is None:
                assert after == empty
            else:
                again = _import(engine, content, kind)
                assert again is not None
                assert (dict(again.taken), dict(again.updated)) == ({}, {})
                assert _store(engine) == after

    check()


@pytest.mark.parametrize("name", ["shopify", "klaviyo", "mailchimp", "braze", "sendgrid", "twilio"])
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/specs/exports/samples is missing")
def test_every_format_survives_dirt(new_database, name: str):
    """The samples of each vendor, spoilt: no format's door lets anything but a refusal out."""
    from segue.store.engine import open_engine

    engine = open_engine(new_database("sqlite"))
    samples = [file for file in sorted((SAMPLES / name).iterdir()) if file.suffix == ".csv"]
    assert samples

    @settings(max_examples=examples(25), deadline=None)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        file = data.draw(st.sampled_from(samples))
        kind = next(one for one in FORMATS if one.recognises(_columns(file), file.name))
        content = data.draw(_dirtied(file.read_text(encoding="utf-8-sig")))
        _emptied(engine)
        if _import(engine, content, kind, file.name) is None:
            assert not any(_store(engine).values())

    check()
    engine.dispose()


def _columns(file: Path) -> tuple[str, ...]:
    from segue.intake.opening import open_table

    return open_table(file).columns


def test_one_broken_row_among_many_costs_one_order(engine: Engine):
    rows = [first(str(n), "5.00") for n in range(5_000)]
    rows[3_333] = rows[3_333].replace("5.00", "five")
    report = _import(engine, (HEAD + "".join(rows)).encode(), TILL)
    assert report is not None
    assert (report.taken["order"], dict(report.skipped)) == (4_999, {"bad_money": 1})
    assert [p.line for p in report.lines] == [3_335]


def test_formulas_are_text(engine: Engine):
    """They are kept as they are, and nobody runs them."""
    report = _import(engine, (HEAD + first("1", "5.00", sku="'=1+1") + first("2", "5.00", sku="+A1")).encode(), TILL)
    assert report is not None
    with engine.connect() as connection:
        assert set(connection.scalars(select(variant.c.sku))) == {"=1+1", "+A1"}
