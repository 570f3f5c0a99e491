"""The README is true: every command in it runs, every file it names is there, every figure comes from `bench/`."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.sample import write_shop
from segue.settings import load_settings, settings_of

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
SEGUE = [line for line in COMMANDS if line.startswith(".venv/bin/segue ")]
MAKE = [line for line in COMMANDS if line.startswith("make ")]

SHOPIFY_ORDER = """\
Name,Email,Financial Status,Paid at,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Id
#1001,robin@example.com,paid,2026-03-07 09:12:44 -0800,USD,74.00,2026-03-07 09:12:44 -0800,1,Wool - 8,74.00,5000000001
"""


def segue(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, in a home of its own."""
    environment = os.environ | {"SEGUE_HOME": str(folder / "home"), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", "from segue.cli import main; main()", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README's commands name, and customers already read."""
    folder = tmp_path_factory.mktemp("readme")
    files = write_shop(folder / "shop", customers=200)
    mappings = ROOT / "segue" / "sample" / "mappings"
    shutil.copy(files.orders, folder / "orders.csv")
    shutil.copy(mappings / "orders.toml", folder / "my-orders.toml")
    shutil.copy(files.events, folder / "events.jsonl")
    (folder / "orders_export_1.csv").write_text(SHOPIFY_ORDER, "utf-8")
    done = segue(["import", str(files.customers), "--mapping", str(mappings / "customers.toml")], folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_command_is_a_known_kind() -> None:
    """A command nobody runs here must not hide among the others."""
    assert len(SEGUE) + len(MAKE) == len(COMMANDS) >= 8


@pytest.mark.parametrize("line", SEGUE)
def test_every_segue_command_runs(line: str, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends well and says something. In this process: what a process adds is tested below."""
    monkeypatch.chdir(shop)
    monkeypatch.setenv("SEGUE_HOME", str(shop / "home"))
    load_settings.cache_clear()
    done = CliRunner().invoke(app, shlex.split(line)[1:])
    load_settings.cache_clear()
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.stdout.strip()
    assert "Traceback" not in done.output


@pytest.mark.parametrize("line", MAKE)
def test_every_make_command_has_a_target(line: str) -> None:
    """The long ones are run whole by CI and by the browser test; here: make knows them."""
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run([make, "-n", *line.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_it_names_is_there() -> None:
    """Links, pictures, and the tests that the promises point to."""
    named = re.findall(r"\]\(((?!http)[^)#]+)\)", README) + re.findall(r' src="([^"]+)"', README)
    named += list(re.findall(r"`((?:tests|segue|examples|bench)/[\w./]*)`", README))
    assert named
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_its_figures_are_those_of_the_bench() -> None:
    """Each row between the marks names a figure of the last results and gives it as it was measured."""
    shown = README.partition("<!-- figures -->\n")[2].partition("<!-- /figures -->")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in shown.splitlines()[2:] if line]
    results = json.loads((ROOT / "bench" / "results.json").read_text("utf-8"))
    measured = {one["name"]: f"{one['value']:.2f}" for part in results["parts"].values() for one in part["figures"]}
    assert len(rows) >= 4
    assert {name: value for name, value, _ in rows} == {name: measured[name] for name, _, _ in rows}


def test_every_command_explains_itself() -> None:
    """`--help` names each command, and each command's own help says what it is for."""
    runner = CliRunner()
    listed = runner.invoke(app, ["--help"]).stdout
    for name in ("demo", "up", "import", "explain", "outbox", "pause", "resume", "connectors", "doctor"):
        assert name in listed
        told = runner.invoke(app, [name, "--help"])
        assert told.exit_code == 0
        assert len(told.stdout) > 100


def test_an_error_is_one_sentence_with_its_cure(tmp_path: Path) -> None:
    """A file that is not there; an order number that no card has."""
    gone = segue(["import", "nothing.csv"], tmp_path)
    assert gone.returncode == 1
    assert "nothing.csv does not exist" in gone.stdout + gone.stderr
    assert "Traceback" not in gone.stderr
    unknown = segue(["print", "--again", "4711"], tmp_path)
    assert unknown.returncode == 2
    assert "no printed card for 4711" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_a_database_that_is_down_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where to look, and without the password."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", "postgresql+psycopg://segue:swordfish@127.0.0.1:1/segue")
    down = segue(["doctor"], tmp_path)
    assert down.returncode == 2
    assert "the database cannot be reached" in down.stderr
    assert "SEGUE_DATABASE_URL" in down.stderr
    assert "Traceback" not in down.stderr
    assert "swordfish" not in down.stderr


def test_the_outbox_shows_first_what_stands_still(tmp_path: Path) -> None:
    """Until it is resumed; a name that is none is refused with the choice."""
    assert segue(["pause", "channel:sms", "--reason", "wrong [number]"], tmp_path).returncode == 0
    shown = segue(["outbox"], tmp_path).stdout
    assert "channel:sms" in shown.partition("Outbox")[0]
    assert "wrong [number]" in shown
    assert segue(["resume", "channel:sms"], tmp_path).returncode == 0
    assert "channel:sms" not in segue(["outbox"], tmp_path).stdout
    refused = segue(["pause", "sms", "--reason", "x"], tmp_path)
    assert refused.returncode == 2
    assert "connector:smtp" in refused.stderr
    assert "Traceback" not in refused.stderr


#: What the demo's page about Sarah tells of the story's twelve lines.
HER_YEAR = (
    "Bought for $108.80", "Card printed",
    "Opened the landing page of a code", "Joined the ad audience “Opened a landing page”",
    "Put in the cart", "Reminder by e-mail: sent", "Last call by text message: sent",
    "Joined the ad audience “Left in a cart”", "Joined the ad audience “Looked at”",
    "Clicked an ad", "Bought for $95.40", "was used",
    "Receipt by e-mail: sent", "Left the ad audience “Left in a cart”",
    "Joined the ad audience “Goes with what she bought”",
    "Invite by e-mail: sent", "Month by e-mail: sent",
    "A friend bought with the code for friends", "$15.00 off, good for 90 days",
    "Looks by e-mail: sent", "Followed us", "Posted about us", "Earned 50 points for a post",
)  # fmt: skip


def test_the_demo_plays_and_leaves_its_pages(tmp_path: Path) -> None:
    """A small one replaces what an earlier one left; a folder that is no demo is left alone."""
    folder = tmp_path / "out"
    (folder / "home").mkdir(parents=True)
    (folder / "home" / "old").touch()
    (folder / ".segue-demo").touch()
    done = segue(["demo", "--folder", str(folder), "--customers", "200"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (folder / "index.html").is_file()
    assert "considered =" in done.stdout
    assert not (folder / "home" / "old").exists()
    page = (folder / "gallery" / "story.html").read_text("utf-8")
    assert [line for line in HER_YEAR if line not in page] == [], "Sarah's whole year, line by line"
    assert "gallery/busiest.html" in (folder / "index.html").read_text("utf-8"), "a day on which several wanted one"
    its = settings_of(folder / "home")
    assert (its.outbox, its.pictures) == (folder / "outbox", folder / "pictures"), "its desk looks where it wrote"
    assert its.house.loyalty.starts_on is not None, "its desk knows of points"
    (tmp_path / "mine" / "home").mkdir(parents=True)
    refused = segue(["demo", "--folder", str(tmp_path / "mine")], tmp_path)
    assert refused.returncode == 2
    assert (tmp_path / "mine" / "home").is_dir()
