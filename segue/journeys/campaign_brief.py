"""What a marketer turns on a campaign: whom, on which channels, with which words, and what it may cost."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_validator, model_validator

from segue.contract import Channel
from segue.journeys.definition import Brief
from segue.journeys.segments import Definition

#: A campaign's name begins with a letter: in keys a number would pass for somebody's.
NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
#: What the button says until somebody writes another thing; said in the language of the rest.
BUTTON = "See what is new"
#: A page of the shop: a path, never another site.
PAGE = r"^/([^/\s\\]([^@\s\\]|/@)*)?$"
#: One line of words. No address belongs there; a handle such as @saltmere may.
LINE = r"^@?[^@]*([\s(]@[^@]*)*$"
PICTURE = r"^(/[^/\s\\][^\s\\]*|https://[^\s\\]+)?$"
FOLDER = r"^[a-z][a-z0-9_]*$"
#: Words that promise an end; a subject that says so of nothing that ends is false advertising.
HURRY = re.compile(
    r"\b(last (chance|call|day|days|hours?|minute)|ends?|ending|expires?|expiring|final|hurry|running out"
    r"|(only|just) (today|tonight)|(today|tonight) only|until midnight|while it lasts|letzte[rn]?|endet|nur heute"
    r"|[uú]ltim[oa]s?|termina|viimeinen|päättyy)\b",
    re.IGNORECASE,
)

#: Web addresses stand in the text of a mail, where each becomes a link of ours; elsewhere nobody could count a visit.
WEB_ADDRESS = re.compile(r"\bhttps?://|\bwww\.", re.IGNORECASE)

#: What a card holds, in letters: the words behind, each further paragraph as so many of them, and the headline.
CARD_TEXT, CARD_BREAK, CARD_HEADLINE = 600, 50, 90
#: A card lies in a parcel for days, and on a table for more: a code that runs out sooner would be dead paper.
CARD_CODE_DAYS = 14


class Ways(StrEnum):
    """Which channels, the first that may be used wins. The values are what the form's drop-down shows."""

    EMAIL_SMS = "E-mail, else SMS"
    EMAIL = "E-mail only"
    SMS_EMAIL = "SMS, else e-mail"
    SMS = "SMS only"
    PRINT = "A card in her next parcel"

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels in order."""
        email, sms = Channel.EMAIL, Channel.SMS
        if self is Ways.PRINT:
            return (Channel.PRINT,)
        return {"EMAIL_SMS": (email, sms), "EMAIL": (email,), "SMS_EMAIL": (sms, email), "SMS": (sms,)}[self.name]


class OverBudget(StrEnum):
    """What becomes of those who had enough messages lately. The values are what the form's drop-down shows."""

    HOLD = "Wait until they may be written to again"
    DROP = "Leave them out"

    @property
    def rule(self) -> Literal["hold", "drop"]:
        """As a step says it."""
        return "hold" if self is OverBudget.HOLD else "drop"


class CampaignChoices(Brief):
    """What is asked of a marketer."""

    campaign: str = Field(
        "",
        max_length=60,
        title="Name of the campaign",
        description="Small letters, digits and hyphens, e.g. spring-drop. Nobody gets a campaign of one name twice, "
        "however often it runs and with whichever words.",
    )
    segment: str = Field("", max_length=60, title="Who", description="A segment. *Define a segment* makes new ones.")
    template: str = Field(
        "note",
        pattern=FOLDER,
        title="Template",
        description="note: your own words. new_arrivals: up to four new things that fit each of them and are there.",
    )
    ways: Ways = Field(
        Ways.EMAIL_SMS,
        title="Channels",
        description="The first one that somebody agreed to and has an address for. A card goes into the parcels that "
        "wait at this moment; run it again, or give it a schedule, for the next ones. Nobody gets two.",
    )
    subject: str = Field(
        "",
        pattern=LINE,
        max_length=120,
        title="Subject of the mail",
        description="Empty: the headline, or the template's own. Words such as *last chance* or *ends* are refused "
        "where nothing ends: they would be untrue.",
    )
    headline: str = Field("", pattern=LINE, max_length=120, title="Headline", description="One line. A note needs one.")
    # The two long texts take any words: they are read by everybody, and the shop's own address or number belongs there.
    text: str = Field(
        "",
        max_length=4_000,
        title="Text",
        description="An empty line begins a new paragraph. Whatever is written here is shown as it is, and in a mail "
        "a web address is a link whose visits are counted; a card "
        f"has room for {CARD_TEXT} letters. What stands "
        "around your words is in the language that the segment reads, else in the shop's; without words of your own, "
        "everybody is written to in theirs.",
        json_schema_extra={"format": "textarea"},
    )
    sms: str = Field(
        "", max_length=300, title="Text of the SMS", description="Empty: the headline. The shop's name, a link and "
        "how to stop are added."
    )  # fmt: skip
    picture: str = Field(
        "",
        pattern=PICTURE,
        max_length=300,
        title="Picture",
        description="Of a note: its path or https address; 3 to 2, at least 1040 wide.",
    )
    picture_shows: str = Field(
        "",
        pattern=LINE,
        max_length=160,
        title="What the picture shows",
        description="For who cannot see it. Empty: the headline.",
    )
    button: str = Field(
        BUTTON,
        pattern=LINE,
        min_length=1,
        max_length=40,
        title="Words on the button",
        description="Short: what happens when it is pressed.",
    )
    page: str = Field(
        "/", pattern=PAGE, max_length=300, title="Where the button leads", description="A page of the shop, e.g. /new."
    )
    new_days: int = Field(
        60, ge=1, le=365, title="New means: listed within, days", description="Only for new_arrivals."
    )
    percent: int = Field(
        0, ge=0, le=50, title="Discount in percent", description="Worth of a personal code each; 0 gives none. "
        "Who holds a live code already is shown that one."
    )  # fmt: skip
    code_days: int = Field(
        7, ge=1, le=60, title="Code lives, days", description="Counted from the moment each message is written."
    )
    days: int = Field(
        3,
        ge=1,
        le=30,
        title="Too late after, days",
        description="Who could not be written to by then is left out. A card "
        "is too late once its parcel's wave was picked, whatever stands here.",
    )
    over_budget: OverBudget = Field(
        OverBudget.HOLD,
        title="Who had enough messages lately",
        description="What becomes of those the budget is used up for.",
    )

    @field_validator("campaign")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if value and not re.fullmatch(NAME, value):
            raise ValueError("a campaign's name has small letters, digits and hyphens and begins with a letter")
        return value

    @model_validator(mode="after")
    def _promises_no_end(self) -> CampaignChoices:
        if self.percent == 0:
            said = (self.subject, self.headline, self.sms)
            if any(HURRY.search(text) for text in said):
                raise ValueError(
                    "the subject, the headline or the SMS says that something ends, and nothing does: give a discount "
                    "that runs out, or other words"
                )
        return self

    @model_validator(mode="after")
    def _leads_where_visits_are_counted(self) -> CampaignChoices:
        places = {"subject": self.subject, "headline": self.headline, "text of the SMS": self.sms}
        held = [place for place, said in places.items() if WEB_ADDRESS.search(said)]
        if held:
            raise ValueError(
                f"the {held[0]} holds a web address, and nobody could count who came by it: leave it out, since the "
                "message brings a link of its own, and write its page under *Where the button leads*"
            )
        return self

    @model_validator(mode="after")
    def _fits_on_a_card(self) -> CampaignChoices:
        if self.ways is not Ways.PRINT:
            return self
        parts = paragraphs(self.text)
        room = CARD_TEXT - CARD_BREAK * max(0, len(parts) - 1)
        for name, said, most in (
            ("text", " ".join(parts), max(0, room)),
            ("headline", self.headline.strip(), CARD_HEADLINE),
        ):
            letters = width(said)
            if letters > most:
                held = f" in {len(parts)} paragraphs" if name == "text" and len(parts) > 1 else ""
                raise ValueError(
                    f"the {name} has {letters} letters{held} and a card has room for {most}: nothing is cut off, so "
                    f"leave out {letters - most}"
                )
        if self.percent and self.code_days < CARD_CODE_DAYS:
            raise ValueError(
                f"a code on a card has to live {CARD_CODE_DAYS} days at least, since the parcel is on its way for "
                "some of them: raise *Code lives, days*"
            )
        return self


def paragraphs(text: str) -> list[str]:
    """A text's paragraphs, each in one line with single spaces."""
    parts: list[str] = [""]
    for line in text.splitlines():
        parts.append("") if not line.strip() else parts.append(f"{parts.pop()} {line}")
    return [" ".join(part.split()) for part in parts if part.strip()]


def width(text: str) -> int:
    """How much room a text takes, in letters; signs such as those of Chinese take twice as much."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


class CampaignBrief(CampaignChoices):
    """What the campaign knows: the choices, and what the segment meant when somebody chose it."""

    people: Definition | None = Field(None, title="The segment's definition", description="None: nobody.")
