"""Catalogues: what the templates say, in other languages, as gettext files that translators' tools read.

A folder of templates (a journey's, and `_layout`) holds one `<language>.po` for each language it speaks besides the
one its templates are written in, which is the brand's. Sentences are settled when a step is compiled: a mail that is
filled asks no catalogue anything.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from segue.render.errors import TemplateError

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
#: A msgid: a sentence, or one and its plural.
Msgid = str | tuple[str, str]


class Strong(str):
    """An expression whose value stands in bold where there is such a thing."""

    __slots__ = ()


class Word(str):
    """Words that are settled already, such as the brand's name."""

    __slots__ = ()


class _Person(str):
    """An expression that gives a person's name, which may run the other way."""

    __slots__ = ()


class Words:
    """The sentences of one folder in one language; `words[None]` of no catalogue are those of the templates."""

    def __init__(self, language: str, catalogues: Sequence[Path], *, is_own: bool = False) -> None:
        """Read `catalogues`, the first that knows a sentence wins; raises TemplateError for a file that is no PO.

        `is_own` says that the templates are written in `language`: then nothing can be missing.
        """
        self.language = language
        #: What was asked for, in order.
        self.asked: dict[Msgid, None] = {}
        #: What no catalogue had.
        self.missing: dict[Msgid, None] = {}
        self._is_own = is_own
        self._said: dict[str, Sequence[str]] = {}
        self.plural_form: Callable[[int], int] = _one_or_many
        for file in reversed(catalogues):
            catalogue = read_catalogue(file)
            self.plural_form = gettext.c2py(catalogue.plural_expr)
            self._forms = catalogue.num_plurals
            self._said |= dict(_translated(catalogue))
        if not catalogues:
            self._forms = 2

    def names(self) -> dict[str, Any]:
        """What the brand stage of a template may call."""
        return {
            "_": self._one,
            "ngettext": self._many,
            "hello": self._hello,
            "hello_many": self._hello_many,
            "person": _Person("profile.first_name"),
            "own": self.own,
            "strong": Strong,
            "word": Word,
            "lang": self.language,
        }

    def own(self, text: str) -> str:
        """Return words of the shop's own, such as a link's title: translated where a catalogue has them."""
        self.asked[text] = None
        said = self._said.get(text)
        return text if said is None else said[0]

    def sentence(self, text: str) -> str:
        """Return one sentence with its placeholders still in it."""
        return self._forms_of(text, 1)[0]

    @pass_eval_context
    def _one(self, stage: EvalContext, text: str, **values: str) -> str:
        return _filled(self.sentence(text), values, html=bool(stage.autoescape))

    @pass_eval_context
    def _many(self, stage: EvalContext, one: str, many: str, count: str, **values: str) -> str:
        """The sentence that goes with a number; `{count}` in it is that number."""
        forms = self._forms_of((one, many), self._forms)
        values = {"count": f"number({count})", **values}
        written = [_filled(form, values, html=bool(stage.autoescape)) for form in forms]
        if len(set(written)) == 1:
            return written[0]
        # `+` in the last tag keeps the line end behind the sentence, which would else be taken for the tag's own.
        parts = [
            f"{{% {'if' if place == 0 else 'elif'} plural_form({count}) == {place} %}}{form}"
            for place, form in enumerate(written[:-1])
        ]
        whole = f"{''.join(parts)}{{% else %}}{written[-1]}{{% endif +%}}"
        return Markup(whole) if stage.autoescape else whole  # noqa: S704  its parts are escaped

    @pass_eval_context
    def _hello(self, stage: EvalContext, named: str, unnamed: str, **values: str) -> str:
        """One sentence for whoever told her name (`{name}`), one for everybody else."""
        html = bool(stage.autoescape)
        to_her = _filled(self.sentence(named), {"name": _Person("profile.first_name"), **values}, html=html)
        to_any = _filled(self.sentence(unnamed), values, html=html)
        whole = f"{{% if profile.first_name %}}{to_her}{{% else %}}{to_any}{{% endif +%}}"
        return Markup(whole) if html else whole  # noqa: S704  its parts are escaped

    @pass_eval_context
    def _hello_many(
        self, stage: EvalContext, named: Sequence[str], unnamed: Sequence[str], count: str, **values: str
    ) -> str:
        """The same of sentences that go with a number; each is given as the one and the many."""
        person = _Person("profile.first_name")
        to_her = self._many(stage, named[0], named[1], count, name=person, **values)
        to_any = self._many(stage, unnamed[0], unnamed[1], count, **values)
        whole = f"{{% if profile.first_name %}}{to_her}{{% else %}}{to_any}{{% endif +%}}"
        return Markup(whole) if stage.autoescape else whole  # noqa: S704  its parts are escaped

    def _forms_of(self, msgid: Msgid, forms: int) -> Sequence[str]:
        self.asked[msgid] = None
        texts = (msgid,) if isinstance(msgid, str) else msgid
        said = self._said.get(texts[0])
        if said is not None and len(said) == forms:
            allowed = {name for text in texts for name in _PLACEHOLDER.findall(text)}
            wrong = {name for form in said for name in _PLACEHOLDER.findall(form)} - allowed
            if wrong:
                raise TemplateError(
                    f"{self.language}.po", f"{texts[0]!r} is translated with {{{min(wrong)}}}, which it lacks"
                )
            return said
        if not self._is_own:
            self.missing[msgid] = None
        return texts if len(texts) == forms else (*texts[:1], *texts[-1:] * (forms - 1))


def read_catalogue(file: Path) -> Catalog:
    """Read a PO file; raises TemplateError for one that is none."""
    try:
        with file.open("rb") as opened:
            return read_po(opened, locale=file.stem, abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise TemplateError(f"{file.parent.name}/{file.name}", f"it is no PO file: {error}") from None


def catalogues(folder: Path, journey: str, language: str) -> tuple[Path, ...]:
    """Return the files that make `journey` speak `language`; none where it does not."""
    own, shared = folder / journey / f"{language}.po", folder / "_layout" / f"{language}.po"
    return tuple(file for file in (own, shared) if file.is_file()) if own.is_file() else ()


def languages(folder: Path, journey: str) -> tuple[str, ...]:
    """Return the languages that a journey has catalogues for, sorted."""
    return tuple(sorted(file.stem for file in (folder / journey).glob("*.po")))


def _translated(catalogue: Catalog) -> Iterable[tuple[str, Sequence[str]]]:
    """Each message that has a translation nobody doubts."""
    for message in catalogue:
        if not message.id or message.fuzzy:
            continue
        texts = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if texts and all(texts):
            yield (message.id if isinstance(message.id, str) else message.id[0]), texts


def _filled(sentence: str, values: Mapping[str, str], *, html: bool) -> str:
    """Put the expressions of the second stage where the sentence has their names; everything else is escaped."""
    pieces = []
    for place, piece in enumerate(_PLACEHOLDER.split(sentence)):
        if place % 2 == 0:
            pieces.append(str(escape(piece)) if html else piece)
            continue
        try:
            value = values[piece]
        except KeyError:
            raise TemplateError(sentence, f"nothing is given for {{{piece}}}") from None
        pieces.append(_written(value, html=html))
    whole = "".join(pieces)
    return Markup(whole) if html else whole  # noqa: S704  its parts are escaped


def _written(value: str, *, html: bool) -> str:
    if isinstance(value, Word):
        return str(escape(str(value))) if html else str(value)
    expression = f"{{{{ {value} }}}}"
    if html and isinstance(value, Strong):
        return f"<strong>{expression}</strong>"
    if html and isinstance(value, _Person):
        return f"<bdi>{expression}</bdi>"
    return expression


def _one_or_many(count: int) -> int:
    return int(count != 1)
