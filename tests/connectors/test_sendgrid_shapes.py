"""Whatever people are called and templates say: a request's substitutions make of it what was rendered."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sendgrid_plan import plan
from segue.contract import EmailContent, Message, Pieces, one_line
from tests.connectors.mails import mail
from tests.connectors.sendgrid_judge import beyond, complaints
from tests.search import examples

#: What may stand in a template or be somebody's name, tags of every make among it.
_TRAPS = [
    "",
    "-",
    "--",
    "-0-",
    "-a1b2c3d4e5f60-",
    "%name%",
    "[%name%]",
    "{{name}}",
    "<%asm_group_unsubscribe_raw_url%>",
]
_OWN = st.one_of(st.sampled_from(_TRAPS), st.text(max_size=30), st.text(alphabet="-0123456789abcdef", max_size=40))
_FIXED = st.lists(
    st.one_of(st.text(min_size=48, max_size=60), st.sampled_from([f"{trap:-<50}" for trap in _TRAPS])),
    min_size=1,
    max_size=4,
    unique=True,
)


@st.composite
def batches(draw: st.DrawFn) -> list[Message]:
    """Mails of one template: some loops and branches, any words, some too long to be substituted."""
    fixed = draw(_FIXED)
    batch = []
    for number in range(draw(st.integers(1, 8))):
        bodies = [
            draw(st.lists(st.one_of(st.sampled_from(fixed), _OWN), max_size=7)),
            draw(st.lists(st.one_of(st.sampled_from(fixed), _OWN), max_size=7)),
        ]
        if draw(st.integers(0, 9)) == 0:
            bodies[1].append(draw(st.sampled_from("xé李")) * draw(st.sampled_from([3_000, 9_870, 20_000])))
        text, html = (tuple(body) for body in bodies)
        message = mail(number, subject=draw(_OWN) or "s")
        assert isinstance(message.content, EmailContent)
        content = replace(
            message.content,
            text="".join(text),
            html="".join(html),
            pieces=Pieces(text=text, html=html, fixed=frozenset(fixed), bodies=("".join(text), "".join(html))),
        )
        batch.append(replace(message, content=content))
    return batch


@settings(max_examples=examples(80))
@given(batch=batches(), data=st.randoms(use_true_random=False))
def test_every_mail_arrives_letter_by_letter(batch: list[Message], data: random.Random) -> None:
    """In whatever order tags are replaced, or all at once."""
    requests, refused = plan(batch, 1_000)
    arrived: dict[str, tuple[str, str, str, str]] = {}
    for request in requests:
        body = json.loads(request.payload(sandbox=False))
        assert complaints(body) + beyond(body) == []
        for one in body["personalizations"]:
            key = one["custom_args"]["segue_key"]
            assert key not in arrived
            arrived[key] = (one["to"][0]["email"], *_carried_out(body, one, data))
    assert set(arrived) | {result.key for result in refused} == {message.key for message in batch}
    for message in batch:
        content = message.content
        assert isinstance(content, EmailContent)
        subject = one_line(content.subject).strip()
        if not subject or not (content.text or content.html):
            assert message.key not in arrived
            continue
        whole = (message.address, subject, content.text, content.html)
        assert arrived[message.key] == tuple(_sayable(one) for one in whole)


def _carried_out(body: dict[str, Any], one: dict[str, Any], data: random.Random) -> list[str]:
    parts = {part["type"]: part["value"] for part in body["content"]}
    pairs = list(one.get("substitutions", {}).items())
    data.shuffle(pairs)
    said = []
    for words in (one["subject"], parts.get("text/plain", ""), parts.get("text/html", "")):
        done = words
        for tag, own in pairs:
            done = done.replace(tag, own)
        said.append(done)
    return said


def test_words_that_look_like_what_stands_between_words() -> None:
    """A separator, or how JSON writes one, in somebody's name costs her nothing."""
    head = "Words of the template, the same for everybody who reads them. "
    for name in ("\x1f", "\\u001f", "\\\\u001f\\", "a\x1fb\\u001f", '"', "%s %(x)s"):
        html = (head, name, head, "", head, "c")
        whole = "".join(html)
        content = mail(1).content
        assert isinstance(content, EmailContent)
        pieces = Pieces(text=html, html=html, fixed=frozenset({head}), bodies=(whole, whole))
        (request,), _ = plan([replace(mail(1), content=replace(content, text=whole, html=whole, pieces=pieces))], 1_000)
        body = json.loads(request.payload(sandbox=False))
        assert _carried_out(body, body["personalizations"][0], random.Random(1))[1:] == [whole, whole]


def _sayable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
