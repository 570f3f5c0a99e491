"""A preview's estimate is of what its readers would read: their languages, and names that cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from segue.contract import Channel, SmsContent
from segue.outbox.summary import Spending
from segue.render import Library, Links, StepTemplate, load_brand
from segue.store.engine import write
from segue.store.tables import profile
from tests.outbox.conftest import Desks
from tests.outbox.prices import TEXTING, ByCountry, move_abroad, previewed, summed
from tests.outbox.shop import SECRET
from tests.render.conftest import TEMPLATES

_SAID = "{name}, your points are waiting"
_ABROAD = {
    "de": (
        "{name}, deine Punkte warten auf dich, online und an jeder Kasse in unseren Läden, ob groß oder klein. "
        "Hol sie dir, bevor der Herbst kommt und die ersten Stürme, dann haben wir alle anderes zu tun"
    ),
    "es": "{name}, tus puntos te esperan",
    "fi": "{name}, pisteesi odottavat ”satamassa”",
}
#: Locale, name, the phone's country, and the parts of such a text: a letter outside GSM-7 halves the room of one.
_MIX = (
    ("en-US", "Sam", "+1", 1), ("en-GB", "Sam", "+44", 1), (None, "Sam", "+1", 1), ("sv-SE", "Sam", "+1", 1),
    ("de-DE", "Jan", "+1", 2), ("de_AT", None, "+1", 2), ("de-DE", "Ján", "+1", 4), ("en-US", "Ngọc", "+1", 2),
    ("es-ES", "Ana", "+1", 1), ("es-MX", "María", "+44", 2), ("fi-FI", "Veikko", "+1", 2), ("fi-FI", "Zoë", "+1", 2),
)  # fmt: skip


def polyglot(folder: Path) -> Library:
    """A text message in four languages: German takes two parts, Finnish a letter outside GSM-7."""
    only = folder / "letters" / "only"
    only.mkdir(parents=True)
    (only / "sample.json").write_text('{"profile": {"first_name": "Sarah", "locale": "en-US", "zone": null}}', "utf-8")
    said = f'hello("{_SAID}", "Your points are waiting")'
    (only / "sms.txt.j2").write_text(f'[[ {said} ]] {{{{ short_link("home") }}}} STOP', "utf-8")
    for language, sentence in _ABROAD.items():
        plain = sentence.removeprefix("{name}, ")
        (folder / "letters" / f"{language}.po").write_text(
            'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
            f'msgid "{_SAID}"\nmsgstr "{sentence}"\n\n'
            f'msgid "Your points are waiting"\nmsgstr "{plain}"\n\n'
            'msgid "Size {size}"\nmsgstr "{size}"\n',
            "utf-8",
        )
    return Library(folder, load_brand(TEMPLATES / "brand.toml"), Links("https://go.example.com", SECRET))


def test_a_preview_prices_each_in_her_language(desk: Desks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is what the run is then billed, for a mix of languages and names; each kind is written once."""
    people, connector = 3 * len(_MIX), ByCountry()
    one = desk(TEXTING, people=people, promised=False)
    with write(one.engine) as connection:
        for person in range(1, people + 1):
            locale, name, _, _ = _MIX[person % len(_MIX)]
            hers = profile.c.id == person
            connection.execute(update(profile).where(hers).values(locale=locale, first_name=name))
    move_abroad(one, {n: f"{_MIX[n % len(_MIX)][2]}2025550{n:03}" for n in range(1, people + 1)})
    library: Any = polyglot(tmp_path / "templates")
    written: list[object] = []
    real = StepTemplate.sms

    def counted(self: StepTemplate, words: Any, *, message_id: int) -> SmsContent:
        written.append(message_id)
        return real(self, words, message_id=message_id)

    library.step("letters/only")
    monkeypatch.setattr(StepTemplate, "sms", counted)
    total = previewed(one, library, {Channel.SMS: connector})
    assert len(written) <= len(_MIX)
    abroad = [parts for _, _, phone, parts in _MIX if phone == "+44"]
    home = [parts for _, _, phone, parts in _MIX if phone == "+1"]
    assert total.spendings == (
        Spending(
            step="only", channel="sms", messages=6, segments=3 * sum(abroad), micros=3 * 46_300 * sum(abroad),
            currency="GBP",
        ),
        Spending(
            step="only", channel="sms", messages=30, segments=3 * sum(home), micros=3 * 10_000 * sum(home),
            currency="USD",
        ),
    )  # fmt: skip
    one.library = library
    one.promise()
    billed = one.sibling(connector=connector)
    billed.worker._library = library
    billed.drain()
    billed.worker.close()
    assert summed(one).spendings == total.spendings
