"""Writes the package of a connector of one's own: small, working, and proved by the contract."""

from __future__ import annotations

import json
import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from segue.cli.carried import Carried
from segue.settings import Settings

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What is particular about one kind of connector; `{}` stands for the provider."""

    #: Its templates are `<shape>.py.j2` and `<shape>_test.py.j2`.
    shape: str
    does: str
    how: str
    things: str = ""
    #: What its test plays the contract against.
    end: str = "a web server that answers as {} would"
    options: tuple[str, str] = ("token", "...")


_KINDS: Final = {
    Carried.EMAIL: _Kind(
        shape="message",
        does="Segue sends e-mails through {}.",
        things="e-mails",
        how="One JSON request a message, over one connection a batch.",
    ),
    Carried.SMS: _Kind(
        shape="message",
        does="Segue sends text messages through {}.",
        things="text messages",
        how="One JSON request a message, over one connection a batch.",
    ),
    Carried.PRINT: _Kind(
        shape="print",
        does="Segue prints cards for {}.",
        how="Pages wait in a folder; each run of a place becomes one PDF there.",
        end="a folder, and reads the PDFs back",
        options=("folder", "/srv/{}"),
    ),
    Carried.AUDIENCE: _Kind(
        shape="audience",
        does="Segue keeps ad audiences at {}.",
        how="One JSON request for who goes and one for who comes, hashed.",
    ),
    Carried.OFFERS: _Kind(
        shape="offers",
        does="Segue makes codes known to {}.",
        how="A hundred codes a JSON request; withdrawn codes stay withdrawn, and what was used is asked for.",
    ),
}


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
    kind = _KINDS[channel]
    source = package / "src" / f"segue_{name}"
    files = {
        package / "pyproject.toml": "pyproject.toml.j2",
        package / "README.md": "README.md.j2",
        source / "__init__.py": f"{kind.shape}.py.j2",
        package / "tests" / "conftest.py": "conftest.py.j2",
        package / "tests" / f"test_{name}.py": f"{kind.shape}_test.py.j2",
    }
    given = _given(name, channel, kind)
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.get_template(template).render(given), "utf-8")
    (source / "py.typed").touch()
    return package


def _given(name: str, channel: Carried, kind: _Kind) -> dict[str, object]:
    """What the templates are given."""
    title = "".join(part.capitalize() for part in name.split("_"))
    option, value = kind.options
    return {
        "name": name,
        "title": title,
        "channel": channel.value,
        "things": kind.things,
        "does": kind.does.format(title),
        "how": kind.how,
        "end": kind.end.format(title),
        "connectors": json.dumps(
            Settings.model_fields["connectors"].get_default(call_default_factory=True) | {channel.value: name}
        ),
        "options": json.dumps({name: {option: value.format(name)}}),
        #: Makers of codes hold nothing open.
        "has_close": channel is not Carried.OFFERS,
    }
