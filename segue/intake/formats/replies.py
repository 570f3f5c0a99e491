"""What a reply by text message means: stop, start again, or neither.

The law asks to honour any reasonable wording of a no (47 CFR 64.1200(a)(10)), and a shop wants no number lost to "is
there a bus stop?". So nothing looks for a word inside a text: whole sentences are read against the word lists below.
In doubt between the two it is a no.
"""

from __future__ import annotations

import re
from typing import Literal

Meaning = Literal["stop", "start"]

#: Mean nothing else, wherever they stand.
_PLAIN = frozenset({
    "unsubscribe", "unsub", "stopall", "optout", "opt out", "opting out", "opt me out", "unsuscribe", "desuscribir",
    "abmelden", "désabonner", "desabonner",
})  # fmt: skip
#: Mean a no where the rest of their sentence means nothing of its own.
_WORDS = frozenset({
    "stop", "stopp", "stops", "quit", "end", "cancel", "revoke", "remove", "arret", "arrêt", "alto", "baja", "parar",
    "cancelar", "cease", "halt", "arrêter", "arreter", "stoppen",
})  # fmt: skip
_FILLING = frozenset({
    "a", "all", "already", "anymore", "asap", "can", "contact", "contacting", "could", "dear", "f", "fuck", "fucking",
    "get", "getting", "hello", "hey", "hi", "i", "immediately", "it", "just", "kindly", "list", "mailing", "marketing",
    "me", "message", "messages", "messaging", "my", "need", "no", "now", "number", "of", "off", "ok", "okay", "on",
    "phone", "please", "pls", "plz", "promo", "promos", "receiving", "right", "send", "sending", "sms", "so", "sorry",
    "spam", "spamming", "subscription", "text", "texting", "texts", "thank", "thanks", "that", "the", "them", "these",
    "this", "thx", "to", "u", "us", "want", "wanna", "wish", "would", "like", "you", "your", "ads", "at", "from", "and",
    "calling", "yes", "advertising", "bothering", "harassing", "y", "por", "favor", "bitte", "svp", "alerts",
    "everything", "said", "told", "again", "ask", "asking", "asked", "am", "im", "id", "ive", "be", "been", "have",
})  # fmt: skip
#: Whole wishes, and the beginnings of some that go on about something else.
_WISHES = tuple(
    re.compile(rf"(?:{pattern})(?!\S)")
    for pattern in (
        r"^(?:please )?(?:stop|quit) (?:i|im|we|you|now|please|it)",
        r"^(?:can|could|will|would|won) (?:t )?you (?:please )?(?:just )?(?:stop|quit)$",
        r"\b(?:stop|quit|cease) (?:text|messag|contact|spamm|bother|harass)ing(?: me| us| this number|$)",
        r"\b(?:stop|quit|cease) sending (?:me|us|these|this|those|texts?|messages?|sms|spam|stuff|things)",
        r"\b(?:stop|quit|cease) sending$",
        r"\bstop (?:these|the|all|your|with the) (?:\w+ )?(?:texts?|messages?|sms|spam|ads|alerts)",
        r"\b(?:remove|delete) (?:me|my (?:phone )?number|this number)",
        r"\btake (?:me|my (?:phone )?number|this number) off",
        r"\boff (?:\w+ ){0,2}list",
        r"\b(?:don t|dont|do not|never) (?:ever )?(?:text|message|contact|sms|spam)(?: me| us| this number| again|$)",
        r"\b(?:don t|dont|do not) (?:ever )?send (?:me|us|any|anything|these|this|more)",
        r"\b(?:don t|dont|do not) (?:want|wish|need|like) (?:\w+ ){0,4}(?:texts?|messages?|sms|spam|ads|promos)",
        r"\bno more (?:texts?|messages?|sms|spam|ads)",
        r"\bleave me alone",
        r"\blose (?:my|this) number",
        r"\bwrong (?:number|person)",
        r"\bnot interested",
    )
)
_PLAINLY = re.compile(rf"\b(?:{'|'.join(sorted(_PLAIN))})\b")
#: A refusal to refuse: `don't stop`, `never unsubscribe me`, `I don't want to opt out`.
_NEGATION = re.compile(r"\b(?:don t|dont|do not|never|not|can t|cant|cannot|won t|wont|didn t|didnt|without)\b")
_MEANS_TO = re.compile(r" (?:want|wanted|wish|need|going|ask|asked|mean|meant|try|trying) to$")
_START = frozenset({"start", "yes", "unstop"})
_SENTENCES = re.compile(r"[.!?;:,\n\r()\"“”]+")
_LETTERS = re.compile(r"[^\w\s]|_")
#: `I'd like`, `I'm asking`, `can't you`: what is left of them once the apostrophe is gone.
_CONTRACTED = re.compile(r"\b(i|you|we|it|they) (?:d|m|re|ve|ll|s)\b")
_LONGER = re.compile(r"\bsto+p+\b")


def meaning_of(body: str) -> Meaning | None:
    """Read one reply; None where it says neither stop nor start."""
    sentences = [words for part in _SENTENCES.split(body.casefold()) if (words := _words(part))]
    if any(_is_no(words) for words in sentences):
        return "stop"
    return "start" if len(sentences) == 1 and sentences[0] in _START else None


def _words(text: str) -> str:
    """Words with single spaces between them: `Don't!` -> `don t`."""
    plain = _LONGER.sub("stop", " ".join(_LETTERS.sub(" ", text).split())).replace("the end", "the_end")
    return _CONTRACTED.sub(r"\1", plain)


def _is_no(sentence: str) -> bool:
    words = sentence.split()
    if any(word in _WORDS for word in words) and all(word in _WORDS or word in _FILLING for word in words):
        return True  # no negation is among those words
    return any(
        not _is_refused(sentence[: found.start()])
        for wording in (_PLAINLY, *_WISHES)
        for found in wording.finditer(sentence)
    )


def _is_refused(before: str) -> bool:
    """Whether the last few words before a no turn it round."""
    last = _MEANS_TO.sub("", before.rstrip()).split()[-3:]
    return _NEGATION.search(" ".join(last)) is not None
