"""What may be typed into a form. Prefect keeps every word of it, so its server refuses what is somebody's address.

A model's validators run in the flow, after the words were stored; before, only the form's schema is asked. And a
refusal must not repeat what was typed: `pattern` and `maxLength` do, so they are rewritten here.
"""

from __future__ import annotations

import re
from typing import Any, Final

from prefect import Flow
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from flows.numbers import CURE, NO_PHONE
from segue.journeys.campaign_brief import LINE
from segue.journeys.campaign_brief import NAME as CAMPAIGN_NAME

_LETTER_OR_DIGIT: Final = "[A-Za-z0-9]"
#: An e-mail address, wherever it stands. A handle such as @saltmere is none.
_MAIL: Final = r"[^\s@(]@[^\s@]"
#: A sentence for colleagues: anything but an address or a phone number.
WORDS: Final = rf"{NO_PHONE}(?![\s\S]*{_MAIL})"
#: A file or folder: anything but an address. Numbers in names of files are days and orders.
FILE: Final = rf"^(?![\s\S]*{_MAIL})"
#: Ids of shops and ours hold a digit, which first names do not, and neither @ nor +. Digits alone are refused where
#: they are as many as a phone number has, or stand in groups, unless # or id: before them says that they are an id.
CUSTOMER: Final = (
    r"^\s*(?![0-9]{7,15}\s*$)(?![0-9.\/-]*[.\/-][0-9.\/-]*\s*$)"
    rf"(#|id:)?(?=[A-Za-z_.:\/-]*[0-9]){_LETTER_OR_DIGIT}[A-Za-z0-9_.:\/-]{{0,63}}\s*$"
)
#: A segment's name holds a letter.
SEGMENT: Final = rf"{NO_PHONE}(?=.*[A-Za-z]){_LETTER_OR_DIGIT}+(-{_LETTER_OR_DIGIT}+)*$"
#: A campaign's name.
CAMPAIGN: Final = NO_PHONE + CAMPAIGN_NAME
#: Numbers of orders, separated by commas.
NUMBERS: Final = rf"{NO_PHONE}[A-Za-z0-9#_.,;: \/-]*$"
#: A size as a shop writes it.
SIZE: Final = rf"{NO_PHONE}[A-Za-z0-9 .,\/½-]*$"
#: An IANA zone, or nothing.
ZONE: Final = r"^\s*([A-Za-z]+([\/_+-][A-Za-z0-9]+)*)?\s*$"
_DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.Z+-]*)?$"
#: A colleague's name: no address, no number.
NAME: Final = r"^\s*[^\s@+0-9][^@+0-9]*[^\s@+0-9]\s*$"

#: What a refusal of Prefect would quote together with the value.
_QUOTING: Final = ("pattern", "minLength", "maxLength")
#: Patterns of texts in which somebody might write an address -> what a refusal says of it.
_NO_ADDRESS: Final = {
    **dict.fromkeys((WORDS, NUMBERS), f"No e-mail address and no phone number. {CURE}"),
    **dict.fromkeys((SEGMENT, CAMPAIGN, SIZE, NAME, LINE), "No e-mail address and no phone number"),
    FILE: "No e-mail address",
}
#: A journey's pattern that is as strict as a form has to be only together with this one.
_STRICTER: Final = {LINE: NO_PHONE + LINE}


class Quiet(BaseModel):
    """A form whose texts are refused without being repeated."""

    model_config = ConfigDict(regex_engine="python-re")  # pydantic's own knows no (?!...)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the form to Prefect."""
        reference = handler(core_schema)
        for field in handler.resolve_ref_schema(reference).get("properties", {}).values():
            quieten(field)
        return reference


def shown(text: str | None) -> str:
    """What may be shown of words that no form has checked: those of the command line, or of a connector's error."""
    words = (text or "").strip()
    return words if re.search(WORDS, words) else "not shown here, since it looks like an address or a phone number"


def described(flow: Flow[Any, Any]) -> dict[str, Any]:
    """Return a flow's form as Prefect gets it; what the form does not ask for is refused, or it would be kept, too."""
    return {**parameter_schema(flow).model_dump_for_openapi(), "additionalProperties": False}


class Form(Quiet):
    """What every form is that is no journey's: nothing unknown is taken, and no error repeats what was typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def quieten(field: dict[str, Any]) -> None:
    """Rewrite what is asked of a text so that a refusal says what is wanted instead of what was typed.

    JSON Schema's `const` is the one rule whose refusal names the rule's value. A drop-down is left to its choices.
    """
    asked = {rule: field.pop(rule) for rule in _QUOTING if rule in field}
    if any(kind.get("format") == "date" for kind in (field, *field.get("anyOf", ()))):
        asked["pattern"] = _DAY  # Prefect's server looks at no `format`
    if asked and "enum" not in field:
        said = [str(field[part]) for part in ("title", "description") if part in field]
        if kind := _NO_ADDRESS.get(asked.get("pattern", "")):
            said.append(kind)
            asked["pattern"] = _STRICTER.get(asked["pattern"], asked["pattern"])
        if longest := asked.get("maxLength"):
            said.append(f"At most {longest:,} characters")
        field["if"] = asked
        field["else"] = {"const": ". ".join(one.rstrip(".") for one in said)}
