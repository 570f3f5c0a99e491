"""Codes for tills that read files: the contract, the formats tills want, and several of everything at once."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.code_layout import CodeLayout
from connectors.minor_units import written_out
from connectors.offers_csv import OffersCsvConnector
from segue.contract import ConfigurationError, Redemption, Voucher
from segue.contract.suite import OfferConnectorContract, voucher
from segue.outbox.connectors import load_connectors
from segue.settings import Settings

AT = datetime(2026, 5, 14, 15, tzinfo=UTC)
GERMAN = {
    "columns": (
        "code=Gutschein,percent=Prozent,amount=Betrag,currency=Währung,valid_from=Gültig ab,valid_until=Gültig bis"
    ),
    "redemption_columns": "redeemed_at=Zeit,order_id=Bon,code=Gutschein",
    "date_format": "%d.%m.%Y %H:%M",
    "time_zone": "Europe/Berlin",
    "decimal_sign": ",",
    "separator": ";",
}


class TillFolder:
    """A till that reads our files and writes its own, in the connector's format."""

    code, order, moment, separator = "code", "order_id", "redeemed_at", ","

    def __init__(self, path: Path, *, name: str = "redemptions.csv") -> None:
        self.path = path
        self.name = name

    def codes(self, name: str) -> list[str]:
        path = self.path / name
        return [row[self.code] for row in rows_of(path, self.separator)] if path.exists() else []

    def known(self) -> frozenset[str]:
        return frozenset(self.codes("codes.csv")) - frozenset(self.codes("withdrawn.csv"))

    def when(self, at: datetime) -> str:
        return at.isoformat()

    def redeem(self, code: str, order_id: str, at: datetime) -> None:
        path = self.path / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        with path.open("a", newline="") as file:
            rows = csv.DictWriter(file, [self.code, self.order, self.moment, "clerk"], delimiter=self.separator)
            if new:
                rows.writeheader()
            rows.writerow({self.code: code, self.order: order_id, self.moment: self.when(at), "clerk": 3})


class GermanTill(TillFolder):
    code, order, moment, separator = "Gutschein", "Bon", "Zeit", ";"

    def when(self, at: datetime) -> str:
        return (at + timedelta(hours=2)).strftime("%d.%m.%Y %H:%M")


def rows_of(path: Path, separator: str = ",") -> list[dict[str, str]]:
    """The file's whole lines: one without its end is still being written, by us as by anybody."""
    whole = path.read_bytes().rpartition(b"\n")[0].decode()
    return list(csv.DictReader(whole.splitlines(), delimiter=separator))


class TestContract(OfferConnectorContract):
    options: ClassVar[dict[str, str]] = {}

    @pytest.fixture
    def till(self, tmp_path: Path) -> TillFolder:
        return TillFolder(tmp_path / "till")

    @pytest.fixture
    def connector(self, till: TillFolder) -> OffersCsvConnector:
        return OffersCsvConnector(folder=str(till.path), **self.options)

    @pytest.fixture
    def reborn(self, till: TillFolder) -> OffersCsvConnector:
        return OffersCsvConnector(folder=till.path, **self.options)


class TestContractOfOneOfManyTills(TestContract):
    @pytest.fixture
    def till(self, tmp_path: Path) -> TillFolder:
        return TillFolder(tmp_path, name="redemptions/till-3.csv")


class TestContractInGerman(TestContract):
    options = GERMAN

    @pytest.fixture
    def till(self, tmp_path: Path) -> TillFolder:
        return GermanTill(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "till"


def reasons(results: Any) -> list[str | None]:
    return [r.reason for r in results]


def other(number: int, **changed: object) -> Voucher:
    base = voucher(number)
    return Voucher(**({name: getattr(base, name) for name in Voucher.__slots__} | changed))  # type: ignore[arg-type]


def test_a_line_as_tills_like_it(folder: Path) -> None:
    """The plain form: money written out, times with their offset, no key of ours."""
    list(OffersCsvConnector(folder=folder).publish([voucher(1), voucher(2)]))
    assert (folder / "codes.csv").read_text().splitlines() == [
        "code,percent,amount,currency,valid_from,valid_until",
        "K7QM-0001,,15.00,USD,2026-05-14T15:00:00+00:00,2026-05-16T15:00:00+00:00",
        "K7QM-0002,10,,,2026-05-14T15:00:00+00:00,2026-05-16T15:00:00+00:00",
    ]


def test_a_line_in_the_tills_own_words(folder: Path) -> None:
    """Its names, its order, its dates, its clock and its comma."""
    connector = OffersCsvConnector(folder=folder, **GERMAN)
    list(connector.publish([voucher(1)]))
    assert (folder / "codes.csv").read_text(encoding="utf-8").splitlines() == [
        "Gutschein;Prozent;Betrag;Währung;Gültig ab;Gültig bis",
        "K7QM-0001;;15,00;USD;14.05.2026 17:00;16.05.2026 17:00",
    ]
    list(connector.withdraw(["K7QM-0001"]))
    assert (folder / "withdrawn.csv").read_text() == "Gutschein\nK7QM-0001\n"


def test_the_code_may_stand_anywhere(folder: Path) -> None:
    """It is known by its column, not by its place."""
    options = {"columns": "valid_until,percent,code"}
    for _ in range(2):
        connector = OffersCsvConnector(folder=folder, **options)
        assert reasons(connector.publish([voucher(2), voucher(4)])) == [None, None]
        assert reasons(connector.publish([other(2, percent=90)])) == ["code_taken"]
    assert [row["code"] for row in rows_of(folder / "codes.csv")] == ["K7QM-0002", "K7QM-0004"]


def test_a_code_whose_worth_the_file_cannot_tell_is_not_written(folder: Path) -> None:
    """A till that is not told the worth would make one up."""
    connector = OffersCsvConnector(folder=folder, columns="code,percent,valid_until")
    assert reasons(connector.publish([voucher(1), voucher(2)])) == ["worth_not_writable", None]
    assert [row["code"] for row in rows_of(folder / "codes.csv")] == ["K7QM-0002"]


@pytest.mark.parametrize(
    "options",
    [
        {"columns": "code,percent"},
        {"columns": "code,valid_until"},
        {"columns": "percent,valid_until"},
        {"columns": "code,amount,valid_until"},
        {"columns": "code,percent,valid_until,colour"},
        {"columns": "code,code,percent,valid_until"},
        {"columns": "code=A,percent=A,valid_until"},
        {"columns": "code==1+1,percent,valid_until"},
        {"redemption_columns": "code,order_id"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"decimal_sign": "'"},
        {"separator": "|"},
    ],
    ids=range(13),
)
def test_a_layout_that_cannot_work_is_refused_at_once(folder: Path, options: dict[str, str]) -> None:
    """Before a code could lose its worth or its end."""
    with pytest.raises(ConfigurationError):
        OffersCsvConnector(folder=folder, **options)
    assert not folder.exists()


def test_a_file_of_another_layout_is_left_alone(folder: Path) -> None:
    """Lines of two layouts in one file would be misread by every till."""
    list(OffersCsvConnector(folder=folder).publish([voucher(1)]))
    before = (folder / "codes.csv").read_bytes()
    with pytest.raises(ConfigurationError, match="other columns"):
        list(OffersCsvConnector(folder=folder, columns="code,percent,valid_until").publish([voucher(2)]))
    assert (folder / "codes.csv").read_bytes() == before


@given(st.integers(0, 10**12), st.sampled_from(["USD", "JPY", "KWD", "EUR"]))
def test_an_amount_written_out_is_the_same_amount(minor: int, currency: str) -> None:
    """Back to minor units nothing is lost, and no till meets an exponent."""
    text = written_out(minor, currency)
    whole, _, part = text.partition(".")
    assert len(part) == {"USD": 2, "JPY": 0, "KWD": 3, "EUR": 2}[currency]
    assert int(whole + part) == minor
    assert set(text) <= set("0123456789.")


@given(
    st.integers(0, 10**9).map(lambda seconds: AT + timedelta(seconds=seconds)),
    st.sampled_from(["", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_a_time_comes_back_as_the_same_instant(at: datetime, zone: str) -> None:
    """Whatever zone the till lives in: what the layout writes it reads."""
    layout = CodeLayout(time_zone=zone)
    written = layout.row(other(2, valid_until=at))[layout.columns.index("valid_until")]
    read = layout.redemption({"code": "A", "order_id": "1", "redeemed_at": written})
    assert read == Redemption(code="A", order_id="1", redeemed_at=at)


def test_a_time_without_an_offset_needs_a_zone(folder: Path) -> None:
    """We do not guess where a till stands."""
    line = {"code": "A", "order_id": "1", "redeemed_at": "2026-05-14 17:00"}
    assert CodeLayout().redemption(line) is None
    assert CodeLayout(time_zone="Europe/Berlin").redemption(line) == Redemption(code="A", order_id="1", redeemed_at=AT)


def test_several_tills_tell_one_story(folder: Path) -> None:
    """One file each and one for all: a use is told once, a code used in two orders twice."""
    at = AT + timedelta(hours=1)
    for name in ("redemptions.csv", "redemptions/till-1.csv", "redemptions/till-2.csv"):
        TillFolder(folder, name=name).redeem("K7QM-0001", "order-1", at)
    TillFolder(folder, name="redemptions/till-2.csv").redeem("K7QM-0001", "order-1", at)
    TillFolder(folder, name="redemptions/till-2.csv").redeem("K7QM-0001", "order-2", at)
    (folder / "redemptions/notes.txt").write_text("not a till")
    told = list(OffersCsvConnector(folder=folder).redemptions())
    assert [(one.code, one.order_id) for one in told] == [("K7QM-0001", "order-1"), ("K7QM-0001", "order-2")]


def test_one_broken_file_costs_the_others_nothing(folder: Path) -> None:
    """All that can be read is told; then each file is named with its lines, and nothing of what stands in them."""
    room = folder / "redemptions"
    TillFolder(folder, name="redemptions/z.csv").redeem("K7QM-0009", "order-9", AT)
    TillFolder(folder, name="redemptions/a.csv").redeem("K7QM-0001", "order-1", AT)
    with (room / "a.csv").open("a") as file:
        file.write("sarah@example.com,,yesterday,3\nK7QM-0002,order-2,2026-05-14T15:0")
    (room / "b.csv").write_bytes(b"code,order_id,redeemed_at\nK7QM-0003,\xe4,2026-05-14T15:00:00Z\n")
    (room / "c.csv").write_text("coupon,receipt\nK7QM-0004,1\n")
    (room / "d.csv").write_text("")
    reading = OffersCsvConnector(folder=folder).redemptions()
    told = [next(reading), next(reading)]
    with pytest.raises(ConfigurationError) as caught:
        next(reading)
    assert [one.order_id for one in told] == ["order-1", "order-9"]
    for name in ("a.csv: cannot read line 3;", "b.csv is not UTF-8", "c.csv must begin with"):
        assert name in str(caught.value)
    assert "sarah" not in str(caught.value)
    assert "z.csv" not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        b'"K7QM-0000,order-0,2026-05-14T15:00:00+00:00',
        b'K7QM-0000,"order-0,2026-05-14T15:00:00+00:00',
        b"K7QM-0000,m\xfcller,2026-05-14T15:00:00+00:00",
        b"K7QM-0000,order\x00,2026-05-14T15:00:00+00:00",
        b"K7QM-0000,order-0\rK7QM-0000,2026-05-14T15:00:00+00:00",
        b"K7QM-0000," + b"0" * 200_000 + b",2026-05-14T15:00:00+00:00",
    ],
    ids=["quote", "inner quote", "latin-1", "zero", "return", "long"],
)
def test_one_broken_line_costs_the_lines_and_files_after_it_nothing(folder: Path, bad: bytes) -> None:
    """Not even past what a CSV reader holds of one cell."""
    later = "".join(f"K7QM-0002,order-{n},2026-05-14T15:00:00+00:00\r\n" for n in range(4000))
    (folder / "redemptions").mkdir(parents=True)
    for name, line in (("a.csv", bad + b"\r\n"), ("b.csv", b"")):
        (folder / "redemptions" / name).write_bytes(b"code,order_id,redeemed_at\r\n\r\n" + line + later.encode())
    (folder / "redemptions/c.csv").write_text(f"code,order_id,redeemed_at\nK7QM-0003,last,{AT.isoformat()}\n")
    told = []
    with pytest.raises(ConfigurationError, match=r"^a\.csv[^;]*: cannot read line 3; a line is") as caught:
        told.extend(one.order_id for one in OffersCsvConnector(folder=folder).redemptions())
    assert told == [*(f"order-{n}" for n in range(4000)), "last"]
    assert "K7QM" not in str(caught.value)


def test_a_half_written_line_is_told_when_it_is_whole(folder: Path) -> None:
    """The till died or is still writing; nothing is guessed from a piece."""
    connector = OffersCsvConnector(folder=folder)
    TillFolder(folder).redeem("K7QM-0001", "order-1", AT)
    path = folder / "redemptions.csv"
    whole = path.read_text()
    for length in range(len(whole)):
        path.write_text(whole[:length])
        assert list(connector.redemptions()) == []
    path.write_text(whole)
    assert len(list(connector.redemptions())) == 1


def test_withdrawn_while_somebody_publishes(folder: Path) -> None:
    """Two instances: whoever comes later hears it, though the first has never read that file before."""
    publisher, withdrawer = (OffersCsvConnector(folder=folder) for _ in range(2))
    assert reasons(publisher.publish([voucher(1)])) == [None]
    assert list(withdrawer.withdraw(["K7QM-0001", "K7QM-0002"])) == ["K7QM-0001", "K7QM-0002"]
    assert reasons(publisher.publish([voucher(1), voucher(2), voucher(3)])) == [
        "code_withdrawn",
        "code_withdrawn",
        None,
    ]
    assert TillFolder(folder).known() == {"K7QM-0003"}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("offers_csv", {"folder": "tills", "separator": ";"}),
        ("shopify_offers", {"shop": "example.myshopify.com", "token": "shpat_0123", "window_minutes": 30}),
    ],
)
def test_settings_name_it(name: str, options: dict[str, object]) -> None:
    """As an installation makes it: by its entry point, with its options."""
    settings = Settings(connectors={"email": "files", "offers": name}, connector_options={name: options})
    loaded = load_connectors(settings)
    assert loaded.offers.name == name
    loaded.close()
    with pytest.raises(ConfigurationError, match="does not take these options"):
        load_connectors(settings.model_copy(update={"connector_options": {name: {"colour": "red"}}}))
