"""Eight people and what became of them, every group of the sum among them, written straight into the tables."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert

from connectors.files import FilesConnector, stem_of
from segue.contract import Channel, EmailContent, Key, MailFrame, Message, SmsContent
from segue.store.engine import write
from segue.store.tables import (
    cart,
    cart_event,
    consent_event,
    decision,
    event,
    identifier,
    journey_state,
    message,
    order,
    order_line,
    product,
    profile,
    suppression,
    variant,
    voucher,
)

CART_AT = datetime(2026, 5, 12, 22, 50, tzinfo=UTC)
REMINDED_AT = CART_AT + timedelta(minutes=45)
CALLED_AT = REMINDED_AT + timedelta(hours=20)
NOW = datetime(2026, 5, 20, tzinfo=UTC)

SARAH, CLARA, HOSTILE, HELD_OUT, HELD, REFUSED, LOST, GONE = range(1, 9)
HOSTILE_NAME = '<script>alert("x")</script>'
NAMES = {SARAH: "Sarah", CLARA: "Clara", HOSTILE: HOSTILE_NAME, HELD_OUT: "Hanna", HELD: "Noa", REFUSED: "Rhea",
         LOST: "Luz", GONE: "Gwen"}  # fmt: skip
PICTURE = "https://assets.saltmere.example.com/pictures/leggings.png"

#: profile, step, state, reason, channel, verdicts
MESSAGES: tuple[tuple[int, str, str, str | None, str | None, tuple[tuple[str, str | None], ...]], ...] = (
    (SARAH, "reminder", "accepted", None, "email", (("send", None),)),
    (CLARA, "reminder", "skipped", "no_consent", None, (("skip", "no_consent"),)),
    (HOSTILE, "reminder", "accepted", None, "email", (("hold", "budget"), ("send", None))),
    (HELD_OUT, "reminder", "control", "holdout_journey", "email", (("control", "holdout_journey"),)),
    (HELD, "reminder", "held", "budget", "email", (("hold", "budget"),)),
    (REFUSED, "reminder", "rejected", "<odd/reason>", "email", (("send", None),)),
    (LOST, "reminder", "handed_over", None, "email", (("send", None),)),
    (GONE, "reminder", "skipped", "suppressed", None, (("skip", "suppressed"),)),
    (SARAH, "last_call", "accepted", None, "sms", (("send", None),)),
    (HOSTILE, "last_call", "skipped", "converted", "email", (("skip", "converted"),)),
)


def email_of(profile_id: int) -> str:
    """The person's address."""
    return f"person{profile_id}@example.com"


def key_of(profile_id: int, step: str) -> Key:
    """The key of her message in a step."""
    return Key(f"abandoned_cart/{step}/cart:{profile_id}")


def hash_address(address: str) -> str:
    """A stand-in for the keyed hash."""
    return hashlib.sha256(address.encode()).hexdigest()


def fill(engine: Engine) -> None:
    """Put everything into the store."""
    with write(engine) as connection:
        _people(connection)
        _shop(connection)
        _carts(connection)
        _talk(connection)


def keep_copies(folder: Path) -> None:
    """Let the files connector keep what the accepted messages said."""
    frame = MailFrame(from_name="Saltmere", from_address="hello@saltmere.example.com")
    sent = []
    for profile_id, step, state, _reason, channel, _verdicts in MESSAGES:
        if state != "accepted" or channel is None:
            continue
        content: EmailContent | SmsContent
        if channel == "email":
            address = email_of(profile_id)
            content = EmailContent(
                frame=frame,
                subject=f"{NAMES[profile_id]}, your cart",
                text=f"Hello {NAMES[profile_id]}",
                html=mail_html(NAMES[profile_id]),
                unsubscribe_url="https://go.example.com/u/token",
            )
        else:
            address, content = "+12025550101", SmsContent(text="Saltmere: come back €", segments=1)
        at = CALLED_AT if step == "last_call" else REMINDED_AT
        sent.append(
            Message(key=key_of(profile_id, step), channel=Channel(channel), address=address, content=content, at=at)
        )
    list(FilesConnector(folder=folder).send(sent, lambda _key: None))


def mail_html(name: str) -> str:
    """A mail with everything that must change before it may stand in a frame."""
    safe = name.replace("<", "&lt;")
    return (
        '<!doctype html><html lang="en"><head><meta name="color-scheme" content="light dark" /><style>'
        ":root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { body { color: white } } "
        ".far { background: url(https://elsewhere.example.com/b.png) }</style></head>"
        '<body style="margin:0"><div style="display:none;font-size:1px">10% off&nbsp;for you &zwnj;</div>'
        f'<p>Hello {safe}</p><a class="b" href="https://go.example.com/c/token">Back</a>'
        f'<img src="{PICTURE}" alt="Leggings"><img src="https://tracker.example.com/p.gif" alt="">'
        f'<td background="//elsewhere.example.com/c.png"></td></body></html>'
    )


def _people(connection: Connection) -> None:
    met = CART_AT - timedelta(days=60)
    for profile_id, name in NAMES.items():
        connection.execute(
            insert(profile).values(
                id=profile_id, first_name=name, last_name="Doe", country="US", region="NY",
                zone=None if profile_id == LOST else "America/New_York", source="facebook_shop", created_at=met,
            )
        )  # fmt: skip
        connection.execute(
            insert(identifier).values(kind="email", value=email_of(profile_id), profile_id=profile_id, recorded_at=met)
        )
        if profile_id not in (CLARA, GONE):
            for channel in ("email", "sms"):
                connection.execute(
                    insert(consent_event).values(
                        profile_id=profile_id, channel=channel, state="granted", basis="opt_in", source="checkout_tick",
                        wording="News, please.", occurred_at=met, recorded_at=met, dedupe=f"{profile_id}/{channel}",
                    )
                )  # fmt: skip
    connection.execute(
        insert(suppression).values(
            address_hash=hash_address(email_of(GONE)), reason="unsubscribe", occurred_at=met, recorded_at=met
        )
    )


def _shop(connection: Connection) -> None:
    connection.execute(insert(product).values(id=1, external_id="P-1", title="Tide leggings", recorded_at=CART_AT))
    connection.execute(
        insert(variant).values(
            id=1, product_id=1, sku="TIDE-8", size="8", colour="Ink", price_minor=7400, currency="USD"
        )
    )
    connection.execute(insert(journey_state).values(journey="abandoned_cart", live_from=NOW - timedelta(days=10)))


def _carts(connection: Connection) -> None:
    for profile_id in NAMES:
        facts: dict[str, Any] = {"recorded_at": CART_AT}
        connection.execute(
            insert(cart).values(
                id=profile_id, external_id=f"c{profile_id}", profile_id=profile_id, sales_channel="web", **facts
            )
        )
        connection.execute(
            insert(cart_event).values(
                cart_id=profile_id, kind="added", variant_id=1, quantity=1, occurred_at=CART_AT,
                dedupe=f"added{profile_id}", **facts,
            )
        )  # fmt: skip
        for look in range(5):
            connection.execute(
                insert(event).values(
                    profile_id=profile_id, name="Product Viewed", properties={"name": f"Thing {look}"},
                    occurred_at=CART_AT - timedelta(minutes=9 - look), dedupe=f"look{profile_id}/{look}", **facts,
                )
            )  # fmt: skip
    later = {"profile_id": HOSTILE, "sales_channel": "web", "currency": "USD", "recorded_at": CART_AT}
    bought_at = CALLED_AT - timedelta(hours=1)
    connection.execute(insert(order).values(id=1, external_id="O-1", total_minor=7400, occurred_at=bought_at, **later))
    connection.execute(
        insert(order).values(id=2, external_id="O-2", total_minor=9900, occurred_at=NOW + timedelta(days=1), **later)
    )
    connection.execute(
        insert(order).values(id=3, external_id="O-3", total_minor=5000, occurred_at=NOW - timedelta(days=1), **later)
    )
    connection.execute(
        insert(event).values(
            profile_id=HELD, name="[/odd] event", properties=["odd"], occurred_at=CART_AT, dedupe="odd",
            recorded_at=CART_AT,
        )
    )  # fmt: skip
    connection.execute(
        insert(order_line).values(order_id=1, position=1, variant_id=1, quantity=2, unit_price_minor=3700)
    )


def _talk(connection: Connection) -> None:
    for number, (profile_id, step, state, reason, channel, verdicts) in enumerate(MESSAGES, start=1):
        at = CALLED_AT if step == "last_call" else REMINDED_AT
        has_left = state in {"accepted", "rejected", "handed_over"}
        key = key_of(profile_id, step)
        connection.execute(
            insert(message).values(
                id=number, key=key, profile_id=profile_id, bucket=profile_id, journey="abandoned_cart", step=step,
                subject_id=profile_id, priority=80, state=state, reason=reason, not_before=at,
                deadline_at=at + timedelta(hours=24), promised_at=at, channel=channel,
                connector="files" if has_left else None, attempts=int(has_left),
                handed_over_at=at if has_left else None,
                answered_at=at if state == "accepted" else None,
                provider_id=stem_of(key) if state == "accepted" else "../../escape",
            )
        )  # fmt: skip
        for place, (verdict, why) in enumerate(verdicts):
            connection.execute(
                insert(decision).values(
                    message_id=number, verdict=verdict, reason=why,
                    decided_at=at - timedelta(minutes=len(verdicts) - 1 - place),
                )
            )  # fmt: skip
    connection.execute(
        insert(voucher).values(
            key=key_of(SARAH, "reminder"), code="K7QM-2XHD", profile_id=SARAH, offer="cart", percent=10,
            valid_from=REMINDED_AT, valid_until=REMINDED_AT + timedelta(hours=48),
        )
    )  # fmt: skip
