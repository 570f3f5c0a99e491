"""The files that `docs/how-to/add-a-journey.md` shows are a journey and its words, as they stand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from segue.contract import Channel
from segue.render.brand import Brand
from segue.render.links import Links
from segue.render.samples import who_in
from segue.render.templates import Library
from tests.render.conftest import TEMPLATES

PAGE = (TEMPLATES.parent / "docs" / "how-to" / "add-a-journey.md").read_text("utf-8")


def test_the_words_render_and_say_whom_they_stand_for(tmp_path: Path, brand: Brand, links: Links) -> None:
    shutil.copytree(TEMPLATES / "_layout", tmp_path / "_layout")
    folder = tmp_path / "thank_you" / "note"
    folder.mkdir(parents=True)
    files = re.findall(r"^`([a-z.0-9]+)`\n```\w*\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == ["subject.txt.j2", "email.txt.j2", "email.mjml.j2", "sample.json"]
    for name, text in files:
        (folder / name).write_text(text, "utf-8")
    step = Library(tmp_path, brand, links).step("thank_you/note")
    words = json.loads(dict(files)["sample.json"])
    assert words["who"] == who_in(words) == "Sarah"
    mail = step.email(words, message_id=1)
    assert mail.subject == "Sarah, thank you"
    assert "a person reads it" in mail.html


def test_the_journey_is_one() -> None:
    source, *_ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "segue.journeys.thank_you"}
    exec(compile(source, "thank_you.py", "exec", dont_inherit=True), names)  # noqa: S102 - our own page
    journey = names["JOURNEY"]
    assert (journey.name, journey.folders().keys()) == ("thank_you", {"thank_you/note"})
    assert journey.step("note").channels == (Channel.EMAIL,)
    assert journey.brief().after_days == 3
