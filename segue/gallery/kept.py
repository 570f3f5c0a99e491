"""The copies that the files connector kept: what exactly left, read back from its folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Final

from segue.render import segments

#: The headers worth a look, in reading order.
_SHOWN: Final = (
    "From", "To", "Reply-To", "Date", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "Message-ID",
    "Feedback-ID",
)  # fmt: skip
_PREHEADER: Final = re.compile(r"<body[^>]*>\s*<div style=\"display:none;[^>]*>(.*?)</div>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")
_FILLER: Final = re.compile("[\u00ad\u034f\u200b-\u200d\u2007\ufeff\u00a0\\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMail:
    """A mail as it left."""

    subject: str
    #: The line that mailboxes show after the subject.
    preheader: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptText:
    """A text message as it left, and what it is billed as."""

    to: str
    text: str
    encoding: str
    parts: int


def read_kept(folder: Path, channel: str | None, provider_id: str | None) -> KeptMail | KeptText | None:
    """Read the copy of a message; None where there is none, e.g. because another connector sent it."""
    # The id comes from whoever answered, so it must not lead out of the folder.
    if not channel or not provider_id or Path(provider_id).name != provider_id:
        return None
    if channel == "email":
        return _mail(folder / "email" / f"{provider_id}.eml")
    return _text(folder / "sms" / f"{provider_id}.txt") if channel == "sms" else None


def _mail(path: Path) -> KeptMail | None:
    if not path.is_file():
        return None
    mail = message_from_bytes(path.read_bytes(), EmailMessage, policy=policy.default)
    html = _body(mail, "html")
    return KeptMail(
        subject=str(mail["Subject"] or ""),
        preheader=_preheader(html),
        headers=tuple((name, str(mail[name])) for name in _SHOWN if mail[name] is not None),
        text=_body(mail, "plain"),
        html=html,
    )


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _preheader(html: str) -> str:
    found = _PREHEADER.search(html)
    return "" if found is None else _FILLER.sub(" ", unescape(_TAG.sub("", found[1]))).strip()


def _text(path: Path) -> KeptText | None:
    if not path.is_file():
        return None
    head, _, text = path.read_bytes().decode("utf-8", "replace").partition("\n\n")
    encoding, parts = segments(text)
    return KeptText(to=head.removeprefix("To: "), text=text, encoding=encoding, parts=parts)
