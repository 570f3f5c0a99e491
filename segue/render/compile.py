"""From the files of a step to templates that are only filled.

Two stages. First the brand's values and the shared pieces go in, with `[[ ]]` and `[% %]`, so that what is
the same in every mail is settled once. Then MJML becomes HTML with the personal `{{ }}` and `{% %}` left
in. MJML drops expressions in some attributes without a word, so the Jinja2 tokens are compared before and
after. A person's words only ever meet the second stage: they are filled in, never parsed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateRuntimeError,
    TemplateSyntaxError,
    UndefinedError,
    select_autoescape,
)
from jinja2 import TemplateError as JinjaError
from jinja2.runtime import Context
from jinja2.utils import missing
from mjml import mjml2html

from segue.render.addresses import linked_html, linked_text
from segue.render.brand import Brand
from segue.render.catalogue import Words
from segue.render.errors import TemplateError
from segue.render.voice import Voice
from segue.render.wording import plural

_TABLE_WITHOUT_ROLE = re.compile(r"<table (?![^>]*\brole=)")


class Fill:
    """A compiled template: filled with words it is a text, whole or in the pieces it is put together from."""

    def __init__(self, path: str, template: Template) -> None:
        self._path = path
        self._root, self._new_context = template.root_render_func, template.new_context
        #: The template's own words, the same for everybody.
        self.fixed = frozenset(_constants(self._root.__code__))

    def __call__(self, words: dict[str, Any]) -> str:
        """Return the text; raises TemplateError naming what `words` lack, never what they hold."""
        return "".join(self.pieces(words))

    def pieces(self, words: dict[str, Any]) -> tuple[str, ...]:
        """Return the text in pieces, each either the template's own words or the person's; raises as a call does."""
        try:
            return tuple(self._root(self._new_context(words, shared=True)))
        except UndefinedError as error:
            raise TemplateError(self._path, f"{error.message} is missing") from None
        except Exception as error:  # noqa: BLE001  one person's odd words must cost nobody else their mail
            # The text of a foreign error may quote what it choked on; its kind does not.
            raise TemplateError(self._path, f"a value does not fit ({type(error).__name__})") from None


def _constants(code: CodeType) -> Iterator[str]:
    """The string constants of a function and of those defined in it."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _constants(constant)


class Missing(StrictUndefined):
    """A name that was not given; its error text is that name alone, never the object it was looked for in."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint if name is None else str(name), obj, name, exc)


class _PlainCalls(Context):
    """Calls what a template calls, and no more.

    Jinja2 asks of every callable whether it wants the context passed. Ours never do, and a mail makes
    some forty calls: asking costs a quarter of its rendering.
    """

    def call(self, obj: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if kwargs:  # what compiled templates add for callables that want the context
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
        return obj(*args, **kwargs)


class _WordsFirst(Environment):
    """Looks into mappings before attributes: words are mappings, so this saves an exception a name.

    It also lets a key called `items` be what the template means by `.items`.
    """

    context_class = _PlainCalls

    def getattr(self, obj: Any, attribute: str) -> Any:
        try:
            return obj[attribute]
        except (TypeError, LookupError):
            return super().getattr(obj, attribute)


class Compiler:
    """Compiles the files of one templates folder for one brand, in one language."""

    def __init__(self, folder: Path, brand: Brand, words: Words, voice: Voice) -> None:
        self.words = words
        self._sources = FileSystemLoader(folder)
        self._brand_stage = Environment(
            loader=self._sources,
            autoescape=select_autoescape(enabled_extensions=("mjml.j2",)),
            undefined=StrictUndefined,
            variable_start_string="[[",
            variable_end_string="]]",
            block_start_string="[%",
            block_end_string="%]",
            comment_start_string="[#",
            comment_end_string="#]",
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._brand_stage.globals.update(brand=brand, light=brand.colours.light, dark=brand.colours.dark)
        self._brand_stage.globals.update(words.names())
        self.globals: dict[str, Any] = {
            **voice.names(),
            "brand": brand,
            "plural": plural,
            "plural_form": words.plural_form,
            "page": brand.page,
            "picture": brand.picture,
        }
        self._plain = self._second_stage(autoescape=False)
        self._html = self._second_stage(autoescape=True)

    def text(self, path: str, *, transactional: bool) -> Fill:
        """Compile a template of plain text; nothing is escaped in it."""
        return self._fill(path, self._plain, self.branded(path, transactional=transactional))

    def html(self, path: str, *, transactional: bool) -> Fill:
        """Compile an MJML template; everything filled in is escaped."""
        source = self.branded(path, transactional=transactional)
        try:
            compiled = str(mjml2html(source, disable_comments=True))
        except ValueError as error:
            raise TemplateError(
                path, f"MJML refuses it: {error}; `<` in a Jinja2 tag is the usual reason: write `is lt`"
            ) from None
        # MJML gives its own tables a role, but not those of mj-table; all of them are there for the layout.
        compiled = _TABLE_WITHOUT_ROLE.sub('<table role="presentation" ', compiled)
        require_same_tokens(path, source, compiled)
        return self._fill(path, self._html, compiled)

    def branded(self, path: str, *, transactional: bool) -> str:
        """Return a file after the brand stage: its sentences are settled, and Jinja2 is left in for the person."""
        try:
            return self._brand_stage.get_template(path).render(transactional=transactional)
        except TemplateSyntaxError as error:
            raise TemplateError(error.name or path, f"line {error.lineno}: {error.message}") from None
        except JinjaError as error:
            raise TemplateError(path, f"the brand or layout lacks something: {error}") from None

    def _second_stage(self, *, autoescape: bool) -> Environment:
        environment = _WordsFirst(
            loader=BaseLoader(),
            autoescape=autoescape,
            undefined=Missing,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(self.globals)
        environment.filters.update(
            {name: self.globals[name] for name in ("local_time", "short_time", "money", "worth", "page", "picture")}
        )
        environment.filters["linked"] = linked_html if autoescape else linked_text
        return environment

    @staticmethod
    def _fill(path: str, environment: Environment, source: str) -> Fill:
        try:
            template = environment.from_string(source)
        except TemplateSyntaxError as error:
            raise TemplateError(path, f"line {error.lineno} after the brand stage: {error.message}") from None
        return Fill(path, template)


def version_of(folder: Path, step: str, brand: Brand, *, transactional: bool) -> str:
    """Return a short hash of everything that decides the words of `step`, in every language it speaks."""
    digest = hashlib.sha256(repr((brand, transactional)).encode("utf-8"))
    journey = step.partition("/")[0]
    patterns = ("_layout/*.j2", "_layout/*.po", "_layout/*.typ", f"{journey}/*.po", f"{step}/*.j2", f"{step}/*.typ")
    for file in sorted(file for pattern in patterns for file in folder.glob(pattern)):
        digest.update(f"\0{file.relative_to(folder)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def require_same_tokens(path: str, before: str, after: str) -> None:
    """Raise TemplateError unless every Jinja2 expression survived and the control tags kept their order."""
    said, kept = _tokens(path, before), _tokens(path, after)
    lost = Counter(said) - Counter(kept)
    if lost:
        raise TemplateError(path, f"the MJML compile lost {', '.join(sorted(lost))}; move it into text or mj-raw")
    if [tag for tag in said if tag.startswith("{%")] != [tag for tag in kept if tag.startswith("{%")]:
        raise TemplateError(path, "the MJML compile reordered the {% %} tags; put each inside mj-raw of its own")


def _tokens(path: str, source: str) -> list[str]:
    """The Jinja2 tags of a template in order, each written with single spaces."""
    tags: list[str] = []
    try:
        for _, kind, value in Environment(autoescape=True).lex(source):
            if kind in ("variable_begin", "block_begin"):
                tags.append(value.rstrip("-+"))
            elif kind in ("variable_end", "block_end"):
                tags[-1] += " " + value.lstrip("-+").rstrip("\n")
            elif kind not in ("data", "whitespace", "comment_begin", "comment", "comment_end"):
                tags[-1] += " " + value
    except TemplateSyntaxError as error:
        raise TemplateError(path, f"line {error.lineno}: {error.message}") from None
    return tags
