"""Writes the package of a connector of one's own: small, working, and proved by the contract."""

from __future__ import annotations

import keyword
import re
from enum import StrEnum
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_LONGEST_NAME: Final = 40


class Carried(StrEnum):
    """What a new connector can carry."""

    EMAIL = "email"
    SMS = "sms"


_THINGS: Final = {Carried.EMAIL: "e-mails", Carried.SMS: "text messages"}


def write_skeleton(name: str, channel: Carried, folder: Path) -> Path:
    """Write `segue-NAME-connector` into `folder` and return its path.

    Raises ValueError for a name that cannot be one, FileExistsError rather than overwrite anything.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or keyword.iskeyword(name):
        raise ValueError("a connector's name has small letters, digits and single _ between them, such as acme_mail")
    package = folder / f"segue-{name.replace('_', '-')}-connector"
    if package.exists():
        raise FileExistsError(f"{package} is there already; choose another name or --folder, or move it away")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # noqa: S701 - Python and TOML, from a name that was checked
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    title = "".join(part.capitalize() for part in name.split("_"))
    source = package / "src" / f"segue_{name}"
    files = {
        package / "pyproject.toml": "pyproject.toml.j2",
        package / "README.md": "README.md.j2",
        source / "__init__.py": "connector.py.j2",
        package / "tests" / "conftest.py": "conftest.py.j2",
        package / "tests" / f"test_{name}.py": "test_connector.py.j2",
    }
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = environment.get_template(template).render(
            name=name, title=title, channel=channel.value, things=_THINGS[channel]
        )
        path.write_text(text, "utf-8")
    (source / "py.typed").touch()
    return package
