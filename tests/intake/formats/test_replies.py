"""What a reply by text message means: any reasonable no is one, and a word inside another is none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.intake.formats.replies import meaning_of

KEYWORDS = ("STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL", "OPT OUT", "OPT-OUT")

NO = (
    "STOP", "stop", "Stop.", " Stop! ", "STOP!!!", "Stop please", "please stop", "Please STOP texting me", "STOPPP",
    "please unsubscribe me", "Unsubscribe", "UNSUBSCRIBE me from all", "quit texting me", "opt out", "Opt me out",
    "I want to opt out", "I'd like to unsubscribe please", "how do I unsubscribe?", "cancel", "end", "End please",
    "revoke", "Stop sending me these", "can you stop sending me texts", "Stop. I already bought one elsewhere",
    "Stop, my phone is full of these", "I said STOP", "STOP I don't want this", "remove me from your list",
    "take me off this list", "I want to get off your list", "Don't text me again", "do not contact me",
    "don't send me any more of these", "I do not want these texts", "No more texts", "leave me alone", "Wrong number",
    "not interested", "I did not ask for this, unsubscribe me", "I never asked for this. Stop.", "Hey stop", "STOP 🛑",
    "“Stop”", "no, stop", "yes please stop", "Unsubscribe!!! third time I ask", "Arret", "ARRÊT", "stop it", "stop all",
    "I did not ask for this unsubscribe me", "stop\nthanks",
    "I'd like to stop receiving these", "I'd like you to stop", "I'm asking you to stop", "Can't you stop", "halt",
    "Would you please stop", "arrêter",
)  # fmt: skip

NOT_NO = (
    "don't stop", "Don\u2019t stop!", "please don't ever stop", "do not stop sending me deals", "never stop texting me",
    "nonstop flights?", "bus stop on 5th?", "Is there a bus stop nearby", "Stop by tomorrow?", "can I stop by at noon",
    "I can't stop wearing it", "when does it end?", "End of season sale when?", "the end", "Can I get this at the end",
    "weekend", "my friend said yes", "cancel my order", "Can I cancel order 1001", "is it quite warm", "quit smoking",
    "I don't want to unsubscribe", "never unsubscribe me", "please don't opt me out", "I do not want to opt out",
    "do you ship to Revoke Street", "stopwatch", "unstoppable!", "Thanks!", "ok", "", "   ", "???", "when do you open",
    "can you stop by?", "I'd never stop", "It's the last stop",
    "you never send me the discount code", "please don't remove me", "the cancellation policy", "Ends when?", "1",
)  # fmt: skip


@pytest.mark.parametrize("body", NO)
def test_any_reasonable_wording_is_a_no(body: str) -> None:
    assert meaning_of(body) == "stop"


@pytest.mark.parametrize("body", NOT_NO)
def test_what_only_holds_the_letters_is_none(body: str) -> None:
    assert meaning_of(body) is None


@pytest.mark.parametrize("body", ["START", "start", " Start. ", "YES", "Yes!", "unstop", "UNSTOP"])
def test_start_is_one_word_alone(body: str) -> None:
    assert meaning_of(body) == "start"


@pytest.mark.parametrize("body", ["yes I like it", "when does it start", "start now", "yes or no", "start stop"])
def test_more_words_are_no_start(body: str) -> None:
    assert meaning_of(body) != "start"


@given(
    st.sampled_from(KEYWORDS),
    st.text(" \t\n.!?,;:-*'\"", max_size=4),
    st.text(" \t\n.!?,;:-*'\"", max_size=4),
    st.randoms(use_true_random=False),
)
def test_a_keyword_in_any_case_with_any_marks_around_it_is_a_no(word, before, after, dice) -> None:
    written = "".join(letter.lower() if dice.random() < 0.5 else letter for letter in word)
    assert meaning_of(f"{before}{written}{after}") == "stop"


@given(
    st.sampled_from([word for word in KEYWORDS if word.isalpha()]),
    st.text(string.ascii_lowercase, max_size=4),
    st.text(string.ascii_lowercase, max_size=4),
)
def test_a_keyword_inside_a_longer_word_is_none(word, before, after) -> None:
    """The mistake of looking for `stop` in a text."""
    longer = f"x{before}{word.lower()}{after}x"
    assert meaning_of(f"is the {longer} in blue?") is None


@given(st.text(max_size=300))
def test_any_text_has_an_answer(body: str) -> None:
    assert meaning_of(body) in {"stop", "start", None}
