"""What every request to Twilio is held against: its own specification, and the documented rules that are not in it.

The specification lies beside the project, in `../shared/specs/twilio`; where it does not, only the rules judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

SPECIFICATION = Path(__file__).resolve().parents[2] / "../shared/specs/twilio/twilio_api_v2010.json"
HAS_SPECIFICATION = SPECIFICATION.exists()
MISSING = "Twilio's specification is not at hand; it belongs into ../shared/specs/twilio"
_PATH = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
_WHERE = f"#/paths/{_PATH.replace('~', '~0').replace('/', '~1')}/post/requestBody/content"
_NUMBERS = {"ValidityPeriod": int, "Attempt": int}


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SPECIFICATION.read_text("utf-8"))
    return document


@cache
def _validator() -> Draft202012Validator:
    document = dict(_document())
    content = document["paths"][_PATH]["post"]["requestBody"]["content"]
    content["application/x-www-form-urlencoded"]["schema"]["additionalProperties"] = False
    document["$ref"] = f"{_WHERE}/application~1x-www-form-urlencoded/schema"
    return Draft202012Validator(document, format_checker=FormatChecker())


def complaints(path: str, form: Mapping[str, Sequence[str]]) -> list[str]:
    """What the specification has against a request, and what Twilio's pages demand beyond it."""
    said = [f"{name} comes {len(found)} times" for name, found in form.items() if len(found) != 1]
    fields: dict[str, Any] = {name: found[0] for name, found in form.items()}
    for name, kind in _NUMBERS.items():
        if name in fields:
            fields[name] = kind(fields[name])
    account = re.fullmatch(r"/2010-04-01/Accounts/([^/]+)/Messages\.json", path)
    if account is None:
        said.append("this is not where messages are created")
    if HAS_SPECIFICATION:
        said += [f"{error.json_path}: {error.message[:200]}" for error in _validator().iter_errors(fields)]
        pattern = _document()["paths"][_PATH]["post"]["parameters"][0]["schema"]["pattern"]
        if account is not None and not re.fullmatch(pattern, account[1]):
            said.append("the account is none")
    return said + beyond(fields)


def beyond(fields: Mapping[str, Any]) -> list[str]:
    """What the specification does not say: one sender, a body of at most 1,600 characters, E.164, a validity."""
    said = []
    if ("From" in fields) == ("MessagingServiceSid" in fields):
        said.append("one sender, not none and not two")
    if not re.fullmatch(r"\+[1-9][0-9]{1,14}", fields.get("To", "")):
        said.append("To is not E.164")
    if not 1 <= len(fields.get("Body", "")) <= 1_600:
        said.append("a body has 1 to 1,600 characters")
    if not 1 <= fields.get("ValidityPeriod", 1) <= 36_000:
        said.append("a validity is 1 to 36,000 seconds")
    return said
