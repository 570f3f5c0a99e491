"""The verb behind every link of ours: where it leads, tagged. The web edge will call it, and count the visit itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from sqlalchemy import Connection, select

from segue.contract import Channel
from segue.journeys.definition import Step
from segue.render import BadTokenError, Brand, Links, Slot, Tags, load_brand, tagged, tags_of
from segue.service.desk import Desk
from segue.store.engine import read
from segue.store.tables import message, referral_code, run, voucher

#: A friend who follows somebody's link came by neither channel of ours nor message.
_FRIEND = Tags("referral", campaign="referral_followup", content="friend")


class _Told(NamedTuple):
    """The message that a link stands in: the step that wrote it, as its run's brief turned it."""

    template: str
    channel: str | None
    campaign: str | None
    pages: dict[str, str]


class LeadVerbs(Desk):
    """Where links lead."""

    def target_of(self, link: str) -> str:
        """The tagged page of the shop that a link of ours leads to; an address, or its end such as `/s/<token>`.

        A short link leads where its message's step says, a card's code to the page that her card is about,
        if it has one, a friend's link to the shop's first page.
        Raises BadTokenError for what was not made here and for a way out, which leads nowhere.
        """
        base = self.settings.base_url.rstrip("/")
        path = link.removeprefix(base).partition("?")[0].partition("#")[0]
        kind, _, token = path.removeprefix("/").partition("/")
        lead: Callable[[Connection, str], str] | None = {
            "c": self._click,
            "s": self._short,
            "v": self._landing,
            "r": self._referral,
        }.get(kind)
        if lead is None or not token:
            raise BadTokenError("a link that leads to no page; those that do begin with /c/, /s/, /v/ or /r/")
        with read(self.engine) as connection:
            return lead(connection, unquote(token))

    def _click(self, _connection: Connection, token: str) -> str:
        return self._links.read_click(token)[1]

    def _short(self, connection: Connection, token: str) -> str:
        message_id, slot = self._links.read_short(token)
        told = self._told(connection, message_id)
        if told is None:  # a test message has no row
            return self._page("/", Tags(Channel.SMS, campaign="test", content="test"))
        page = told.pages.get(Slot(slot).name.lower(), "/")
        return self._page(page, tags_of(told.template, told.channel or Channel.SMS, told.campaign))

    def _landing(self, connection: Connection, code: str) -> str:
        """Her newest card told her of it: the code may have been minted for another message, and be shown there."""
        owned = connection.execute(select(voucher).where(voucher.c.code == code)).one_or_none()
        if owned is None:
            raise BadTokenError("there is no voucher of this code")
        card = connection.scalar(
            select(message.c.id)
            .where(message.c.profile_id == owned.profile_id, message.c.channel == Channel.PRINT)
            .order_by((message.c.key == owned.message_key).desc(), message.c.id.desc())
            .limit(1)
        )
        told = self._told(connection, card) if card is not None else None
        template = told.template if told is not None else "/".join(owned.message_key.split("/")[:2])
        page = told.pages.get(Slot.PAGE.name.lower(), "/") if told is not None else "/"
        return self._page(page, tags_of(template, Channel.PRINT, told.campaign if told is not None else None))

    def _referral(self, connection: Connection, code: str) -> str:
        if connection.scalar(select(referral_code.c.id).where(referral_code.c.code == code)) is None:
            raise BadTokenError("there is no referral code like this one")
        return self._page("/", _FRIEND)

    def _told(self, connection: Connection, message_id: int) -> _Told | None:
        row = connection.execute(
            select(message.c.journey, message.c.step, message.c.channel, message.c.subject_id, run.c.brief)
            .select_from(message.outerjoin(run, run.c.id == message.c.run_id))
            .where(message.c.id == message_id)
        ).one_or_none()
        if row is None:
            return None
        bare = _Told(f"{row.journey}/{row.step}", row.channel, None, {})
        if row.journey not in self.journeys:
            return bare
        journey = self.journeys[row.journey]
        try:
            brief = journey.brief.model_validate(row.brief or {})
            step: Step = journey.under(brief).step(row.step)
        except (KeyError, ValueError):  # the form has changed since, or the step is gone: the shop is still there
            return bare
        return _Told(
            f"{row.journey}/{step.template}",
            row.channel,
            step.campaign(brief) if step.campaign is not None else None,
            dict(step.pages(brief, row.subject_id)) if step.pages is not None else {},
        )

    def _page(self, path: str, tags: Tags) -> str:
        return tagged(self._brand.page(path), tags.query)

    @property
    def _brand(self) -> Brand:
        return load_brand(self.settings.brand)

    @property
    def _links(self) -> Links:
        return Links(self.settings.base_url, self.secret)
