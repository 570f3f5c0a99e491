"""Test sends: marked, to seeds alone, outside everything that counts customers; on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from segue.clock import VirtualClock
from segue.contract import Capabilities, Channel, EmailContent, Message, SmsContent
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.journeys.abandoned_cart import JOURNEY as CART
from segue.journeys.campaign import JOURNEY as CAMPAIGN
from segue.journeys.campaign import CampaignBrief, Ways
from segue.journeys.popup_invite import JOURNEY as POPUP
from segue.journeys.welcome_insert import JOURNEY as INSERT
from segue.outbox.connectors import Connectors
from segue.render import Library, Links, load_brand
from segue.render.sms import segments
from segue.render.trial_mark import marked_as_test
from segue.service import Segue, open_segue, trial_choices
from segue.settings import Settings
from segue.store import tables as t
from segue.store.engine import read, write

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)
ANNA, PHONE = "anna@example.com", "+12025550123"


class Wire(FakeWire):
    """A provider that looks, as each message arrives, whether a row stood before it."""

    segue: Segue | None = None

    def take(self, message: Message):
        assert self.segue is not None
        with read(self.segue.engine) as connection:
            state = connection.scalar(select(t.test_send.c.state).where(t.test_send.c.key == message.key))
        assert state == "handed_over"
        return super().take(message)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def connector(wire: Wire) -> FakeConnector:
    return FakeConnector(wire=wire)


@pytest.fixture
def segue(tmp_path: Path, database_url: str, wire: Wire, connector: FakeConnector) -> Iterator[Segue]:
    settings = Settings(home=tmp_path, database_url=database_url)
    connectors = Connectors(by_channel={Channel.EMAIL: connector, Channel.SMS: connector}, offers=FakeOffers())
    with open_segue(settings, VirtualClock(NOON), connectors=connectors) as opened:
        opened.install()
        wire.segue = opened
        yield opened


@pytest.fixture
def seeded(segue: Segue) -> Segue:
    segue.add_seed("Anna", "email", " Anna@Example.com")
    segue.add_seed("Ben", "email", "ben@example.com")
    segue.add_seed("Anna's phone", "sms", "+1 (202) 555-0123")
    return segue


def test_every_seed_gets_it_marked_and_as_often_as_wanted(seeded: Segue, wire: Wire) -> None:
    """Subject, text, HTML and SMS each say so; keys are new each time, and none is a customer's."""
    for _ in range(2):
        lines = seeded.test_send("campaign", "note")
        assert [(line.label, line.channel, line.state) for line in lines] == [
            ("Anna", "email", "accepted"), ("Ben", "email", "accepted"), ("Anna's phone", "sms", "accepted"),
        ]  # fmt: skip
    assert [message.address for message in wire.received] == [ANNA, "ben@example.com", PHONE] * 2
    keys = [message.key for message in wire.received]
    assert len(set(keys)) == 6
    assert all(re.fullmatch(r"test/\d+/campaign/note", key) for key in keys)
    mail, text = wire.received[0].content, wire.received[2].content
    assert isinstance(mail, EmailContent)
    assert isinstance(text, SmsContent)
    assert mail.subject.startswith("[TEST] ")
    assert mail.text.startswith("TEST: ")
    assert re.search(r"<body[^>]*><div role=\"note\"[^>]*>TEST ", mail.html)
    assert mail.pieces is None
    assert text.text.startswith("TEST Saltmere")
    assert text.segments == segments(text.text)[1]
    assert seeded.tests_sent() == {"accepted": 6}


def test_a_forms_own_words_go_to_the_seeds_before_anybody_is_chosen(seeded: Segue, wire: Wire) -> None:
    """On the channels that the form asks for, with its discount; nothing of it is left but the test itself."""
    brief = CampaignBrief(campaign="drop", headline="Only ours to say", text="So be it.", percent=35, sms="By text")
    assert [line.state for line in seeded.test_words(CAMPAIGN, brief)] == ["accepted"] * 3
    mail, text = wire.received[0].content, wire.received[2].content
    assert isinstance(mail, EmailContent)
    assert mail.subject == "[TEST] Only ours to say"
    assert "So be it." in mail.text
    assert "35% off" in mail.text
    assert isinstance(text, SmsContent)
    assert "By text" in text.text
    seeded.test_words(CAMPAIGN, brief.model_copy(update={"ways": Ways.SMS}))
    assert [message.address for message in wire.received[3:]] == [PHONE]
    with read(seeded.engine) as connection:
        for table in (t.message, t.decision, t.run, t.run_audience, t.journey_state, t.voucher):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_a_test_is_in_the_language_that_is_asked_for(seeded: Segue, wire: Wire) -> None:
    seeded.test_send("popup_invite", "invite", language="de")
    seeded.test_words(POPUP, POPUP.brief(), language="fi")
    htmls = [message.content.html for message in wire.received]  # type: ignore[union-attr]
    assert ['lang="de"' in html for html in htmls] == [True, True, False, False]
    assert ['lang="fi"' in html for html in htmls] == [False, False, True, True]
    with pytest.raises(KeyError, match="popup_invite/invite does not speak sv; it speaks de, en, es, fi"):
        seeded.test_send("popup_invite", "invite", language="sv")
    with pytest.raises(ValueError, match="Welcome insert has no mail and no text to test"):
        seeded.test_words(INSERT, INSERT.brief())


def test_a_sample_tells_what_the_forms_code_is_worth() -> None:
    """Of the step that mints it and of the one that shows it; no discount, no code."""
    sample = {"voucher": {"code": "K", "percent": 10, "amount_minor": None, "currency": None}}
    for percent, told in ((25, 25), (0, None)):
        for step in CART.under(CART.brief(percent=percent)).steps:  # type: ignore[call-arg]
            assert step.shows is not None
            voucher = step.shows(sample)["voucher"]
            assert (voucher and voucher["percent"]) == told
            assert step.shows({"voucher": None})["voucher"] is None


def test_links_in_it_belong_to_no_message(seeded: Segue, wire: Wire) -> None:
    """Whoever unsubscribes from a test unsubscribes nobody: message 0 is nobody's."""
    seeded.test_send("abandoned_cart", "reminder")
    mail = wire.received[0].content
    assert isinstance(mail, EmailContent)
    links = seeded.library._links
    assert mail.unsubscribe_url is not None
    assert links.read_unsubscribe(mail.unsubscribe_url.rpartition("/")[2]) == (0, Channel.EMAIL)
    assert {links.read_click(token)[0] for token in re.findall(r"/c/([\w-]+)", mail.html)} == {0}


def test_it_counts_nowhere(seeded: Segue) -> None:
    """Not in messages, decisions, runs or suppressions, and not for the customer whose address a seed has."""
    with write(seeded.engine) as connection:
        connection.execute(insert(t.profile).values(id=1, created_at=NOON))
        connection.execute(insert(t.identifier).values(kind="email", value=ANNA, profile_id=1, recorded_at=NOON))
    seeded.test_send("campaign", "new_arrivals", sample="sample_two")
    with read(seeded.engine) as connection:
        for table in (t.message, t.decision, t.run, t.suppression, t.touchpoint, t.voucher):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
    assert seeded.journey_summary("campaign").considered == 0
    (why,) = seeded.why("1")
    assert why.lines == ()


@pytest.mark.parametrize("name", ["all", "journey:campaign", "channel:email", "connector:fake"])
def test_the_brake_holds_it(seeded: Segue, wire: Wire, name: str) -> None:
    seeded.pause(name, reason="test")
    states = {line.label: (line.state, line.reason) for line in seeded.test_send("campaign", "note")}
    assert states["Anna"] == ("held", "paused")
    assert all(message.address == PHONE for message in wire.received)
    seeded.resume(name)
    assert {line.state for line in seeded.test_send("campaign", "note")} == {"accepted"}


def test_the_pace_holds_it(seeded: Segue, wire: Wire, connector: FakeConnector) -> None:
    connector.capabilities = Capabilities(max_batch=9, window=9, pace_per_second=1)
    lines = seeded.test_send("popup_invite", "invite")
    assert [(line.state, line.reason) for line in lines] == [("accepted", None), ("held", "pace")]
    assert len(wire.received) == 1


def test_what_the_provider_says_is_kept(tmp_path: Path, seeded: Segue, wire: Wire) -> None:
    """A refusal suppresses nobody; settings that are wrong stop no channel of the customers'."""
    wire.answer("rejected", "silence", "ok")
    assert [line.state for line in seeded.test_send("campaign", "note")] == ["rejected", "uncertain", "accepted"]
    wire.answer("unauthorised")
    assert {line.reason for line in seeded.test_send("campaign", "note")} == {"configuration"}
    assert seeded.standing_still() == []
    with read(seeded.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(t.suppression)) == 0
    assert list((tmp_path / "journals").iterdir()) == []


def test_every_template_that_is_offered_can_be_marked() -> None:
    """All of the drop-down, transactional steps too, each with all of its samples."""
    links = Links("https://go.example.com", b"a secret for tests only")
    library = Library(TEMPLATES, load_brand(TEMPLATES / "brand.toml"), links)
    marked = 0
    for name in trial_choices():
        step = library.step(name)
        for words in step.samples().values():
            for channel in step.channels & {Channel.EMAIL, Channel.SMS}:
                content = marked_as_test(step.content(channel, words, message_id=0))
                assert content.text.startswith("TEST")
                marked += 1
    assert marked > 30


def test_what_there_is_not_says_what_there_is(segue: Segue) -> None:
    with pytest.raises(ValueError, match="nobody gets test messages"):
        segue.test_send("campaign", "note")
    with pytest.raises(KeyError, match="no journey nothing"):
        segue.test_send("nothing", "note")
    with pytest.raises(KeyError, match="campaign has no step x; it has campaign/new_arrivals, campaign/note"):
        segue.test_send("campaign", "x")
    with pytest.raises(KeyError, match="has no sample odd; it has sample"):
        segue.test_send("campaign", "note", sample="odd")
    assert [line.id for line in segue.seeds()] == []


@pytest.mark.parametrize(
    ("label", "channel", "address"),
    [
        ("Anna", "email", "no address"), ("Anna", "sms", "12"), ("Anna", "print", ANNA), ("", "email", ANNA),
        ("anna@example.com", "email", ANNA), ("call 202-555-0123", "sms", PHONE),
    ],
)  # fmt: skip
def test_a_seed_needs_an_address_and_a_label_that_is_none(segue: Segue, label: str, channel: str, address: str) -> None:
    """And the error repeats neither."""
    with pytest.raises(ValueError, match=r"label|address|number|email") as caught:
        segue.add_seed(label, channel, address)
    assert address not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_seed_told_again_is_one_and_can_be_forgotten(seeded: Segue) -> None:
    again = seeded.add_seed("Anna at work", "email", ANNA)
    assert again.id == 1
    assert next((one.label, one.channel) for one in seeded.seeds()) == ("Anna at work", "email")
    seeded.test_send("campaign", "note")
    seeded.remove_seed(1)
    assert [one.label for one in seeded.seeds()] == ["Ben", "Anna's phone"]
    with pytest.raises(KeyError, match="no seed 1"):
        seeded.remove_seed(1)


def test_a_mail_without_a_body_is_not_sent_unmarked() -> None:
    from segue.contract import MailFrame
    from segue.render import TemplateError

    frame = MailFrame(from_name="B", from_address="b@example.com")
    with pytest.raises(TemplateError):
        marked_as_test(EmailContent(frame=frame, subject="s", text="t", html="<p>t</p>"))
