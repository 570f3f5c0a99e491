"""Mails for the connectors' tests."""

from __future__ import annotations

from datetime import UTC, datetime

from segue.contract import Channel, EmailContent, Key, MailFrame, Message, SmsContent

AT = datetime(2026, 5, 14, 15, tzinfo=UTC)
FRAME = MailFrame(from_name="Brand", from_address="hello@example.com")


def mail(number: int = 0, *, address: str | None = None, subject: str = "Still here", text: str = "Words") -> Message:
    return Message(
        key=Key(f"abandoned_cart/reminder/cart:{number}"),
        channel=Channel.EMAIL,
        address=address or f"reader.{number}@example.com",
        content=EmailContent(frame=FRAME, subject=subject, text=text, html=f"<p>{text}</p>"),
        at=AT,
    )


def sms(number: int = 0, *, text: str = "Words") -> Message:
    return Message(
        key=Key(f"abandoned_cart/last_call/cart:{number}"),
        channel=Channel.SMS,
        address=f"+1202555{100 + number:04}",
        content=SmsContent(text=text, segments=1),
        at=AT,
    )
