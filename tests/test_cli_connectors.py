"""`segue connectors`: what is installed, what is missing, and the first steps of one's own."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.contract import ConfigurationError
from segue.outbox import connectors, installed
from segue.outbox.connectors import load_connectors
from segue.outbox.installed import describe_connectors
from segue.settings import Settings


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "250")
    return CliRunner()


def test_it_lists_what_each_carries_and_takes(runner: CliRunner) -> None:
    described = {one.name: one for one in describe_connectors()}
    assert described["files"].carries == ("email", "sms", "offers")
    assert described["webhook"].carries == ("email", "print", "sms", "audience")
    assert described["shopify_offers"].carries == ("offers",)
    assert [one.name for one in described["webhook"].settings if one.default is None] == ["url", "secret"]
    assert ("port", "587") in [(one.name, one.default) for one in described["smtp"].settings]
    assert "folder" not in [one.name for one in described["files"].settings], "Segue gives it"
    assert all(one.trouble is None for one in described.values() if one.name in {"files", "smtp", "webhook"})
    shown = runner.invoke(app, ["connectors"]).stdout
    for word in ("url*", "secret*", "port=587", "webhook", "print_insert"):
        assert word in shown


def test_a_narrow_terminal_cuts_no_setting_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [line.split("│") for line in CliRunner().invoke(app, ["connectors"]).stdout.splitlines() if "│" in line]
    assert "shopify_offers" in {row[1].strip() for row in rows}
    told = "".join(row[5].strip() for row in rows)
    for word in ("access_token*", "window_minutes=60", "redemption_columns="):
        assert word in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"url": "https://hooks.example.com", "secret": "a" * 16, "hue": "red"},
            "does not take these options: hue",
        ),
        ({"url": "https://hooks.example.com"}, "lacks these options: secret"),
        ({}, "lacks these options: url, secret"),
    ],
)
def test_options_that_do_not_fit_are_named_with_the_cure(options: dict[str, str], said: str) -> None:
    """And no value of theirs, since some are secrets."""
    settings = Settings(connectors={"email": "webhook"}, connector_options={"webhook": options})
    with pytest.raises(ConfigurationError, match=f"{said}; see webhook in SEGUE_CONNECTOR_OPTIONS") as caught:
        load_connectors(settings)
    assert "hooks.example.com" not in str(caught.value)


def test_several_may_keep_audiences(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """`meta, webhook`: each serves."""
    settings = Settings(connectors={"audience": "files, webhook", "offers": "files"})
    monkeypatch.setattr("segue.settings.load_settings", lambda: settings)
    shown = {
        line.split("│")[1].strip(): line
        for line in runner.invoke(app, ["connectors"]).stdout.splitlines()
        if "│" in line
    }
    assert [cell.strip() for cell in shown["webhook"].split("│")[3:5]] == ["email, print, sms, audience", "audience"]
    assert shown["files"].split("│")[4].strip() == "audience, offers"


BROKEN = """
from segue.contract import ConfigurationError
raise ConfigurationError("the lacking connector needs its SDK: pip install 'segue[lacking]'")
"""


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three connectors: one that lacks its SDK and says so, one whose import fails, one that is well."""
    (tmp_path / "lacking_an_sdk.py").write_text(BROKEN)
    (tmp_path / "lacking_itself.py").write_text("import no_such_package_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = [
        EntryPoint("lacking", "lacking_an_sdk:Connector", "segue.connectors"),
        EntryPoint("broken", "lacking_itself:Connector", "segue.connectors"),
        EntryPoint("smtp", "connectors.smtp:SmtpConnector", "segue.connectors"),
    ]
    for module in (connectors, installed):
        monkeypatch.setattr(module, "entry_points", lambda **_: found)


@pytest.mark.usefixtures("points")
def test_a_missing_extra_says_the_line_that_installs_it(runner: CliRunner) -> None:
    """In the list, where it hides no other, and to whoever names the connector."""
    shown = runner.invoke(app, ["connectors"])
    assert shown.exit_code == 0
    assert "pip install 'segue[lacking]'" in shown.stdout
    assert "no_such_package_anywhere" in shown.stdout
    assert "port=587" in shown.stdout
    for name, cure in (("lacking", r"pip install 'segue\[lacking\]'"), ("broken", "no_such_package_anywhere")):
        with pytest.raises(ConfigurationError, match=cure):
            load_connectors(Settings(connectors={"email": name}))


@pytest.mark.parametrize(
    "name", ["", "Acme", "9lives", "a b", "../up", "acme-mail", "a__b", "class", "x" * 41, "ä", "smtp"]
)
def test_a_name_that_cannot_be_one_is_refused(runner: CliRunner, tmp_path: Path, name: str) -> None:
    """Nor one that is taken: the two would hide each other."""
    done = runner.invoke(app, ["connectors", "new", name, "--channel", "sms", "--folder", str(tmp_path)])
    assert isinstance(done.exception, ValueError)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(runner: CliRunner, tmp_path: Path) -> None:
    """And it says what to do next."""
    arguments = ["connectors", "new", "acme", "--channel", "email", "--folder", str(tmp_path)]
    made = runner.invoke(app, arguments)
    assert made.exit_code == 0
    assert "pip install --editable ." in made.stdout
    source = tmp_path / "segue-acme-connector" / "src" / "segue_acme" / "__init__.py"
    source.write_text("mine")
    assert isinstance(runner.invoke(app, arguments).exception, FileExistsError)
    assert source.read_text() == "mine"


def test_what_is_written_holds_no_gaps(runner: CliRunner, tmp_path: Path) -> None:
    """Nothing is left of the template, and nothing is left to be filled in."""
    for channel in ("sms", "email"):
        runner.invoke(app, ["connectors", "new", f"acme_{channel}", "--channel", channel, "--folder", str(tmp_path)])
    texts = [path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) == 12
    for text in texts:
        assert not [gap for gap in ("{{", "{%", "TODO", "NotImplemented", "    pass\n") if gap in text]
