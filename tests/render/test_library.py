"""A template that would go wrong is refused before anybody is written to, and names itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segue.contract import Channel
from segue.render.brand import Brand
from segue.render.compile import require_same_tokens
from segue.render.errors import TemplateError
from segue.render.links import Links
from segue.render.templates import Library
from tests.render.conftest import TEMPLATES

Make = Callable[..., Library]
FOOTER = "[[ brand.postal_address ]] {{ unsubscribe_url }}"
EMAIL = {"subject_txt": "Hello", "email_txt": FOOTER}


def mjml(body: str) -> str:
    column = f"<mj-column>{body}<mj-text>{FOOTER}</mj-text></mj-column>"
    return f"<mjml><mj-body><mj-section>{column}</mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('<mj-image src="x" width="{{ profile.size }}px" />', id="a width that MJML computes with"),
        pytest.param('<mj-image src="x" nonsense="{{ profile.size }}" />', id="an attribute that MJML does not know"),
        pytest.param("<!-- {{ profile.size }} -->", id="a comment"),
        pytest.param('<mj-image src="{{ profile.size }}" width="{{ 1 }}" />', id="one of two"),
    ],
)
def test_an_expression_that_mjml_loses_is_refused_by_name(made: Make, body: str) -> None:
    """MJML drops it without a word: the mail would lack it and nobody would know."""
    library = made(**EMAIL, email_mjml=mjml(body), sample='{"profile": {"size": 3}}')
    with pytest.raises(TemplateError, match=r"journey/step/email\.mjml\.j2: the MJML compile lost {{ "):
        library.step("journey/step")


@pytest.mark.parametrize(
    "body",
    [
        '<mj-text padding="{{ size }}px">x</mj-text>',
        '<mj-image src="{{ size }}" alt="{{ size }}" href="{{ size }}" />',
        '<mj-button href="{{ size }}">{{ size }}</mj-button>',
        "<mj-table><tr>{% for i in [size] %}<td>{{ i }}</td>{% endfor %}</tr></mj-table>",
        "<mj-raw>{% if size is gt 2 %}</mj-raw><mj-text>{{ size }}</mj-text><mj-raw>{% endif %}</mj-raw>",
    ],
)
def test_an_expression_that_mjml_keeps_is_filled(made: Make, body: str) -> None:
    library = made(**EMAIL, email_mjml=mjml(body), sample='{"size": 3}')
    assert "4711" in library.step("journey/step").email({"size": 4711}, message_id=1).html


@pytest.mark.parametrize(
    ("after", "said"),
    [
        pytest.param("{% if a %}{{ b }}{% else %}{{ c }}{% endif %}", None, id="all there"),
        pytest.param("{%if a%}{{b}}{%-  else -%}{{ c}}{% endif %}{{ c }}", None, id="other spaces, one twice"),
        pytest.param("{% if a %}{{ b }}{% else %}{% endif %}", r"lost {{ c }}", id="one lost"),
        pytest.param("{% if a %}{{ b }}{% else %}{{ d }}{% endif %}", r"lost {{ c }}", id="one changed"),
        pytest.param("{% if a %}{{ b }}{% endif %}{{ c }}{% else %}", "reordered", id="tags in another order"),
    ],
)
def test_the_tokens_of_a_template_are_compared(after: str, said: str | None) -> None:
    before = "{% if a %}{{ b }}{% else %}{{ c }}{% endif %}"
    if said is None:
        require_same_tokens("journey/step", before, after)
    else:
        with pytest.raises(TemplateError, match=said):
            require_same_tokens("journey/step", before, after)


def test_a_less_than_sign_says_what_to_write(made: Make) -> None:
    library = made(**EMAIL, email_mjml=mjml("<mj-raw>{% if 1 < 2 %}</mj-raw><mj-raw>{% endif %}</mj-raw>"))
    with pytest.raises(TemplateError, match="write `is lt`"):
        library.step("journey/step")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({**EMAIL}, "add email.mjml.j2", id="no HTML part"),
        pytest.param({}, "none of email.mjml.j2, sms.txt.j2 and insert.typ", id="nothing at all"),
        pytest.param({"sms_txt": "Hi"}, "how to stop", id="an SMS without STOP"),
        pytest.param({"sms_txt": "{{ who }} STOP"}, "who is missing", id="a sample that lacks a name"),
        pytest.param({"sms_txt": "{{ who"}, "line 1", id="a brace too few"),
        pytest.param({"sms_txt": "[[ brand.motto ]]"}, "motto", id="a brand that lacks a field"),
        pytest.param({"sms_txt": "STOP" * 401}, "1600", id="an SMS nobody takes"),
        pytest.param({**EMAIL, "email_mjml": mjml(""), "subject_txt": " "}, "subject is empty", id="no subject"),
        pytest.param(
            {**EMAIL, "email_mjml": mjml(""), "email_txt": "{{ unsubscribe_url }}"}, "address", id="no address"
        ),
        pytest.param(
            {**EMAIL, "email_mjml": mjml(""), "email_txt": "[[ brand.postal_address ]]"},
            "text part has no unsubscribe link",
            id="no way out",
        ),
        pytest.param(
            {**EMAIL, "email_mjml": mjml(f"<mj-text>{'x' * 102_000}</mj-text>")}, "Gmail clips", id="a mail Gmail clips"
        ),
    ],
)
def test_a_step_that_may_not_leave_is_refused(made: Make, files: dict[str, str], said: str) -> None:
    with pytest.raises(TemplateError, match=said) as refused:
        made(**files).step("journey/step")
    assert "journey/step" in str(refused.value)


def test_without_a_sample_there_is_no_step(tmp_path: Path, brand: Brand, links: Links) -> None:
    (tmp_path / "journey" / "step").mkdir(parents=True)
    (tmp_path / "journey" / "step" / "sms.txt.j2").write_text("STOP")
    with pytest.raises(TemplateError, match=r"sample\.json"):
        Library(tmp_path, brand, links).step("journey/step")


def test_a_missing_word_is_named_and_no_value_is(library: Library) -> None:
    step = library.step("abandoned_cart/reminder")
    words: dict[str, Any] = {**step.samples()["sample"], "profile": {"zone": "Secret/Zone"}}
    with pytest.raises(TemplateError) as error:
        step.email(words, message_id=1)
    assert str(error.value) == "abandoned_cart/reminder/subject.txt.j2: first_name is missing"
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("where", "value"),
    [
        pytest.param("items", [{"title": "Sarah's", "colour": "secret"}], id="a half item"),
        pytest.param("items", 5, id="a number of items"),
        pytest.param("voucher", {"percent": 10, "code": "secret", "valid_until": "Sarah"}, id="a time that is none"),
        pytest.param(
            "voucher", {"percent": None, "amount_minor": "secret", "currency": "USD"}, id="an amount of letters"
        ),
        pytest.param("voucher", {"amount_minor": "secret"}, id="a voucher without a field"),
        pytest.param("cart", {"url": ["secret", "Sarah"]}, id="a path that is a list"),
    ],
)
def test_an_odd_value_is_never_quoted(library: Library, where: str, value: Any) -> None:
    step = library.step("abandoned_cart/reminder")
    with pytest.raises(TemplateError, match=r"^abandoned_cart/reminder/") as error:
        step.email({**step.samples()["sample"], where: value}, message_id=1)
    assert "secret" not in str(error.value)
    assert "Sarah" not in str(error.value)


def test_a_key_is_found_before_a_method_of_the_same_name(made: Make) -> None:
    """`cart.items` is what the cart holds, not how Python walks through it."""
    library = made(sms_txt="{{ cart.items }} {{ cart.count('x') }} STOP", sample='{"cart": {"items": 3, "count": 1}}')
    with pytest.raises(TemplateError, match="does not fit"):
        library.step("journey/step")
    library = made(sms_txt="{{ cart.items }} {{ name.upper() }} STOP", sample='{"cart": {"items": 3}, "name": "a"}')
    assert library.step("journey/step").sms({"cart": {"items": 3}, "name": "b"}, message_id=1).text == "3 B STOP"


def test_a_transactional_step_has_no_way_out_and_its_own_sender(made: Make, brand: Brand) -> None:
    """Nobody can unsubscribe from her own order."""
    footer = "[[ brand.postal_address ]][% if not transactional %] {{ unsubscribe_url }}[% endif %]"
    library = made(subject_txt="Hello", email_txt=footer, email_mjml=mjml("").replace(FOOTER, footer))
    mail = library.step("journey/step", transactional=True).email({}, message_id=1)
    assert mail.unsubscribe_url is None
    assert "/u/" not in mail.text + mail.html
    assert mail.frame.from_address == brand.senders.transactional.address
    assert library.step("journey/step").email({}, message_id=1).unsubscribe_url is not None


def test_the_shared_footer_knows_a_transactional_mail(library: Library) -> None:
    step = library.step("abandoned_cart/reminder", transactional=True)
    mail = step.email(step.samples()["sample"], message_id=1)
    assert "nsubscribe" not in mail.text + mail.html


def test_a_step_is_compiled_once(library: Library) -> None:
    assert library.step("abandoned_cart/reminder") is library.step("abandoned_cart/reminder")


def test_a_step_says_which_channels_it_has_words_for(library: Library) -> None:
    assert library.step("abandoned_cart/reminder").channels == {Channel.EMAIL}
    assert library.step("abandoned_cart/last_call").channels == {Channel.EMAIL, Channel.SMS}
    with pytest.raises(TemplateError, match="there is no SMS"):
        library.step("abandoned_cart/reminder").sms({}, message_id=1)


def test_the_version_follows_words_and_brand(made: Make, tmp_path: Path, brand: Brand, links: Links) -> None:
    first = made(sms_txt="Hi STOP").step("journey/step").version
    assert made(sms_txt="Hi STOP").step("journey/step").version == first
    other_brand = brand.model_copy(update={"name": "Another"})
    versions = {
        first,
        made(sms_txt="Ho STOP").step("journey/step").version,
        Library(tmp_path, other_brand, links).step("journey/step").version,
        Library(tmp_path, brand, links).step("journey/step", transactional=True).version,
    }
    assert len(versions) == 4


def test_the_version_follows_shared_pieces(tmp_path: Path, brand: Brand, links: Links, made: Make) -> None:
    before = made(sms_txt="Hi STOP").step("journey/step").version
    (tmp_path / "_layout").mkdir()
    (tmp_path / "_layout" / "footer.txt.j2").write_text("x")
    assert made(sms_txt="Hi STOP").step("journey/step").version != before


def test_samples_never_travel_between_readers(library: Library) -> None:
    """Each call reads anew: a preview that changes its words changes nobody else's."""
    step = library.step("abandoned_cart/reminder")
    step.samples()["sample"]["profile"]["first_name"] = "Changed"
    assert step.samples()["sample"]["profile"]["first_name"] == "Sarah"
    assert (TEMPLATES / "abandoned_cart" / "reminder" / "sample.json").is_file()
