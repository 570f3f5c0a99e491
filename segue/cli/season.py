"""The demo: a made-up shop's year, imported, played on a virtual clock and left behind as pages to look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from segue.audiences.report import AudienceReport
from segue.cli.finance import open_table
from segue.cli.progress import advance
from segue.cli.year import PARCELS_START, PLAYED, SEASON_END, SEASON_START, YEAR_OVER, YearPlayer
from segue.clock import VirtualClock
from segue.gallery import words
from segue.gallery.book import write_gallery
from segue.outbox.summary import Summary
from segue.render import load_brand
from segue.sample import draw_pictures, write_shop
from segue.service import Segue, open_segue
from segue.settings import HOME_FILE, House, Loyalty, Settings

#: Before anything in the sample: all of it earns points.
_PROGRAMME_SINCE = date(2024, 1, 1)
STORY = ("sarah@example.com", "clara@example.com")
_MAPPINGS = Path(__file__).resolve().parent.parent / "sample" / "mappings"


def play_demo(folder: Path, console: Console, *, customers: int, settings: Settings) -> Path:
    """Play the year into `folder`, replacing an earlier demo there; return the gallery's first page."""
    _make_room(folder)
    demo = settings.model_copy(
        update={
            "home": folder / "home",
            "outbox": folder / "outbox",
            "database_url": "",
            "base_url": "https://go.saltmere.example.com",
            "print_folder": folder / "print",
            "pictures": folder / "pictures",
            "house": House(loyalty=Loyalty(starts_on=_PROGRAMME_SINCE, zone=settings.home_zone)),
        }
    )
    write_home_file(demo)
    clock = VirtualClock(PARCELS_START)
    with _bars(console) as bars, open_segue(demo, clock) as segue:
        segue.install()
        load_sample(segue, folder, bars, customers=customers)
        playing = bars.add_task("Playing the parcels of spring", total=(YEAR_OVER - PARCELS_START).days)
        player = YearPlayer(segue, clock, folder / "shop")
        last = player.play(partial(_show, bars, playing))
        summaries = [segue.journey_summary(name) for name in PLAYED]
        promises = segue.finance()
        drawing = bars.add_task("Drawing the cards", total=None)
        task = bars.add_task("Writing the gallery", total=1)
        page = write_gallery(
            folder,
            engine=segue.engine,
            messages=demo.outbox,
            brand=load_brand(demo.brand),
            journeys=segue.journeys,
            story=STORY,
            now=YEAR_OVER,
            pictures=folder / "pictures",
            prints=demo.print_folder,
            progress=partial(advance, bars, drawing),
            hash_address=segue.hash_address,
            noted=player.noted,
        )
        bars.update(task, completed=1)
    for summary in summaries:
        print_sum(console, summary)
    if last is not None:
        print_audiences(console, last)
    console.print(open_table(promises))
    return page


def _make_room(folder: Path) -> None:
    """Remove an earlier demo from `folder`; raises FileExistsError for anything that is not one."""
    mark = folder / ".segue-demo"
    parts = [folder / name for name in ("home", "outbox", "shop", "pictures", "print")]
    if not mark.exists() and any(part.exists() for part in parts):
        raise FileExistsError(f"{folder} holds something that is no demo; choose another folder with --folder")
    for part in parts:
        shutil.rmtree(part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()


def write_home_file(demo: Settings) -> None:
    """Keep beside the demo's database what it is played with, so that the desk and every command see the same shop."""
    since = demo.house.loyalty.starts_on
    lines = {
        "SEGUE_OUTBOX": demo.outbox.absolute(),
        "SEGUE_PRINT_FOLDER": demo.print_folder.absolute(),
        "SEGUE_PICTURES": demo.pictures and demo.pictures.absolute(),
        "SEGUE_BASE_URL": demo.base_url,
        "SEGUE_HOUSE__LOYALTY__STARTS_ON": since and since.isoformat(),
    }
    demo.home.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{name}='{value}'\n" for name, value in lines.items() if value)
    (demo.home / HOME_FILE).write_text(text, "utf-8")


def load_sample(segue: Segue, folder: Path, bars: Progress, *, customers: int) -> None:
    """Write the sample shop under `folder` and import it through the same doors as anybody's data."""
    making = bars.add_task("Making the sample shop", total=100)
    files = write_shop(
        folder / "shop",
        customers=customers,
        progress=lambda what, share: bars.update(
            making, description=f"Making the sample shop: {what}", completed=share * 100
        ),
    )
    draw_pictures(folder / "pictures")
    bars.update(making, description="Making the sample shop", completed=100)
    for file in files.in_order():
        task = bars.add_task(f"Importing {file.name}", total=None)
        mapping = _MAPPINGS / f"{file.stem}.toml"
        segue.import_file(
            file,
            mapping if file.suffix == ".csv" else None,
            progress=partial(advance, bars, task),
        )


def print_audiences(console: Console, report: AudienceReport) -> None:
    """Print who was in which ad audience at the end, and why others were not."""
    table = Table(title="Retargeting: ad audiences at the end")
    for head in ("audience", "considered", "in it", "held back", "left out, and why"):
        table.add_column(head, justify="left" if head in ("audience", "left out, and why") else "right")
    for line in report.lines:
        out = "; ".join(f"{count:,} {words.reason(reason, ('ads',))}" for reason, count in line.out.items())
        table.add_row(line.title, f"{line.considered:,}", f"{line.wanted:,}", f"{line.control:,}", out)
    console.print(table)


def print_sum(console: Console, summary: Summary) -> None:
    """Print the sum that always adds up, and who did not get it and why."""
    table = Table(title=f"{summary.journey.replace('_', ' ').capitalize()}: {summary.considered:,} considered")
    for head, side in (("step", "left"), ("what became of it", "left"), ("why", "left"), ("occasions", "right")):
        table.add_column(head, justify=side)  # type: ignore[arg-type]
    for line in summary.lines:
        why = words.reason(line.reason) or words.channel(line.channel)
        table.add_row(words.step(line.step), words.group(line.group), why, f"{line.count:,}")
    groups = " + ".join(f"{count:,} {words.group(group).lower()}" for group, count in summary.by_group().items())
    table.caption = f"{summary.considered:,} considered = {groups}"
    console.print(table)


def _show(bars: Progress, task: TaskID, reached: datetime) -> None:
    """Show how far the year is."""
    said = "Playing the parcels of spring"
    if reached >= SEASON_START:
        said = "Playing thirty days of carts" if reached < SEASON_END else "Playing the weeks after"
    bars.update(task, description=said, completed=(reached - PARCELS_START).days)


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<38}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield bars
