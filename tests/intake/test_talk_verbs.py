"""Clicks and news through the front door, with an installation's own secret, and the dispatcher that comes after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.render import Links
from segue.render.links import Tags
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.tables import suppression, touchpoint

from .talk import NOW, add_message, add_person, mail_news, states, track

TAGS = Tags(Channel.EMAIL, "abandoned_cart", "reminder")


@pytest.fixture
def segue(database_url: str, tmp_path: Path) -> Iterator[Segue]:
    settings = Settings(
        home=tmp_path / "home",
        outbox=tmp_path / "outbox",
        database_url=database_url,
        secret_key="a secret for tests only",
    )
    with open_segue(settings, VirtualClock(NOW)) as opened:
        opened.install()
        yield opened


def test_the_front_door_knows_its_links_and_its_keys(segue: Segue, tmp_path: Path):
    owner = add_person(segue.engine, email="sarah@example.com")
    sent = add_message(segue.engine, owner, "abandoned_cart/reminder/cart:1", "uncertain")
    link, forged = (
        Links(segue.settings.base_url, secret).click(sent, "https://shop.example.com/", TAGS)
        for secret in (segue.secret, b"a secret of somebody else")
    )
    file = tmp_path / "posts.jsonl"
    told = [
        track("Link Clicked", 1, url=link),
        track("Link Clicked", 2, url=forged),
        mail_news("spamreport", segue_key="abandoned_cart/reminder/cart:1"),
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in told))
    report = segue.import_file(file)
    assert dict(report.skipped) == {"bad_token": 1}
    with segue.engine.connect() as connection:
        assert connection.execute(select(touchpoint.c.profile_id, touchpoint.c.message_id)).all() == [(owner, sent)]
        silenced = connection.execute(select(suppression.c.address_hash, suppression.c.reason)).all()
    assert silenced == [(segue.hash_address("sarah@example.com"), "complaint")]
    assert states(segue.engine)["abandoned_cart/reminder/cart:1"] == ("accepted", None)


def test_the_dispatcher_settles_what_became_uncertain_after_its_news(segue: Segue, tmp_path: Path):
    """The news came while the message was in a worker's hands: that worker's answer comes first, and never came."""
    owner = add_person(segue.engine, email="sarah@example.com")
    add_message(segue.engine, owner, "abandoned_cart/reminder/cart:1", "handed_over")
    file = tmp_path / "posts.jsonl"
    file.write_text(json.dumps(mail_news("delivered", segue_key="abandoned_cart/reminder/cart:1")) + "\n")
    segue.import_file(file)
    assert states(segue.engine)["abandoned_cart/reminder/cart:1"] == ("handed_over", None)
    with segue.engine.begin() as connection:
        connection.execute(text("UPDATE message SET state = 'uncertain', reason = 'worker_lost'"))
    segue.dispatch(seconds=0)
    assert states(segue.engine)["abandoned_cart/reminder/cart:1"] == ("accepted", None)
