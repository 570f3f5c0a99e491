"""From a mapping to functions: what a field is in this row, parsed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Values
from dataclasses import dataclass
from typing import Any

from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.kinds import KINDS, Field
from segue.intake.mapping import Expression, Mapping, RecordSpec, text_pieces
from segue.intake.report import Tally
from segue.intake.rows import Row, reader_of

Text = Callable[[Row], str]
Read = Callable[[Row, Tally], Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """One record of a mapping, ready to be read from rows."""

    kind: str
    wanted: Callable[[Row], bool]
    fields: tuple[tuple[str, Read], ...]
    properties: tuple[tuple[str, Text], ...]
    #: The same in every row: read once a file.
    constant: bool

    def read(self, row: Row, tally: Tally) -> dict[str, Any]:
        """Parse every field of `row`; raises BadValueError for what costs the record."""
        return {name: read(row, tally) for name, read in self.fields}


def compile_record(spec: RecordSpec, mapping: Mapping, columns: tuple[str, ...]) -> Compiled:
    """Bind a record of the mapping to the columns of a file, which must all be there."""
    rules = KINDS[spec.kind]
    money_in = _currency(spec, mapping, columns)
    fields = []
    for name, rule in rules.items():
        expression = spec.fields.get(name)
        if expression is None and name == "currency" and mapping.currency is not None:
            expression = Expression(constant=mapping.currency)
        if expression is None and rule.default is not None:
            expression = Expression(constant=rule.default)
        if expression is None:
            continue
        parse = _parser(name, rule, expression, mapping, money_in)
        fields.append((name, _reading(name, rule, expression, columns, parse)))
    return Compiled(
        kind=spec.kind,
        wanted=_filter(spec, columns),
        fields=tuple(fields),
        properties=tuple((name, _column(columns, name)) for name in spec.properties),
        constant=not spec.columns(),
    )


def _column(columns: tuple[str, ...], name: str) -> Text:
    reader = reader_of(columns, name)
    if reader is None:
        raise LookupError(name)
    return reader


def _filter(spec: RecordSpec, columns: tuple[str, ...]) -> Callable[[Row], bool]:
    tests = [(_column(columns, name), frozenset(words), True) for name, words in spec.when.items()]
    tests += [(_column(columns, name), frozenset(words), False) for name, words in spec.unless.items()]
    if len(tests) == 1:
        ((only, words, wanted),) = tests
        return lambda row: (only(row).strip() in words) is wanted
    return lambda row: all((read(row).strip() in words) is wanted for read, words, wanted in tests)


def _source(expression: Expression, columns: tuple[str, ...]) -> Text:
    if expression.constant is not None:
        constant = expression.constant
        return lambda _row: constant
    if expression.column is not None:
        return _column(columns, expression.column)
    pieces = [(fixed, name and _column(columns, name)) for fixed, name in text_pieces(expression.text or "")]

    def build(row: Row) -> str:
        out = []
        for fixed, read in pieces:
            out.append(fixed)
            if callable(read):
                value = read(row).strip()
                if not value:
                    return ""
                out.append(value)
        return "".join(out)

    return build


def _reading(name: str, rule: Field, expression: Expression, columns: tuple[str, ...], parse: Any) -> Read:
    """Empty cells, value maps and forgiveness around a parser."""
    source, words, otherwise, default = (
        _source(expression, columns),
        expression.map,
        expression.otherwise,
        expression.default or "",
    )
    at_fault = next(iter(expression.columns()), name)

    def read(row: Row, tally: Tally) -> Any:
        raw = source(row).strip() or default
        try:
            if words is not None and raw:
                raw = _translated(words, otherwise, raw)
            return parse(raw, row, tally) if raw else _nothing(rule)
        except BadValueError as error:
            if not rule.forgiving:
                raise BadValueError(error.reason, at_fault) from error
            tally.warn(row.line, error.reason, at_fault)
            return None

    if expression.constant is not None and not expression.map:
        return _constant(read)
    return read


def _nothing(rule: Field) -> None:
    if rule.required:
        raise BadValueError("missing_key")


def _constant(read: Read) -> Read:
    """Parse a constant once."""
    known: list[Any] = []

    def cached(row: Row, tally: Tally) -> Any:
        if not known:
            known.append(read(row, tally))
        return known[0]

    return cached


def _translated(words: Values[str, str], otherwise: str | None, raw: str) -> str:
    found = words.get(raw, otherwise)
    if found is None:
        raise BadValueError("unknown_value")
    return found


def _currency(spec: RecordSpec, mapping: Mapping, columns: tuple[str, ...]) -> Text:
    """What currency the amounts of a row are in."""
    expression = spec.fields.get("currency")
    if expression is None:
        constant = mapping.currency or ""
        return lambda _row: constant
    source = _source(expression, columns)
    words, default = expression.map or {}, expression.default or mapping.currency or ""
    return lambda row: words.get(raw := source(row).strip() or default, expression.otherwise or raw)


def _parser(name: str, rule: Field, expression: Expression, mapping: Mapping, money_in: Text) -> Any:
    if rule.parse == "time":
        zone, form = expression.time_zone or mapping.time_zone, expression.time_format or mapping.time_format
        if expression.constant is not None and expression.time_format is None:
            form = None  # what the mapping's author writes is ISO 8601, whatever the file holds
        return _time_parser(zone, form, name)
    if rule.parse == "money":
        sign = mapping.decimal_sign if expression.constant is None else "."
        return lambda raw, row, _tally: values.parse_money(raw, values.parse_currency(money_in(row)), sign)
    if rule.parse == "phone":
        return lambda raw, _row, _tally: values.parse_phone(raw, mapping.calling_code)
    plain = rule.parse
    return lambda raw, _row, _tally: plain(raw)


def _time_parser(zone: str | None, form: str | None, name: str) -> Any:
    def parse(raw: str, row: Row, tally: Tally) -> Any:
        at, twice = values.parse_time(raw, zone, form)
        if twice:
            tally.warn(row.line, "ambiguous_time", name)
        return at

    return parse
