"""Under which keys a referral's two vouchers stand: those of the messages that tell of them."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, String, cast, exists, literal

from segue.store.tables import voucher

Role = Literal["referrer", "friend"]
ROLES: tuple[Role, Role] = ("referrer", "friend")
#: The offer whose vouchers each earns.
OFFERS = {"referrer": "referrer", "friend": "referred"}
_PREFIX = "referral_followup/reward/"


def occasion(referral_id: Any, role: Role) -> ColumnElement[str]:
    """`friend:12:referrer`, for a column of ids."""
    return literal("friend:").concat(cast(referral_id, String)).concat(literal(f":{role}"))


def key_of(referral_id: Any, role: Role) -> ColumnElement[str]:
    """The key of the message, and of the voucher it names."""
    return literal(_PREFIX).concat(occasion(referral_id, role))


def key_for(referral_id: int, role: Role) -> str:
    """The same, for one id."""
    return f"{_PREFIX}friend:{referral_id}:{role}"


def is_granted(referral_id: Any) -> ColumnElement[bool]:
    """True where the vouchers of this referral exist: they are written together, so one tells of both."""
    mine = voucher.alias("granted")
    return exists().where(mine.c.key == key_of(referral_id, "referrer"))
