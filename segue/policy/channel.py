"""Which channel a message takes: the first of the step's order that address, law and the person allow.

Never by timing: a channel that is merely quiet now still wins. Where none is allowed, the reason is that of the
most preferred channel about which there is more to say than that we have no address. Within one channel
`suppressed` outranks `denied`, and both count even without an address; else a missing address is why, else consent.

A transactional mail may hold a block that promotes something. A contract is no basis for that: the block is judged as
marketing e-mail is, and without a basis of its own the mail leaves without it (as BGH VI ZR 225/17 asks in Germany).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.policy.bases import BASES, CHANNELS
from segue.policy.columns import (
    DENIED,
    DOUBTED,
    EMAIL,
    HARD_BOUNCE,
    NO_CHANNEL,
    NOT_SUPPRESSED,
    OBJECTION,
    OPT_IN,
    PRINT,
    Codes,
    Facts,
    Mask,
)
from segue.policy.law import Law
from segue.policy.reasons import Reason
from segue.policy.ruling import Ruling

#: What a channel says of a row; the first one is a yes.
_ANSWERS = (None, Reason.NO_ADDRESS, Reason.NO_CONSENT, Reason.UNCONFIRMED, Reason.DENIED, Reason.SUPPRESSED)
_ALLOWED, _NO_ADDRESS, _NO_CONSENT, _UNCONFIRMED, _DENIED, _SUPPRESSED = range(len(_ANSWERS))


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen channel a row, `NO_CHANNEL` where none is allowed, and why not."""

    channel: Codes
    answer: Codes

    def refusals(self) -> tuple[Ruling, ...]:
        """Return one ruling for each reason a message found no channel."""
        return tuple(Ruling(self.answer == code, reason) for code, reason in enumerate(_ANSWERS) if reason is not None)


def choose(facts: Facts, law: Law) -> Choice:
    """Pick each row's channel."""
    wanted = sorted({channel for order in facts.orders for channel in order})
    # A contract is a basis of its own: what she bought she hears of, wherever mail can arrive at all.
    answers = {channel: _answer(facts, channel, law, service=facts.transactional) for channel in wanted}
    chosen = np.full(facts.size, NO_CHANNEL, dtype=np.int8)
    final = np.full(facts.size, _NO_ADDRESS, dtype=np.int8)
    for number, order in enumerate(facts.orders):
        rows = slice(None) if len(facts.orders) == 1 else np.flatnonzero(facts.order == number)
        picked, why = chosen[rows], final[rows]
        for channel in reversed(order):  # so that the more preferred one has the last word
            answer = answers[channel][rows]
            allowed = answer == _ALLOWED
            tells = ~allowed & (picked == NO_CHANNEL) & (answer != _NO_ADDRESS)
            why = np.where(allowed | tells, answer, why)
            picked = np.where(allowed, np.int8(channel), picked)
        chosen[rows], final[rows] = picked, why
    return Choice(chosen, final)


def promoted(facts: Facts, channel: Codes, law: Law) -> Mask:
    """Tell where the promotional block of a message may be shown: in mails that would be allowed as marketing."""
    asked: Mask = facts.has_promotion & (channel == EMAIL)
    if not asked.any():
        return asked
    nobody = np.zeros(facts.size, dtype=np.bool_)
    shown: Mask = asked & (_answer(facts, EMAIL, law, service=nobody) == _ALLOWED)
    return shown


def _answer(facts: Facts, channel: int, law: Law, *, service: Mask) -> Codes:
    """Say of each row whether the channel is allowed, or why not; `service` are the rows a contract is a basis for."""
    suppressed = facts.suppressed[channel]
    says_no = ~service & (facts.basis[channel] == DENIED)
    if channel == PRINT:
        # Paper needs no consent, only that nobody objected.
        accepted, stopped = np.ones(facts.size, dtype=np.bool_), suppressed == OBJECTION
    else:
        accepted, stopped = _accepted(facts, channel, law), suppressed != NOT_SUPPRESSED
    stopped = np.where(service, suppressed == HARD_BOUNCE, stopped)
    answer = np.where(service | accepted, _ALLOWED, _NO_CONSENT).astype(np.int8)
    answer[(answer == _NO_CONSENT) & np.isin(facts.basis[channel], (OPT_IN, DOUBTED))] = _UNCONFIRMED
    answer[~facts.has_address[channel]] = _NO_ADDRESS
    answer[says_no] = _DENIED
    answer[stopped] = _SUPPRESSED
    return answer


def _accepted(facts: Facts, channel: int, law: Law) -> Mask:
    """Tell where the law of her country accepts the basis we have for marketing on this channel."""
    name = CHANNELS[channel]
    countries = [law.bases(country, name) for country in (*facts.country.values, None)]
    table = np.array([[*(basis in accepted for basis in BASES), False] for accepted in countries], dtype=np.bool_)
    accepted: Mask = table[facts.country.codes, facts.basis[channel]]
    return accepted
