"""Campaign: whom it reaches, once; what it says, as data; what it refuses to say. On both databases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select, update

from segue.clock import VirtualClock
from segue.contract import Channel, EmailContent, Message
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.journeys import segments as s
from segue.journeys.campaign import JOURNEY, CampaignBrief, OverBudget, Ways
from segue.outbox.connectors import Connectors
from segue.render import Links
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store import tables as t
from segue.store.engine import read, write
from tests.outbox.merges import found, merge

#: Noon in New York: nobody's quiet hours.
NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)
DAY = timedelta(days=1)
LATELY = s.Definition(conditions=(s.Bought(days=90),))
ODD = "{{ 7*7 }} <script>x</script> [a] $5 {% raw %}"


class Play:
    """An installation at noon, and everything its one provider received."""

    def __init__(self, segue: Segue, wire: FakeWire, clock: VirtualClock) -> None:
        self.segue, self.wire, self.clock = segue, wire, clock

    def run(self, **choices: Any) -> dict[tuple[str, str | None], int]:
        """Send a campaign; return the sum of this run by group and reason."""
        brief = CampaignBrief.model_validate(
            {"campaign": "spring-drop", "headline": "Hello", "people": LATELY} | choices
        )
        plan = self.segue.start_run(JOURNEY.under(brief), brief)
        self.segue.drain_run(plan)
        sums: Counter[tuple[str, str | None]] = Counter()
        for line in self.segue.summary(plan.run_id).lines:
            sums[line.group, line.reason] += line.count
        return dict(sums)

    def got(self) -> list[tuple[str, str]]:
        return [(message.channel.value, message.address) for message in self.wire.received]

    def mail(self) -> tuple[Message, EmailContent]:
        message = self.wire.received[-1]
        assert isinstance(message.content, EmailContent)
        return message, message.content


@pytest.fixture
def play(tmp_path: Path, database_url: str) -> Iterator[Play]:
    """Five New Yorkers: 1 to 3 bought lately; 1 and 2 take e-mail and SMS, 3 only SMS, 4 and 5 e-mail."""
    wire, clock = FakeWire(), VirtualClock(NOON)
    connector = FakeConnector(wire=wire)
    by_channel = {Channel.EMAIL: connector, Channel.SMS: connector}
    settings = Settings(home=tmp_path, database_url=database_url, holdout_journey=0)
    connectors = Connectors(by_channel=by_channel, offers=FakeOffers())
    with open_segue(settings, clock, connectors=connectors) as segue:
        segue.install()
        segue.switch_on("campaign")
        with write(segue.engine) as connection:
            stamp = {"recorded_at": NOON - 9 * DAY}
            for number in range(1, 6):
                connection.execute(
                    insert(t.profile).values(
                        id=number, country="US", region="NY", zone="America/New_York", first_name=f"P{number}",
                        created_at=NOON - 9 * DAY,
                    )
                )  # fmt: skip
                for kind, value, channel, agreed in (
                    ("email", f"p{number}@example.com", "email", number != 3),
                    ("phone", f"+1202555012{number}", "sms", number <= 3),
                ):
                    connection.execute(insert(t.identifier).values(kind=kind, value=value, profile_id=number, **stamp))
                    connection.execute(
                        insert(t.consent_event).values(
                            profile_id=number, channel=channel, state="granted" if agreed else "denied",
                            basis="opt_in", source="t", dedupe=f"{channel}:{number}", occurred_at=NOON - 9 * DAY,
                            **stamp,
                        )
                    )  # fmt: skip
        for number in (1, 2, 3):
            ordered(segue, number, number, NOON - 30 * DAY)
        yield Play(segue, wire, clock)


def ordered(segue: Segue, order_id: int, who: int, at: datetime) -> None:
    with write(segue.engine) as connection:
        connection.execute(
            insert(t.order).values(
                id=order_id, external_id=f"o{order_id}", profile_id=who, sales_channel="web", currency="USD",
                total_minor=100, occurred_at=at, recorded_at=at,
            )
        )  # fmt: skip


def shelf(segue: Segue, *ages: int) -> None:
    """Products in stock, listed so many days ago, in sizes 8 and 10; person 1 wears 8."""
    with write(segue.engine) as connection:
        for number, age in enumerate(ages, start=1):
            connection.execute(
                insert(t.product).values(
                    id=number, external_id=f"p{number}", title=f"Thing {number}", category="tops", size_system="us",
                    url=f"/p/{number}", recorded_at=NOON,
                )
            )  # fmt: skip
            connection.execute(
                insert(t.listing).values(product_id=number, sales_channel="web", listed_from=NOON - age * DAY)
            )
            for size in (8, 10):
                connection.execute(
                    insert(t.variant).values(
                        id=number * 100 + size, product_id=number, sku=f"v{number}-{size}", size=str(size),
                        price_minor=2000 + size, currency="USD",
                    )
                )  # fmt: skip
        connection.execute(
            insert(t.profile_size).values(
                profile_id=1, category="tops", system="us", size="8", evidence=1.0, confidence=0.9
            )
        )


def test_a_segment_gets_a_campaign_once_whatever_its_words_template_or_channel(play: Play) -> None:
    """E-mail where she agreed to it, else SMS; run again under its name it reaches only who is new in the segment."""
    assert play.run() == {("accepted", None): 3}
    assert sorted(play.got()) == [("email", "p1@example.com"), ("email", "p2@example.com"), ("sms", "+12025550123")]
    shelf(play.segue, 3)
    play.clock.set(NOON + 3 * DAY)
    again = {"template": "new_arrivals", "ways": Ways.SMS, "headline": "Other words"}
    assert play.run(**again) == {}
    ordered(play.segue, 4, 4, NOON + 2 * DAY)
    assert play.run(headline="Hello again") == {("accepted", None): 1}
    assert play.got()[-1] == ("email", "p4@example.com")
    play.clock.set(NOON + 6 * DAY)
    assert play.run(campaign="autumn") == {("accepted", None): 4}
    with read(play.segue.engine) as connection:
        keys = list(connection.scalars(select(t.message.c.key).order_by(t.message.c.id)))
    assert "campaign/message/campaign:spring-drop:profile:1" in keys
    assert len(keys) == len(set(keys)) == 8


def test_only_the_chosen_channels_are_used(play: Play) -> None:
    assert play.run(ways=Ways.EMAIL) == {("accepted", None): 2, ("skipped", "denied"): 1}
    play.clock.set(NOON + DAY)
    play.run(campaign="b", ways=Ways.SMS_EMAIL)
    assert [channel for channel, _ in play.got()] == ["email", "email", "sms", "sms", "sms"]


def test_who_had_enough_waits_or_is_left_out_as_the_form_says(play: Play) -> None:
    """One e-mail a day is the cap."""
    play.run(ways=Ways.EMAIL)
    hold, drop = ({"ways": Ways.EMAIL, "over_budget": one, "campaign": one.name.lower()} for one in OverBudget)
    assert play.run(**hold)["pending", "budget"] == 2
    assert play.run(**drop)["skipped", "over_budget"] == 2
    play.clock.set(NOON + DAY + timedelta(hours=1))
    play.segue.drain_ready()
    assert len(play.wire.received) == 4


def test_who_is_no_longer_meant_when_it_leaves_is_left_out(play: Play) -> None:
    """She clicked and had not bought; overnight she did. The stored run remembers what its segment meant."""
    with write(play.segue.engine) as connection:
        for who in (4, 5):
            connection.execute(
                insert(t.touchpoint).values(
                    dedupe=f"c{who}", profile_id=who, kind="click", occurred_at=NOON - DAY, recorded_at=NOON
                )
            )
    night = NOON + timedelta(hours=10)
    play.clock.set(night)
    clicked = s.Definition(conditions=(s.ClickedNotBought(days=30),))
    assert play.run(people=clicked) == {("pending", "quiet_hours"): 2}
    ordered(play.segue, 9, 4, night + timedelta(hours=1))
    play.clock.set(NOON + DAY)
    play.segue.drain_ready()
    assert play.got() == [("email", "p5@example.com")]
    sums = {(line.group, line.reason): line.count for line in play.segue.journey_summary("campaign").lines}
    assert sums == {("accepted", None): 1, ("skipped", "occasion_gone"): 1}


def test_too_late_is_left_out(play: Play) -> None:
    night = NOON + timedelta(hours=10)
    play.clock.set(night)
    assert play.run(days=1)["pending", "quiet_hours"] == 3
    play.clock.set(night + timedelta(days=1, minutes=1))
    play.segue.drain_ready()
    assert play.wire.received == []


def test_two_profiles_that_become_one_got_it_once(play: Play) -> None:
    """Promised to both at night; in the morning she is one person."""
    night = NOON + timedelta(hours=10)
    play.clock.set(night)
    play.run(ways=Ways.EMAIL)
    found(play.segue.engine, (1, 2))
    assert merge(play.segue.engine, now=night) == 1
    play.clock.set(NOON + DAY)
    play.segue.drain_ready()
    assert len([one for one in play.got() if one[1] in ("p1@example.com", "p2@example.com")]) == 1
    assert play.run(ways=Ways.EMAIL) == {}


def test_a_preview_sends_nothing_and_says_what_the_run_will(play: Play) -> None:
    brief = CampaignBrief(campaign="x", headline="Hi", people=LATELY, ways=Ways.EMAIL)
    previewed = play.segue.preview(JOURNEY, brief)
    sums = {(line.group, line.reason): line.count for line in previewed.lines}
    assert play.wire.received == []
    assert sums == {("accepted", None): 2, ("skipped", "denied"): 1} == play.run(campaign="x", ways=Ways.EMAIL)


def test_the_ids_beside_a_channel_are_of_those_it_reaches(play: Play) -> None:
    """Before and after: whoever asks why 3 got a text message must not have been shown 1."""
    brief = CampaignBrief(campaign="x", headline="Hi", people=LATELY)
    journey = JOURNEY.under(brief)
    seen = play.segue.preview(journey, brief)
    plan = play.segue.start_run(journey, brief)
    play.segue.drain_run(plan)
    for summary in (seen, play.segue.summary(plan.run_id)):
        told = {line.channel: summary.examples[line.name] for line in summary.lines}
        assert told == {"email": (1, 2), "sms": (3,)}


def test_a_preview_shows_her_own_words(play: Play) -> None:
    """In the place of the sample's, in every sample; a code only where one is given."""
    brief = CampaignBrief(campaign="x", headline="Only ours to say", text="So be it.", sms="By text", people=LATELY)
    renders = play.segue.sample_renders(JOURNEY.under(brief))
    assert {render.name for render in renders} == {"campaign/note"}
    for render in renders:
        said = ("By text",) if render.channel == "sms" else ("Only ours to say", "So be it.")
        assert all(one in render.text for one in said)
        assert "K7QM" not in render.text
    given = play.segue.sample_renders(JOURNEY.under(brief.model_copy(update={"percent": 20})))
    assert any("20% off" in render.text and "K7QM" in render.text for render in given)


def test_what_stands_around_a_marketers_words_is_in_their_language(play: Play) -> None:
    """That of the segment, else the shop's; only where nobody wrote anything, each reader's own."""
    with write(play.segue.engine) as connection:
        for number, locale in ((1, "de-DE"), (2, "es-ES"), (3, "fi-FI")):
            connection.execute(update(t.profile).where(t.profile.c.id == number).values(locale=locale))
    shelf(play.segue, 3)

    def spoken(days: int, **choices: Any) -> dict[str, str]:
        before, now = len(play.wire.received), NOON + days * DAY
        play.clock.set(now)
        play.run(campaign=f"c{days}", ways=Ways.EMAIL, **choices)
        mails = {message.address: message.content for message in play.wire.received[before:]}
        return {address[:2]: mail.html.partition('lang="')[2][:2] for address, mail in mails.items()}  # type: ignore[union-attr]

    seen = play.segue.preview(JOURNEY, CampaignBrief(campaign="x", people=LATELY, ways=Ways.EMAIL))
    assert dict(seen.languages) == {"de": 1, "es": 1}, "of those it would write to"
    assert spoken(0) == {"p1": "en", "p2": "en"}
    german = s.Definition(conditions=(s.Bought(days=90), s.Speaks(locale="de")))
    assert spoken(2, people=german, headline="Hallo") == {"p1": "de"}
    assert "Hallo P1," in play.mail()[1].text
    assert "Neues entdecken: https" in play.mail()[1].text, "the button nobody wrote on"
    assert spoken(4, template="new_arrivals", headline="") == {"p1": "de", "p2": "es"}
    assert spoken(6, template="new_arrivals", headline="Spring") == {"p1": "en", "p2": "en"}


def test_a_visit_is_booked_under_the_campaigns_own_name(play: Play) -> None:
    play.run(page="/pages/mercer", ways=Ways.EMAIL)
    links = Links(play.segue.settings.base_url, play.segue.secret)
    tokens = re.findall(r"/c/([\w-]+)", play.mail()[1].html)
    targets = [links.read_click(token)[1] for token in tokens]
    assert targets
    assert all("utm_campaign=spring-drop&utm_content=note" in target for target in targets)


def test_a_web_address_in_her_text_is_a_link_of_ours(play: Play) -> None:
    """Mail programs make a link of it anyway. What ends a sentence is no part of it; a reader sees what was typed."""
    said = "See https://www.saltmere.example.com/sale?a=1#top, or (www.partner.example.com)."
    play.run(text=f"{said}\n\nBye <b>", ways=Ways.EMAIL)
    _, mail = play.mail()
    links = Links(play.segue.settings.base_url, play.segue.secret)
    shown = re.findall(r'<a href="([^"]+)" style="color:inherit[^>]+>([^<]+)</a>', mail.html)
    tags = "utm_source=segue&utm_medium=email&utm_campaign=spring-drop&utm_content=note"
    assert [(links.read_click(url.rpartition("/")[2])[1], words) for url, words in shown] == [
        (f"https://www.saltmere.example.com/sale?a=1&{tags}#top", "https://www.saltmere.example.com/sale?a=1#top"),
        (f"https://www.partner.example.com?{tags}", "www.partner.example.com"),
    ]
    assert f"See {shown[0][0]}, or ({shown[1][0]})." in mail.text
    assert "saltmere.example.com/sale" not in mail.text
    assert "Bye &lt;b&gt;" in mail.html


@pytest.mark.parametrize("place", ["subject", "headline", "sms"])
def test_no_web_address_where_nobody_could_count_it(place: str) -> None:
    for said in ("Sale: https://www.example.com/sale", "at WWW.example.com now"):
        with pytest.raises(ValueError, match=r"holds a web address.*Where the button leads"):
            CampaignBrief.model_validate({"headline": "Sale", place: said})


def test_left_alone_it_reaches_nobody(play: Play) -> None:
    """Its brief's defaults mean nobody, so the clockwork that ticks every journey sends nothing of it."""
    play.segue.tick()
    assert play.wire.received == []
    assert play.segue.next_due_at() is None


def test_a_marketers_words_are_data(play: Play) -> None:
    """Neither template code nor HTML; shown as they were typed, in every part."""
    play.run(
        subject=ODD, headline=ODD, text=f"{ODD}\nsame line\n\n  second  ", button=ODD[:9], page="/new?a=1",
        picture="/pictures/x.png",         ways=Ways.EMAIL,
    )  # fmt: skip
    _, mail = play.mail()
    assert mail.subject == ODD
    assert ODD in mail.text
    assert "<script>x" not in mail.html
    assert "{{ 7*7 }} &lt;script&gt;x&lt;/script&gt; [a] $5 {% raw %} same line</div>" in mail.html
    assert "second</div>" in mail.html
    assert "49" not in mail.subject
    play.clock.set(NOON + DAY)
    play.run(campaign="sms", ways=Ways.SMS, headline=ODD)
    assert ODD in play.wire.received[-1].content.text  # type: ignore[union-attr]


def test_new_arrivals_fit_are_there_and_are_new(play: Play) -> None:
    """Up to four, the old one not among them, each in her size; who wears a size we do not know is shown none."""
    shelf(play.segue, 3, 10, 59, 20, 30, 61)
    assert play.run(template="new_arrivals", ways=Ways.EMAIL, headline="")["accepted", None] == 2
    by_address = {one.address: one.content for one in play.wire.received}
    hers, other = by_address["p1@example.com"], by_address["p2@example.com"]
    assert isinstance(hers, EmailContent)
    assert isinstance(other, EmailContent)
    assert hers.subject == "P1, new in: Thing 1 and 3 more"
    assert [n for n in range(1, 7) if f"Thing {n}" in hers.text] == [1, 2, 4, 5]
    assert hers.text.count("Size 8") == 4
    assert "in your size" in hers.text
    assert "Size" not in other.text
    assert "in your size" not in other.text


def test_with_nothing_new_to_show_nobody_is_written_to(play: Play) -> None:
    shelf(play.segue, 61)
    assert play.run(template="new_arrivals", ways=Ways.EMAIL)["skipped", "sold_out"] == 2


def test_a_discount_is_a_code_each_that_ends(play: Play) -> None:
    play.run(percent=15, code_days=7, ways=Ways.EMAIL, subject="15% off, ends in a week")
    with read(play.segue.engine) as connection:
        codes = {row.profile_id: row for row in connection.execute(select(t.voucher))}
    assert {who: (row.percent, row.valid_until) for who, row in codes.items()} == {
        1: (15, NOON + 7 * DAY), 2: (15, NOON + 7 * DAY)
    }  # fmt: skip
    message, mail = play.mail()
    who = int(message.address[1])
    assert codes[who].code in mail.text
    assert codes[who].code in mail.html


def test_the_segment_of_a_run_stays_what_it_was(play: Play) -> None:
    """Defined anew between the promise and the morning, it changes later runs only."""
    play.clock.set(NOON + timedelta(hours=10))
    play.segue.define_segment("mine", "Mine", LATELY)
    play.run(people=play.segue.segment("mine"), ways=Ways.EMAIL)
    play.segue.define_segment("mine", "Mine", {"conditions": [{"kind": "points_at_least", "points": 5}]})
    assert play.segue.count_segment("mine") == 0
    play.clock.set(NOON + DAY)
    play.segue.drain_ready()
    assert len(play.wire.received) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"campaign": "Spring drop"}, {"campaign": "7"}, {"campaign": "profile:7"}, {"page": "https://evil.example.com"},
        {"page": "//evil.example.com"}, {"picture": "javascript:x"}, {"template": "../x"}, {"percent": 60},
        {"subject": "Last chance for spring"}, {"headline": "It ENDS tonight"}, {"sms": "Final hours"},
        {"subject": "Nur heute"}, {"consent": False},
    ],
)  # fmt: skip
def test_what_is_untrue_or_unsafe_is_refused(wrong: dict[str, Any]) -> None:
    """A subject that hurries where nothing ends is false; a link elsewhere is not the shop's."""
    with pytest.raises(ValidationError):
        CampaignBrief.model_validate(wrong)


def test_words_that_only_look_like_an_end_are_fine() -> None:
    for subject in ("Trends for spring", "At last: wool", "Friends and family", "A weekend by the sea"):
        assert CampaignBrief(subject=subject).subject == subject
    assert CampaignBrief(subject="Last chance", percent=10).percent == 10


def test_segments_are_named_counted_and_told_in_words(play: Play) -> None:
    """Starters are there and stay what somebody made of them; a location has to exist; a wrong name says the choice."""
    segue = play.segue
    lines = {line.name: line for line in segue.segments()}
    assert lines["bought-lately"].people == 3
    assert lines["bought-lately"].examples == (1, 2, 3)
    assert lines["everyone"].people == 5
    segue.define_segment("everyone", "All", LATELY)
    segue.install()
    assert {line.name: line.words for line in segue.segments()}["everyone"] == "bought in the last 90 days"
    near = {"conditions": [{"kind": "not", "condition": {"kind": "lives_within", "km": 5, "location": "soho"}}]}
    with pytest.raises(ValueError, match="no location soho"):
        segue.define_segment("near", "Near", near)
    with write(segue.engine) as connection:
        connection.execute(insert(t.location).values(external_id="soho", kind="store", name="S"))
        connection.execute(update(t.profile).where(t.profile.c.id == 1).values(merged_into=2))
    assert segue.define_segment("near", "", near).people == 4
    with pytest.raises(KeyError, match="there is no segment nobody; there are bought-lately"):
        segue.count_segment("nobody")
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        segue.define_segment("a b", "", LATELY)
