"""Where to tell colleagues when a run failed, waits or is unusual: what the settings name, checked before use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from segue.render import load_brand
from segue.settings import Settings

_SMTP_PORT: Final = 587
_SMTPS_PORT: Final = 465
#: What may stand behind the question mark of SEGUE_NOTIFY_SMTP.
_FURTHER: Final = frozenset({"starttls", "ca_file", "from"})
_NO: Final = frozenset({"false", "no", "off", "0"})
_EXAMPLE: Final = "smtp://user:password@mail.example.com:587"


class NoticeError(Exception):
    """The settings name no place to tell it at; the text says which setting and what to do. Holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByMail:
    """A mail to colleagues, and the server that takes it."""

    host: str = field(repr=False)
    port: int
    username: str = field(repr=False)
    password: str = field(repr=False)
    starttls: bool
    #: TLS from the first byte.
    ssl: bool
    ca_file: str
    sender: str
    to: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """Where notifications go; neither: nobody is told."""

    #: The whole address is a secret: whoever has it may post there.
    webhook: str | None = field(repr=False)
    mail: ByMail | None


def receivers_of(settings: Settings) -> Receivers:
    """What the settings name; raises NoticeError where they cannot work."""
    webhook = settings.notify_webhook.get_secret_value().strip() if settings.notify_webhook is not None else ""
    if webhook and not (webhook.startswith(("https://", "http://")) and urlsplit(webhook).netloc):
        raise NoticeError("SEGUE_NOTIFY_WEBHOOK is no web address; copy the whole of it, it begins with https://")
    to = tuple(one.strip() for one in settings.notify_email.split(",") if one.strip())
    for number, one in enumerate(to, start=1):
        if one.count("@") != 1 or not one.isprintable() or set(one) & set(' <>"'):
            raise NoticeError(
                f"address {number} in SEGUE_NOTIFY_EMAIL is none; write desk@example.com, several separated by commas"
            )
    return Receivers(webhook=webhook or None, mail=_mail(settings, to) if to else None)


def _mail(settings: Settings, to: tuple[str, ...]) -> ByMail:
    url = settings.notify_smtp.get_secret_value().strip() if settings.notify_smtp is not None else ""
    given = _of_url(url) if url else settings.connector_options.get("smtp", {})
    if not given.get("host"):
        raise NoticeError(
            f"SEGUE_NOTIFY_EMAIL is set, but no mail server is: set SEGUE_NOTIFY_SMTP={_EXAMPLE}, or the host of the "
            "connector smtp in SEGUE_CONNECTOR_OPTIONS"
        )
    ssl = bool(given.get("ssl", False))
    return ByMail(
        host=str(given["host"]),
        port=int(given.get("port", _SMTPS_PORT if ssl and url else _SMTP_PORT)),
        username=str(given.get("username", "")),
        password=str(given.get("password", "")),
        starttls=bool(given.get("starttls", True)) and not ssl,
        ssl=ssl,
        ca_file=str(given.get("ca_file", "")),
        sender=str(given.get("from") or load_brand(settings.brand).senders.transactional.address),
        to=to,
    )


def _of_url(url: str) -> Mapping[str, str | int | float | bool]:
    """The connector's options, read from an address; nothing of it is repeated in an error."""
    try:
        parts = urlsplit(url)
        further = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        given: dict[str, str | int | float | bool] = {} if parts.port is None else {"port": parts.port}
    except ValueError:
        further, given, parts = {}, {}, urlsplit("")
    whole = parts.scheme in {"smtp", "smtps"} and parts.hostname and not parts.fragment and parts.path in {"", "/"}
    if not whole or "@" in (parts.username or "") or not _FURTHER.issuperset(further):
        raise NoticeError(
            f"SEGUE_NOTIFY_SMTP is no address of a mail server; write {_EXAMPLE} (smtps:// for TLS from the first "
            "byte), with signs such as @, / or # in the password percent-encoded; behind a question mark may stand "
            "from, starttls=false and ca_file"
        )
    given |= {
        "host": str(parts.hostname),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "ssl": parts.scheme == "smtps",
        "starttls": further.pop("starttls", "true").lower() not in _NO,
    }
    return {**given, **further}
