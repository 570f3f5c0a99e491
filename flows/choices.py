"""Drop-downs: a form's field that offers what exists when the form is described to Prefect.

What is fixed, such as journeys, is listed once. What grows, such as segments and pop-ups, is asked for whenever the
form is described: by `make up`, and by `flows.fresh_forms` after something new came in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, Final

from flows.errors import FlowError, without_personal_data
from segue.journeys.segments import Definition
from segue.service import open_segue

#: Marks a field whose choices come and go; a saved default stays choosable when its own choice has gone.
GROWS: Final = "x-grows"


def drop_down(choices: Iterable[str]) -> dict[str, Any]:
    """What a field's `json_schema_extra` needs so that Prefect's form offers `choices`."""
    return {"enum": list(choices)}


def growing(
    choices: Callable[[], Iterable[str]], *, first: str | None = None, none_yet: str | None = None
) -> Callable[[dict[str, Any]], None]:
    """The same of choices that are asked for each time the form is described.

    `first` stands before them. Where there are none, `none_yet` is the field's description and says what to do; without
    `first` the field then takes any text.
    """

    def describe(schema: dict[str, Any]) -> None:
        found = list(choices())
        schema[GROWS] = True
        if offered := [*([first] if first else []), *found]:
            schema["enum"] = offered
        if not found and none_yet is not None:
            schema["description"] = none_yet

    return describe


def chosen(value: str, choices: Iterable[str]) -> str:
    """Return `value`; raises ValueError with the choice where it is none of them."""
    known = list(choices)
    if value not in known:
        raise ValueError(f"choose one of: {', '.join(known)}")
    return value


def meaning_of(segment: str) -> Definition:
    """Return what a segment that was chosen means at this moment; raises FlowError with the choice for none such."""
    with without_personal_data("Reading the segment"), open_segue() as segue:
        try:
            return segue.segment(segment)
        except KeyError as error:
            raise FlowError(str(error.args[0])) from None


def keeping_saved(schema: dict[str, Any], saved: dict[str, Any]) -> dict[str, Any]:
    """Return a deployment's form in which what somebody saved as its default is still offered where choices grow.

    Else Prefect would refuse the form, and with it `make up`, as soon as the pop-up of a default is over.
    """
    kept = deepcopy(schema)
    for form, values in saved.items():
        model = _model(kept, form)
        for field, value in values.items() if isinstance(values, dict) else ():
            known = model.get("properties", {}).get(field, {})
            if known.get(GROWS) and isinstance(value, str) and value not in known.get("enum", [value]):
                known["enum"].append(value)
    return kept


def _model(schema: dict[str, Any], form: str) -> dict[str, Any]:
    reference = str(schema.get("properties", {}).get(form, {}).get("$ref", ""))
    found: dict[str, Any] = schema.get("definitions", {}).get(reference.rpartition("/")[2], {})
    return found
