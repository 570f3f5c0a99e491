"""Mapping files: a TOML page that says what the columns of somebody's table mean.

Read strictly: an unknown word is an error that names the file, the table, the key and the words allowed.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from pathlib import Path
from string import Formatter
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from segue.intake import values
from segue.intake.errors import BadValueError, MappingError
from segue.intake.kinds import EITHER, KINDS, NAMED_KINDS
from segue.intake.records import NAME_KINDS

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
_EXPRESSION = ("column", "text", "constant")


class Expression(BaseModel):
    """Where a field's value comes from: exactly one of `column`, `text`, `constant`."""

    model_config = _STRICT

    column: str | None = Field(None, description="Name of a column, any case.")
    text: str | None = Field(None, description="Text with {columns} in it; empty if one of them is.")
    constant: str | None = Field(None, description="The same for every row.")
    part: str | None = Field(None, description="Of a cell such as `size=XS,color=Black`, the value that this names.")
    match: str | None = Field(None, description="Regular expression with one group: what it finds; else nothing.")
    map: dict[str, str] | None = Field(None, description="Value in the file -> our word.")
    otherwise: str | None = Field(None, description="For values that `map` does not name; else the record is skipped.")
    default: str | None = Field(None, description="Where the cell is empty.")
    time_zone: str | None = Field(None, description="IANA zone of times without an offset; else the file's.")
    time_format: str | None = Field(None, description="strptime format, `unix` or `unix_ms`; else the file's.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        """A bare string is a column; numbers, truths and times of TOML become text."""
        if isinstance(given, str):
            return {"column": given}
        if isinstance(given, dict):
            return {key: _as_text(value) for key, value in given.items()}
        return given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(getattr(self, key) is not None for key in _EXPRESSION) != 1:
            raise ValueError("give exactly one of column, text, constant")
        if self.otherwise is not None and self.map is None:
            raise ValueError("otherwise needs a map")
        if self.text is not None:
            text_pieces(self.text)
        if self.part is not None and self.match is not None:
            raise ValueError("give part or match, not both")
        if self.match is not None:
            _check_pattern(self.match)
        _check_zone(self.time_zone)
        return self

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns it reads."""
        if self.column is not None:
            return (self.column,)
        return tuple(name for _, name in text_pieces(self.text) if name is not None) if self.text is not None else ()


class RecordSpec(BaseModel):
    """One kind of record that every row (or every row `when` lets through) holds."""

    model_config = _STRICT

    kind: str = Field(description="One of the record kinds.")
    when: dict[str, list[str]] = Field(
        default_factory=dict, description="Only rows whose column holds one of these; C* is all that begins with C."
    )
    unless: dict[str, list[str]] = Field(default_factory=dict, description="Not the rows whose column holds one.")
    fields: dict[str, Expression] = Field(description="Our field -> where it comes from.")
    properties: list[str] = Field(default_factory=list, description="For events: columns to keep with them.")

    @field_validator("when", "unless", mode="before")
    @classmethod
    def _one_or_many(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {name: [value] if isinstance(value, str) else value for name, value in given.items()}
        return given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is unknown; the kinds are {', '.join(KINDS)}")
        known = KINDS[self.kind]
        if strange := sorted(set(self.fields) - set(known)):
            raise ValueError(f"fields: unknown {', '.join(strange)}; a {self.kind} has {', '.join(known)}")
        if self.properties and self.kind != "event":
            raise ValueError("properties: only an event has them")
        if self.kind in NAMED_KINDS and not set(self.fields) & set(NAME_KINDS):
            raise ValueError(f"fields: a {self.kind} needs at least one of {', '.join(NAME_KINDS)}")
        if (either := EITHER.get(self.kind)) and not set(self.fields) & set(either):
            raise ValueError(f"fields: a {self.kind} needs at least one of {', '.join(either)}")
        return self

    def columns(self) -> tuple[str, ...]:
        """Return every column the record needs, in the order of the mapping file."""
        read = [name for expression in self.fields.values() for name in expression.columns()]
        return tuple(dict.fromkeys([*self.when, *self.unless, *read, *self.properties]))


class Mapping(BaseModel):
    """A whole mapping file."""

    model_config = _STRICT

    name: str = Field(description="Short name of the source; stands in reports and in the names of facts.")
    time_zone: str | None = Field(None, description="IANA zone of times without an offset.")
    time_format: str | None = Field(None, description="strptime format, `unix` or `unix_ms`; else ISO 8601.")
    currency: str | None = Field(None, description="ISO 4217, where no field says otherwise.")
    decimal_sign: Literal[".", ","] = Field(".", description="What precedes the cents.")
    calling_code: str | None = Field(None, pattern=r"^[1-9]\d{0,3}$", description="For phones without +, e.g. 44.")
    record: list[RecordSpec] = Field(min_length=1, description="The records of one row.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_zone(self.time_zone)
        if self.currency is not None:
            try:
                values.parse_currency(self.currency)
            except BadValueError as error:
                raise ValueError("currency: give three letters such as USD") from error
        for number, record in enumerate(self.record, start=1):
            for name, rule in KINDS[record.kind].items():
                has_default = rule.default is not None or (name == "currency" and self.currency is not None)
                may_follow = record.kind == "consent" and name == "basis"  # from the state
                if rule.required and name not in record.fields and not has_default and not may_follow:
                    raise ValueError(f"record {number} ({record.kind}): the field {name} is missing")
        return self


def load_mapping(path: Path | str) -> Mapping:
    """Read and check a mapping file; raises MappingError."""
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path.name} cannot be opened: {error.strerror}; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name} is not TOML: {error}") from error
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        raise MappingError("\n".join(f"{path.name}: {_sentence(problem)}" for problem in error.errors())) from error


def text_pieces(pattern: str) -> list[tuple[str, str | None]]:
    """Split `"{user_id}@example.com"` into pairs of fixed text and the column that follows it (or None)."""
    try:
        parsed = list(Formatter().parse(pattern))
    except ValueError as error:
        raise ValueError(f"text: {error}") from error
    for _, name, spec, conversion in parsed:
        if name is not None and (not name or spec or conversion):
            raise ValueError("text: write {column} and nothing else between the braces")
    return [(fixed, name) for fixed, name, _, _ in parsed]


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, (int, float)) else value


def _check_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"match: {error}") from error
    if groups != 1:
        raise ValueError("match: put what is wanted in one pair of parentheses, and no other")


def _check_zone(zone: str | None) -> None:
    if zone is not None:
        try:
            values.parse_zone(zone)
        except BadValueError as error:
            raise ValueError("time_zone: give an IANA name such as America/New_York or UTC") from error


def _sentence(problem: Any) -> str:
    """Say where (table, key) and what; pydantic counts from 0, people from 1."""
    where = [f"{part + 1}" if isinstance(part, int) else str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        model = _model_at(problem["loc"])
        message = f"unknown key; allowed are {', '.join(model.model_fields)}"
    return f"[{'.'.join(where)}] {message}" if where else message


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    if "fields" in location[:-1]:
        return Expression
    return RecordSpec if location[0] == "record" and len(location) > 2 else Mapping
