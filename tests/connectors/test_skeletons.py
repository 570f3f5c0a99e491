"""`segue connectors new` for whatever a connector can carry: its own tests are green, and red once it is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest

from segue.cli.skeleton import Carried, write_skeleton
from tests.connectors.stranger import ROOT

pytestmark = pytest.mark.xdist_group("skeletons")

#: What is broken in the connector's source, and the one test of its package that must notice.
_MUTANTS: Mapping[Carried, tuple[str, str, str]] = {
    Carried.EMAIL: ('"subject": content.subject', '"subject": ""', "test_what_arrives_is_what_was_written"),
    Carried.SMS: ("raise UncertainError(", "raise TransientError(", "test_no_answer_after_the_bytes_is_uncertain"),
    Carried.PRINT: ("if not path.exists():", "if True:", "test_the_first_page_of_a_key_stays"),
    Carried.AUDIENCE: (
        '(("remove", change.remove), ("add", change.add))',
        '(("add", change.add), ("remove", change.remove))',
        "test_removes_before_it_adds",
    ),
    Carried.OFFERS: ('state == "active"', "state", "test_a_withdrawn_code_stays_withdrawn"),
}
#: What no folder can play, and prices, which nobody has to have.
_MAY_SKIP = ("it has no prices", "this wire cannot play")

Fates = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> Fates:
    """What became of every test, by package: each as it is written, and each broken, all in one process."""
    folder = tmp_path_factory.mktemp("skeletons")
    for channel, (right, wrong, _) in _MUTANTS.items():
        write_skeleton(f"good_{channel}", channel, folder)
        source = write_skeleton(f"bad_{channel}", channel, folder) / "src" / f"segue_bad_{channel}" / "__init__.py"
        written = source.read_text("utf-8")
        assert right in written
        source.write_text(written.replace(right, wrong), "utf-8")
    noticing = " or ".join(test for *_, test in _MUTANTS.values())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--junitxml=told.xml", "-k", f"good or {noticing}", *folder.glob("segue-*")],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": ":".join(str(path) for path in (ROOT, *folder.glob("*/src"))),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # none is needed, and their start takes longer than the tests
        },
        capture_output=True,
        text=True,
        check=False,
    )
    found: Fates = {}
    for case in ET.parse(folder / "told.xml").iter("testcase"):  # noqa: S314 - written a moment ago
        package = case.attrib["classname"].split(".")[-2].removeprefix("test_")
        fate = next((f"{one.tag}: {one.get('message')}" for one in case), "passed")
        found.setdefault(package, {})[case.attrib["name"]] = fate
    assert found, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("channel", Carried)
def test_what_is_written_keeps_the_contract(fates: Fates, channel: Carried) -> None:
    told = fates[f"good_{channel}"]
    skipped = {fate.removeprefix("skipped: ") for fate in told.values() if fate.startswith("skipped: ")}
    assert {name: fate for name, fate in told.items() if not fate.startswith(("passed", "skipped"))} == {}
    assert [reason for reason in skipped if not reason.startswith(_MAY_SKIP)] == []
    assert channel is Carried.PRINT or not any("cannot play" in reason for reason in skipped)
    assert list(told.values()).count("passed") >= 14


@pytest.mark.parametrize("channel", Carried)
def test_its_tests_notice_what_is_broken(fates: Fates, channel: Carried) -> None:
    test = _MUTANTS[channel][2]
    told = [fate for name, fate in fates[f"bad_{channel}"].items() if name.startswith(test)]
    assert told
    assert any(fate.startswith("failure: ") for fate in told), told
