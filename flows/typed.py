"""What may be typed into a form. Prefect keeps every word of it, so its server refuses what is somebody's address.

A model's validators run in the flow, after the words were stored; before, only the form's schema is asked. And a
refusal must not repeat what was typed: `pattern` and `maxLength` do, so they are rewritten here.
"""

from __future__ import annotations

from typing import Any, Final

from prefect import Flow
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from segue.journeys.campaign_brief import LINE

_LETTER_OR_DIGIT: Final = "[A-Za-z0-9]"
#: An e-mail address, wherever it stands. A handle such as @saltmere is none.
_MAIL: Final = r"[^\s@(]@[^\s@]"
#: Phone numbers as people write them. Dates, order numbers and amounts are none.
_GROUPED: Final = r"(^|[^0-9])\(?[0-9]{3}\)?[ .-]{0,2}[0-9]{3}[ .-][0-9]{4}($|[^0-9])"
#: Nine or ten digits as much of Europe groups them: `612 345 678`, `333 1234567`, `050 123 45 67`.
_SHAPES: Final = {" ": ("333", "37", "3222", "3322", "2322", "22222"), "-": ("333", "3222", "3322"), r"\.": ("22222",)}
_SPACED: Final = "|".join(
    gap.join(f"[0-9]{{{count}}}" for count in shape) for gap, shapes in _SHAPES.items() for shape in shapes
)
_GAPPED: Final = rf"(^|[^0-9])({_SPACED})($|[^0-9])"
#: A zero, then two groups: `0161 496 0000`, `0412 345 678`, `03-1234-5678`; the groups of a date are shorter.
_TRUNK: Final = r"(^|[^0-9])\(?0[0-9]{1,4}\)?( [0-9]{3,4} |-[0-9]{3,4}-)[0-9]{3,4}($|[^0-9])"
_PHONE: Final = (
    r"\+[0-9][0-9 ().\/-]{5,}" r"|(^|[^0-9])0[0-9]{2,5}[ \/-]?[0-9]{4,}" rf"|[0-9]{{10,}}|{_GROUPED}|{_GAPPED}|{_TRUNK}"
)
#: A sentence for colleagues: anything but an address or a phone number.
WORDS: Final = rf"^(?![\s\S]*({_MAIL}|{_PHONE}))"
#: A file or folder: anything but an address. Numbers in names of files are days and orders.
FILE: Final = rf"^(?![\s\S]*{_MAIL})"
#: Ids of shops and ours hold a digit, which first names do not, and neither @ nor +. Digits alone are refused where
#: they are as many as a phone number has, or stand in groups; an id of so many is written with `id:` before it.
CUSTOMER: Final = (
    r"^\s*(?!0[0-9]{6,}\s*$)(?![0-9]{10,12}\s*$)(?![0-9.\/-]*[.\/-][0-9.\/-]*\s*$)"
    rf"(id:)?(?=[A-Za-z_.:\/-]*[0-9]){_LETTER_OR_DIGIT}[A-Za-z0-9_.:\/-]{{0,63}}\s*$"
)
#: A segment's name holds a letter, or a phone number would be one.
SEGMENT: Final = rf"^(?=.*[A-Za-z]){_LETTER_OR_DIGIT}+(-{_LETTER_OR_DIGIT}+)*$"
#: Numbers of orders, separated by commas. Shops number them with as many digits as phones have, and with zeros before.
NUMBERS: Final = rf"^(?![\s\S]*({_GROUPED}))[A-Za-z0-9#_.,;: \/-]*$"
#: An IANA zone, or nothing.
ZONE: Final = r"^\s*([A-Za-z]+([\/_+-][A-Za-z0-9]+)*)?\s*$"
_DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.Z+-]*)?$"
#: A colleague's name: no address, no number.
NAME: Final = r"^\s*[^\s@+0-9][^@+0-9]*[^\s@+0-9]\s*$"

#: What a refusal of Prefect would quote together with the value.
_QUOTING: Final = ("pattern", "minLength", "maxLength")
#: Patterns of texts in which somebody might write an address.
_NO_ADDRESS: Final = frozenset({WORDS, FILE, SEGMENT, NUMBERS, NAME, LINE})


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
        if asked.get("pattern") in _NO_ADDRESS:
            said.append("No e-mail address and no phone number")
        if longest := asked.get("maxLength"):
            said.append(f"At most {longest:,} characters")
        field["if"] = asked
        field["else"] = {"const": ". ".join(one.rstrip(".") for one in said)}
