"""What every print connector keeps to, asked of the one that prints cards; its files are read by pypdf."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import pytest
from pypdf import PdfReader

from connectors.print_insert import PrintInsertConnector
from connectors.print_spool import Spool
from segue.contract.fake import Answer
from segue.contract.suite import message
from segue.contract.suite_print import PrintConnectorContract


class Room:
    """The provider's end of a connector that prints: its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def answer(self, *answers: Answer) -> None:
        if "unauthorised" in answers:
            self.path.write_text("in the way")

    def arrived(self) -> int:
        return len(Spool(self.path).pages([message(n).key for n in range(2000)])) if self.path.is_dir() else 0

    kept = arrived


class TestPrintInsert(PrintConnectorContract):
    answers: ClassVar[frozenset[Answer]] = frozenset({"ok", "unauthorised"})

    @pytest.fixture
    def wire(self, tmp_path: Path) -> Room:
        return Room(tmp_path / "print")

    @pytest.fixture
    def connector(self, wire: Room) -> PrintInsertConnector:
        return PrintInsertConnector(folder=wire.path)

    def play(self, wire: Room, *answers: Answer) -> None:  # type: ignore[override]
        if answers[0] == "ok" and len(answers) > 1:
            pytest.skip("a folder does not change its mind in the middle of a batch")
        super().play(wire, *answers)

    def cards_in(self, path: Path) -> list[int]:
        backs = [page.extract_text() for page in PdfReader(path).pages][1::2]
        return [int(found.group(1)) for back in backs if (found := re.search(r"#(\d+)", back))]
