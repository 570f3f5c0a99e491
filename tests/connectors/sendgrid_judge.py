"""What every request to SendGrid is held against: its own specification, and the documented limits that are not in it.

The specification lies beside the project, in `../shared/specs/sendgrid`; where it does not, only the limits judge.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

_FOLDER = Path(__file__).resolve().parents[2] / "../shared/specs/sendgrid"
HAS_SPECIFICATION = (_FOLDER / "tsg_mail_v3.json").exists()
MISSING = "SendGrid's specification is not at hand; it belongs into ../shared/specs/sendgrid"
_WHERE = "#/components/requestBodies/PostMailSend/content/application~1json/schema"


@cache
def specification() -> dict[str, Any]:
    """The mail specification with the overlay's corrections."""
    document: dict[str, Any] = json.loads((_FOLDER / "tsg_mail_v3.json").read_text("utf-8"))
    for action in json.loads((_FOLDER / "mail_v3.overlay.json").read_text("utf-8"))["actions"]:
        *path, last = [a or b for a, b in re.findall(r"\.(\w+)|\['([^']+)'\]", action["target"])]
        place = document
        for step in path:
            place = place[step]
        if "remove_then_set" in action:
            place[last] = action["remove_then_set"]
        else:
            place[last].update(action["set"])
    return document


@cache
def _validator(*, closed: bool) -> Draft202012Validator:
    document = copy.deepcopy(specification())
    if closed:
        _close(document["components"])
    document["$ref"] = _WHERE
    return Draft202012Validator(document, format_checker=FormatChecker())


def _close(schema: Any) -> None:
    """Let no object hold fields that its schema does not name."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
        for one in schema.values():
            _close(one)
    elif isinstance(schema, list):
        for one in schema:
            _close(one)


def complaints(body: dict[str, Any], *, closed: bool = True) -> list[str]:
    """What the specification has against a request; with `closed`, fields that it does not know are one."""
    if not HAS_SPECIFICATION:
        return []
    return [f"{error.json_path}: {error.message[:200]}" for error in _validator(closed=closed).iter_errors(body)]


def beyond(body: dict[str, Any]) -> list[str]:
    """What SendGrid's pages demand and its specification does not say."""
    people = body.get("personalizations", [])
    everybody = [one for p in people for kind in ("to", "cc", "bcc") for one in p.get(kind, [])]
    addresses = [one["email"].lower() for one in everybody]
    kinds = [part["type"] for part in body.get("content", [])]
    rules = {
        "more than 1,000 recipients in all": len(addresses) > 1_000,
        "an address comes twice": len(addresses) != len(set(addresses)),
        "a name with ; or ,": any(set(one.get("name", "")) & set(";,") for one in everybody),
        "no content": not kinds,
        "text/plain must come before text/html": kinds != sorted(kinds, reverse=True),
        "an attachment's type with ;": any(";" in file["type"] for file in body.get("attachments", [])),
        "30 MB or more": len(json.dumps(body)) > 30_000_000,
    }
    return [said for said, holds in rules.items() if holds] + [said for p in people for said in _person(body, p)]


def _person(body: dict[str, Any], p: dict[str, Any]) -> list[str]:
    arguments = json.dumps({**body.get("custom_args", {}), **p.get("custom_args", {})}).encode()
    pairs = p.get("substitutions", {}).items()
    rules = {
        "no subject": not (p.get("subject") or body.get("subject")),
        "custom_args too big": len(arguments) >= 10_000,
        "substitutions too big": sum(len(tag.encode()) + len(words.encode()) for tag, words in pairs) > 10_000,
    }
    return [said for said, holds in rules.items() if holds]
