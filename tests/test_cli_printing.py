"""`segue print`, and the how-to about cards: every command in it runs, in its order, on a shop as it describes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import insert, select, update
from typer.testing import CliRunner, Result

from segue.cli.main import app
from segue.clock import VirtualClock
from segue.service import Segue, open_segue
from segue.settings import load_settings
from segue.store.engine import read, write
from segue.store.tables import consent_event, identifier, location, order, profile, voucher
from tests.pdf_text import letters_of

ROOT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)  # two hours before the pick wave in New York
GUIDE = (ROOT / "docs/how-to/print-cards.md").read_text("utf-8")
LINES = [line.strip() for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]
LINES = [line for line in LINES if line]
ENVIRONMENT = dict(line.split("=", 1) for line in LINES if line.startswith("SEGUE_"))
COMMANDS = [line for line in LINES if line.startswith(".venv/bin/segue ")]
SCRIPTS = [line for line in LINES if line.startswith(".venv/bin/python ")]
MAKE = [line for line in LINES if line.startswith("make ")]

Print = Callable[..., Result]


@pytest.fixture
def folder(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation with the how-to's settings and three spooled cards, at the pick wave; its folder."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, shlex.split(value)[0].replace("/srv/segue", str(tmp_path)))
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_OUTBOX", str(tmp_path / "outbox"))
    monkeypatch.setenv("SEGUE_HOLDOUT_JOURNEY", "0")
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", (NOON + timedelta(hours=2)).isoformat())
    monkeypatch.setenv("COLUMNS", "160")
    load_settings.cache_clear()
    (tmp_path / "pictures").mkdir()
    with open_segue(clock=VirtualClock(NOON)) as segue:
        segue.install()
        segue.switch_on("welcome_insert", NOON - timedelta(days=1))
        parcels(segue)
        segue.tick()
    yield tmp_path
    load_settings.cache_clear()


def parcels(segue: Segue) -> None:
    """Orders 1001 and 1002 are packed in New York, 1003 in Newark."""
    with write(segue.engine) as connection:
        for number, place in enumerate(("New York", "Newark"), start=1):
            connection.execute(insert(location).values(id=number, external_id=place, kind="warehouse", name=place))
        for number in (1, 2, 3):
            connection.execute(
                insert(profile).values(id=number, first_name=f"Sam{number}", country="US", created_at=NOON)
            )
            connection.execute(
                insert(identifier).values(
                    kind="email", value=f"sam{number}@example.com", profile_id=number, recorded_at=NOON
                )
            )
            connection.execute(
                insert(order).values(
                    id=number,
                    external_id=f"O-{number}",
                    number=f"#100{number}",
                    profile_id=number,
                    sales_channel="web",
                    location_id=1 if number < 3 else 2,
                    delivery="ship",
                    currency="USD",
                    total_minor=100,
                    occurred_at=NOON,
                    paid_at=NOON - timedelta(minutes=5),
                    recorded_at=NOON,
                )
            )


@pytest.fixture
def run(folder: Path) -> Print:
    """`segue print` on that installation."""
    return lambda *arguments: CliRunner().invoke(app, ["print", *arguments])


def table(result: Result) -> dict[str, tuple[str, str]]:
    """Cards and what was taken out, by location."""
    assert result.exit_code == 0, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    return {place: (cards, out) for place, cards, out in rows}


def files(result: Result) -> list[Path]:
    found = [Path(line.strip()) for line in result.output.splitlines() if line.strip().endswith((".pdf", ".csv"))]
    assert all(one.is_file() for one in found)
    return found


def test_what_waits_is_printed_by_location_and_then_nothing_waits(run: Print, folder: Path) -> None:
    done = run()
    assert table(done) == {"New York": ("2", ""), "Newark": ("1", "")}
    pdfs = [one for one in files(done) if one.suffix == ".pdf"]
    assert sorted(len(PdfReader(pdf).pages) for pdf in pdfs) == [2, 4]
    assert len(files(done)) == 4
    assert all(one.is_relative_to(folder / "print") for one in files(done))
    assert run().output.strip() == "Nothing was waiting to be printed."


def test_a_location_prints_for_itself_by_its_own_name(run: Print) -> None:
    assert table(run("--location", "New York")) == {"New York": ("2", "")}
    assert run("--location", "New York").output.strip() == "Nothing was waiting to be printed in New York."
    assert table(run()) == {"Newark": ("1", "")}


def test_what_was_cancelled_is_taken_out_and_counted_in_words(run: Print) -> None:
    with open_segue() as segue, write(segue.engine) as connection:
        connection.execute(update(order).where(order.c.id == 1).values(cancelled_at=NOON))
    assert table(run())["New York"] == ("1", "1 what it was about was gone")


def test_a_card_is_printed_again_with_its_code_wherever_it_was_packed(run: Print, folder: Path) -> None:
    run()
    done = run("--again", "#1003, 1001", "--again", "1001")
    (pdf,) = [Path(part) for part in done.output.split() if part.endswith(".pdf")]
    assert pdf.parent == folder / "print" / "_reprints"
    pages = PdfReader(pdf).pages
    assert len(pages) == 4
    said = "".join(map(letters_of, pages))
    with open_segue() as segue, read(segue.engine) as connection:
        codes = dict(connection.execute(select(voucher.c.profile_id, voucher.c.code)).all())
    assert [code in said for _, code in sorted(codes.items())] == [True, False, True]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--again", "1009"), "pick list"),
        (("--again", "1001", "--location", "Newark"), "wherever they were packed"),
        (("--again", " , "), "segue print --again"),
    ],
)
def test_what_cannot_be_printed_again_is_said_with_its_cure(run: Print, arguments: list[str], error: str) -> None:
    done = run(*arguments)
    assert done.exit_code != 0
    assert error in str(done.exception)
    assert table(run()) == {"New York": ("2", ""), "Newark": ("1", "")}


def test_nobody_is_named_on_the_screen(run: Print) -> None:
    assert "Sam" not in run().output + run("--again", "1001").output


# ------------------------------------------------------------ the how-to


def test_every_line_of_the_guide_is_of_a_known_kind() -> None:
    """A command nobody runs here must not hide among the others."""
    assert len(ENVIRONMENT) + len(COMMANDS) + len(SCRIPTS) + len(MAKE) == len(LINES)
    assert (len(ENVIRONMENT), len(SCRIPTS), len(MAKE)) == (6, 1, 1)
    assert len(COMMANDS) >= 7


def test_every_command_of_the_guide_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which a reader meets them; at the end the objection counts."""
    monkeypatch.chdir(folder)
    (mapping,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    Path("objections.toml").write_text(mapping, "utf-8")
    Path("objections.csv").write_text("Email,Date\nsam2@example.com,2026-05-10 09:00\n", "utf-8")
    for line in COMMANDS:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, (line, done.output, done.exception)
        assert done.output.strip()
    (pdf,) = (folder / "print" / "_reprints").glob("*.pdf")
    first = PdfReader(pdf).pages[0].mediabox
    assert round(float(first.width) / 72 * 25.4) == 121, "crop marks, as the settings of the guide say"
    with open_segue() as segue, read(segue.engine) as connection:
        facts = connection.execute(select(consent_event.c.profile_id, consent_event.c.channel, consent_event.c.state))
        assert [tuple(row) for row in facts] == [(2, "print", "denied")]


def test_the_design_can_be_looked_at_without_a_browser(tmp_path: Path) -> None:
    """The guide's own command, into a folder of the test's: both sides of each sample."""
    (line,) = SCRIPTS
    script, *arguments = shlex.split(line)[1:]
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *arguments, "--out", str(tmp_path), "--chromium", "/nowhere"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    samples = sorted(one.stem for one in (ROOT / "templates/welcome_insert/insert").glob("sample*.json"))
    drawn = {one.name for one in tmp_path.iterdir()}
    assert drawn == {f"welcome_insert-insert-{one}-{side}.png" for one in samples for side in ("front", "back")}


@pytest.mark.parametrize("line", MAKE)
def test_make_knows_what_the_guide_asks_of_it(line: str) -> None:
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run([make, "-n", *line.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_the_guide_names_is_there() -> None:
    linked = re.findall(r"\]\(((?!http)[^)#]+)\)", GUIDE)
    named = re.findall(r"`((?:templates|tools|docs)/[\w./]+)`", GUIDE)
    assert len(linked) >= 3
    assert [one for one in linked if not (ROOT / "docs/how-to" / one).exists()] == []
    assert [one for one in named if not (ROOT / one).exists()] == []
