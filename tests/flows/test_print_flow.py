"""Cards through Prefect: the preview shows the design, the print run says how many and where, nobody hears who."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from pydantic import ValidationError
from pypdf import PdfReader
from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import make_url

from flows.campaign import CampaignForm, campaign
from flows.errors import FlowError
from flows.forms import Mode
from flows.print_run import PrintBrief, asked_again, print_run
from flows.welcome_insert import WelcomeInsertForm, welcome_insert
from segue.clock import VirtualClock
from segue.journeys.campaign import Ways
from segue.service import Segue, open_segue
from segue.settings import load_settings
from segue.store.engine import read, write
from segue.store.tables import decision, identifier, location, message, order, profile, voucher
from tests.flows.conftest import NOW
from tests.flows.privacy import leaks

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

#: First parcels: 1 to 3 are packed in New York, 4 and 5 in Newark.
PLACES = {1: "New York", 2: "New York", 3: "New York", 4: "Newark", 5: "Newark"}
NAMES = [f"{first}{number:03}" for number in PLACES for first in ("Quillon", "Ravensworth")]
ADDRESSES = [f"quillon{number:03}@mailbox.example.com" for number in PLACES]


@pytest.fixture
def parcels(installed: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Segue]:
    """Five people with an order each that waits to be packed; two hours before the pick wave."""
    monkeypatch.setenv("SEGUE_PRINT_FOLDER", str(tmp_path / "print"))
    monkeypatch.setenv("SEGUE_PICK_WAVE", "14:00")
    load_settings.cache_clear()
    paid = NOW - timedelta(minutes=30)
    with open_segue(clock=VirtualClock(NOW)) as segue:
        with write(segue.engine) as connection:
            for number, place in enumerate(dict.fromkeys(PLACES.values()), start=1):
                connection.execute(insert(location).values(id=number, external_id=place, kind="warehouse", name=place))
            for number, place in PLACES.items():
                connection.execute(
                    insert(profile).values(
                        id=number,
                        first_name=f"Quillon{number:03}",
                        last_name=f"Ravensworth{number:03}",
                        country="US",
                        created_at=paid,
                    )
                )
                connection.execute(
                    insert(identifier).values(
                        kind="email", value=ADDRESSES[number - 1], profile_id=number, recorded_at=paid
                    )
                )
                connection.execute(
                    insert(order).values(
                        id=number,
                        external_id=f"O-{number}",
                        number=f"#100{number}",
                        profile_id=number,
                        sales_channel="facebook_shop",
                        location_id=1 if place == "New York" else 2,
                        delivery="ship",
                        currency="USD",
                        total_minor=7400,
                        occurred_at=paid,
                        paid_at=paid,
                        recorded_at=paid,
                    )
                )
        segue.switch_on("welcome_insert", NOW - timedelta(days=1))
        yield segue


@pytest.fixture
def spooled(parcels: Segue) -> Segue:
    """The five cards in the spool."""
    assert welcome_insert(WelcomeInsertForm(mode=Mode.SEND)).groups["accepted"] == 5
    return parcels


def cancel(segue: Segue, number: int) -> None:
    with write(segue.engine) as connection:
        connection.execute(update(order).where(order.c.id == number).values(cancelled_at=NOW))


def stored(segue: Segue, table: Any) -> int:
    with read(segue.engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def newest(key: str) -> Artifact:
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), sort=ArtifactSort.CREATED_DESC, limit=1
        )
    return artifact


def table() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(str(newest("print-report").data))
    return rows


def cards_in(row: dict[str, Any]) -> int:
    """How many cards the PDF has that a row of the page names."""
    (pdf,) = [name for name in row["Files"].split(", ") if name.endswith(".pdf")]
    return len(PdfReader(Path(row["Folder"]) / pdf).pages) // 2


def test_a_campaign_on_paper_shows_its_card_and_how_many_parcels_wait(parcels: Segue) -> None:
    """And says plainly why there is no test of it; what paper cannot show or no template has is refused."""
    asked: dict[str, Any] = {"campaign": "spring", "segment": "everyone", "headline": "Spring", "ways": Ways.PRINT}
    seen = campaign(CampaignForm(**asked))
    told = str(newest(f"campaign-run-{seen.run_id}").data)
    assert "**5 parcels wait now**; run it again, or give it a schedule, for the next ones." in told
    assert told.count("data:image/png") == 4, "two samples, front and back"
    with pytest.raises(FlowError, match="cards are not mailed"):
        campaign(CampaignForm(**asked, mode=Mode.TEST))
    with pytest.raises(ValidationError, match=r"cannot show the picture /pictures/x.png, since no folder of pictures"):
        CampaignForm(**asked, picture="/pictures/x.png")
    with pytest.raises(ValidationError, match=r"new_arrivals has words for .*, none for "):
        CampaignForm(**asked, template="new_arrivals")
    sent = campaign(CampaignForm(**asked, mode=Mode.SEND))
    assert sent.groups["accepted"] == 5
    assert campaign(CampaignForm(**asked, mode=Mode.SEND)).considered == 0


def test_a_preview_by_hand_shows_the_card_and_stores_nothing(parcels: Segue) -> None:
    """The form left as it is: the sum, both sides of two samples as pictures, and no message or file."""
    report = welcome_insert()
    assert (report.preview, report.considered, report.groups["accepted"]) == (True, 5, 5)
    assert [stored(parcels, one) for one in (message, decision)] == [0, 0]
    assert not parcels.settings.print_folder.exists()
    text = str(newest("welcome-insert-run-1").data)
    assert "preview, nothing was sent" in text
    assert re.findall(r"!\[Insert, print: [^\]]+, (\w+)\]", text) == ["front", "back"] * 2
    for data in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)\)", text):
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        picture.load()
        assert picture.width / picture.height == pytest.approx(105 / 148, abs=0.01)
        assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 50  # a card, not a blank sheet


def test_nobody_due_costs_prefect_no_pictures(installed: Segue) -> None:
    """Hundreds of runs a day find nobody; the card is drawn when somebody is."""
    welcome_insert()
    text = str(newest("welcome-insert-nobody-due").data)
    assert "Drawn when somebody is due" in text
    assert "data:image/png" not in text


def test_a_run_prints_what_waits_and_says_how_many_and_where(spooled: Segue) -> None:
    """One row a location under the shop's own name for it; files that are there; run again, nothing waits."""
    assert print_run() == 5
    rows = {row["Location"]: row for row in table()}
    assert {place: (row["Cards"], cards_in(row)) for place, row in rows.items()} == {
        "New York": (3, 3),
        "Newark": (2, 2),
    }
    for row in rows.values():
        assert row["Taken out"] == ""
        assert all((Path(row["Folder"]) / name).is_file() for name in row["Files"].split(", "))
    assert newest("print-report").description == "5 cards printed"

    assert print_run() == 0
    assert table() == [{"What": "Nothing was waiting to be printed"}]


def test_only_one_location_is_printed_where_one_is_named(spooled: Segue) -> None:
    """By the shop's own name; the other's cards wait on, and a place nobody knows prints nothing."""
    assert print_run(PrintBrief(location=" Newark ")) == 2
    assert [row["Location"] for row in table()] == ["Newark"]
    assert print_run(PrintBrief(location="Neuark")) == 0
    assert print_run(PrintBrief(location="New York")) == 3


def test_what_is_taken_out_is_counted_in_words(spooled: Segue) -> None:
    """Cancelled at the last moment: not among the cards, and the row says why."""
    cancel(spooled, 2)
    cancel(spooled, 4)
    cancel(spooled, 5)
    assert print_run() == 2
    rows = {row["Location"]: row for row in table()}
    assert (rows["New York"]["Cards"], rows["New York"]["Taken out"]) == (2, "1 what it was about was gone")
    assert (rows["Newark"]["Cards"], rows["Newark"]["Taken out"]) == (0, "2 what it was about was gone")
    assert (rows["Newark"]["Files"], rows["Newark"]["Folder"]) == ("", "")
    assert cards_in(rows["New York"]) == 2


def test_cards_are_printed_again_by_order_number(spooled: Segue) -> None:
    """As the pick list shows the numbers, in any spelling; what waits for its own run is left waiting."""
    assert print_run(PrintBrief(location="Newark")) == 2
    spooled.pause("channel:print", reason="upside down")
    with pytest.raises(FlowError, match=r"^Nothing was printed again: channel:print is paused \(upside"):
        print_run(PrintBrief(print_again="1005"))
    spooled.pause("channel:print", reason="ask Ann, 212 555-0123")  # as a command line takes it
    with pytest.raises(FlowError, match=r"^Nothing was printed again: the brake is on; why is not shown") as told:
        print_run(PrintBrief(print_again="1005"))
    assert "555" not in str(told.value)
    spooled.resume("channel:print")
    assert print_run(PrintBrief(print_again=" #1005; 1004,#1005 ")) == 2
    (row,) = table()
    assert len(PdfReader(Path(row["Folder"]) / row["File"]).pages) == 4
    assert "Printed again" in str(newest("print-report").description)
    assert print_run() == 3


def test_an_order_without_a_card_is_an_error_with_its_cure(spooled: Segue) -> None:
    """Spooled is not printed yet; and the error quotes no key."""
    with pytest.raises(FlowError, match=r"One of these orders has no printed card.*as the pick list shows"):
        print_run(PrintBrief(print_again="#1001"))
    with read(spooled.engine) as connection:
        assert connection.scalar(select(func.count()).where(message.c.state == "accepted")) == 5


def test_a_form_of_nothing_but_commas_asks_for_nothing() -> None:
    assert asked_again(" , ;#, ") == []
    assert asked_again("1002,#1001;1002") == ["1002", "1001"]


def test_prefect_learns_of_nobody(spooled: Segue) -> None:
    """Names and codes are on paper and pick list; no table, log or artifact of Prefect's holds one."""
    cancel(spooled, 2)
    print_run()
    print_run(PrintBrief(print_again="#1001"))
    listed = "".join(file.read_text("utf-8-sig") for file in spooled.settings.print_folder.rglob("*.csv"))
    with read(spooled.engine) as connection:
        codes = connection.scalars(select(voucher.c.code)).all()
    assert "Quillon001" in listed
    assert sum(code in listed for code in codes) == 4
    database = make_url(PREFECT_API_DATABASE_CONNECTION_URL.value()).database
    assert database is not None
    deadline = time.monotonic() + 60
    while not leaks(Path(database).parent, ["print-report"]) or not leaks(Path(database).parent, ["5 promised"]):
        assert time.monotonic() < deadline, "the search must look where Prefect writes, its logs included"
        time.sleep(0.5)
    assert leaks(Path(database).parent, [*NAMES, *ADDRESSES, *codes]) == []
