"""From a mapping to functions: what a field is in this row, parsed.

Files repeat themselves: a constant is read once, and what a cell means is remembered by its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from typing import Any

from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.kinds import KINDS, Field
from segue.intake.mapping import Expression, Mapping, RecordSpec, text_pieces
from segue.intake.report import Tally
from segue.intake.rows import Row, places_of, reader_of

Text = Callable[[Row], str]
Read = Callable[[Row, Tally], Any]
#: What one text means, and whether it always means that and without a word of warning.
Parser = Callable[[str, Row, Tally], tuple[Any, bool]]

#: Most texts remembered for one field.
_REMEMBERED = 50_000


@dataclass(slots=True)
class Compiled:
    """One record of a mapping, ready to be read from rows."""

    kind: str
    #: None: every row.
    wanted: Callable[[Row], bool] | None
    fields: dict[str, Read]
    #: The places of the cells each field depends on; none for a constant.
    places: dict[str, tuple[int, ...]]
    properties: tuple[tuple[str, Text], ...]
    _constants: dict[str, Any] | None = field(default=None, init=False)
    _varying: list[tuple[str, Read]] = field(init=False)

    def __post_init__(self) -> None:
        self._varying = [(name, read) for name, read in self.fields.items() if self.places[name]]

    @property
    def is_constant(self) -> bool:
        """Whether it is the same in every row: then it is read once a file."""
        return self.wanted is None and not self._varying and not self.properties

    def read(self, row: Row, tally: Tally) -> dict[str, Any]:
        """Parse every field of `row`; raises BadValueError for what costs the record."""
        found = self._constants
        if found is None:
            found = {name: read(row, tally) for name, read in self.fields.items() if not self.places[name]}
            self._constants = found
        found = found.copy()
        for name, read in self._varying:
            found[name] = read(row, tally)
        return found


def compile_record(spec: RecordSpec, mapping: Mapping, columns: tuple[str, ...]) -> Compiled:
    """Bind a record of the mapping to the columns of a file, which must all be there."""
    money_in = _currency(spec, mapping, columns)
    fields: dict[str, Read] = {}
    places: dict[str, tuple[int, ...]] = {}
    for name, rule in KINDS[spec.kind].items():
        expression = spec.fields.get(name)
        if expression is None and name == "currency" and mapping.currency is not None:
            expression = Expression(constant=mapping.currency)
        if expression is None and rule.default is not None:
            expression = Expression(constant=rule.default)
        if expression is None:
            continue
        reads = list(expression.columns())
        if rule.parse in {"money", "unsigned money"} and "currency" in spec.fields:
            reads += spec.fields["currency"].columns()
        places[name] = tuple(dict.fromkeys(place for column in reads for place in places_of(columns, column)))
        fields[name] = _reading(name, rule, expression, columns, _parser(name, rule, expression, mapping, money_in))
    return Compiled(
        kind=spec.kind,
        wanted=_filter(spec, columns),
        fields=fields,
        places=places,
        properties=tuple((name, _column(columns, name)) for name in spec.properties),
    )


def _column(columns: tuple[str, ...], name: str) -> Text:
    reader = reader_of(columns, name)
    if reader is None:
        raise LookupError(name)
    return reader


def _filter(spec: RecordSpec, columns: tuple[str, ...]) -> Callable[[Row], bool] | None:
    tests = [(_column(columns, name), _one_of(words), True) for name, words in spec.when.items()]
    tests += [(_column(columns, name), _one_of(words), False) for name, words in spec.unless.items()]
    if not tests:
        return None
    if len(tests) == 1:
        ((only, fits, wanted),) = tests
        return lambda row: fits(only(row).strip()) is wanted
    return lambda row: all(fits(read(row).strip()) is wanted for read, fits, wanted in tests)


def _one_of(words: Sequence[str]) -> Callable[[str], bool]:
    """Whether a cell is one of the words; `C*` is every word that begins with C."""
    beginnings = tuple(word[:-1] for word in words if word.endswith("*"))
    whole = frozenset(word for word in words if not word.endswith("*"))
    if not beginnings:
        return whole.__contains__
    return lambda cell: cell in whole or cell.startswith(beginnings)


def _source(expression: Expression, columns: tuple[str, ...]) -> Text:
    whole = _whole(expression, columns)
    if expression.part is not None:
        # The value goes on to the next `name=`: it may hold commas.
        part = re.compile(rf"(?:^|[,;|])\s*{re.escape(expression.part)}\s*=(.*?)(?=[,;|]\s*[^,;|=]+=|$)", re.DOTALL)
    elif expression.match is not None:
        part = re.compile(expression.match)
    else:
        return whole

    def pick(row: Row) -> str:
        found = part.search(whole(row))
        return (found[1] or "") if found else ""

    return pick


def _whole(expression: Expression, columns: tuple[str, ...]) -> Text:
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


def _reading(name: str, rule: Field, expression: Expression, columns: tuple[str, ...], parse: Parser) -> Read:
    """Empty cells, value maps, forgiveness and memory around a parser."""
    source, words, otherwise = _source(expression, columns), expression.map, expression.otherwise
    default = expression.default or ""
    at_fault = next(iter(expression.columns()), name)
    known: dict[str, Any] = {}

    def read(row: Row, tally: Tally) -> Any:
        cell = source(row)
        if cell in known:
            return known[cell]
        raw = cell.strip() or default
        try:
            if words is not None and raw:
                raw = _translated(words, otherwise, raw)
            value, always = parse(raw, row, tally) if raw else (_nothing(rule), True)
        except BadValueError as error:
            if not rule.forgiving:
                raise BadValueError(error.reason, at_fault) from error
            tally.warn(row.line, error.reason, at_fault)
            return None
        if always:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[cell] = value
        return value

    return read


def _nothing(rule: Field) -> Any:
    """What an empty cell means; raises BadValueError where something is needed."""
    if rule.required:
        raise BadValueError("missing_key")
    return None


def _translated(words: Values[str, str], otherwise: str | None, raw: str) -> str:
    found = words.get(raw, otherwise)
    if found is None:
        raise BadValueError("unknown_value")
    return found


def _currency(spec: RecordSpec, mapping: Mapping, columns: tuple[str, ...]) -> Text | str:
    """What currency the amounts of a row are in; text where it is the same in all."""
    expression = spec.fields.get("currency")
    if expression is None:
        return mapping.currency or ""
    source = _source(expression, columns)
    words, default = expression.map or {}, expression.default or mapping.currency or ""
    if expression.constant is not None:
        return words.get(expression.constant.strip(), expression.otherwise or expression.constant)
    return lambda row: words.get(raw := source(row).strip() or default, expression.otherwise or raw)


def _parser(name: str, rule: Field, expression: Expression, mapping: Mapping, money_in: Text | str) -> Parser:
    if rule.parse == "time":
        zone, form = expression.time_zone or mapping.time_zone, expression.time_format or mapping.time_format
        if expression.constant is not None and expression.time_format is None:
            form = None  # what the mapping's author writes is ISO 8601, whatever the file holds
        return _time_parser(zone, form, name)
    if rule.parse in {"money", "unsigned money"}:
        sign = mapping.decimal_sign if expression.constant is None else "."
        return _money_parser(money_in, sign, signed=rule.parse == "unsigned money")
    if rule.parse == "phone":
        return lambda raw, _row, _tally: (values.parse_phone(raw, mapping.calling_code), True)
    plain = rule.parse
    assert callable(plain)  # noqa: S101 - all words are dealt with above
    return lambda raw, _row, _tally: (plain(raw), True)


def _money_parser(money_in: Text | str, sign: str, *, signed: bool) -> Parser:
    parse = (lambda *given: abs(values.parse_signed_money(*given))) if signed else values.parse_money
    if callable(money_in):
        return lambda raw, row, _tally: (parse(raw, values.parse_currency(money_in(row)), sign), False)
    return lambda raw, _row, _tally: (parse(raw, values.parse_currency(money_in), sign), True)


def _time_parser(zone: str | None, form: str | None, name: str) -> Parser:
    def parse(raw: str, row: Row, tally: Tally) -> tuple[Any, bool]:
        at, twice = values.parse_time(raw, zone, form)
        if twice:
            tally.warn(row.line, "ambiguous_time", name)
        return at, not twice

    return parse
