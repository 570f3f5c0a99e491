"""A shop in which every rule has something to forbid: it is played before the random ones."""

from __future__ import annotations

from tests.shops.story import Act, Person, Story

_NEW_YORK, _BERLIN = ("US", "NY", "America/New_York"), ("DE", None, "Europe/Berlin")


def _person(place: tuple[str | None, str | None, str | None], **more: bool) -> Person:
    traits = {"is_near_popup": False, "shares_phone": False, "shares_mailbox": False, "has_guest": False} | more
    return Person(place=place, birth_year=1980, **traits)


def _act(kind: str, who: int, day: int, minute: int = 300, what: str = "", which: int = 0, **more: bool) -> Act:
    """At 14:00 UTC, told at 15:00, unless said otherwise."""
    return Act(kind, who, more.get("as_guest", False), day, minute, 0, more.get("twice", False), what, which)


BUSY = Story(
    people=(
        _person(_NEW_YORK, is_near_popup=True),
        *(_person(_NEW_YORK) for _ in range(2)),
        _person(_BERLIN, is_near_popup=True),
        _person(_NEW_YORK, is_near_popup=True),
        _person(_NEW_YORK, has_guest=True),
        _person(_NEW_YORK, shares_phone=True),
        _person(_NEW_YORK),
    ),
    acts=(
        # Agreed, and hears from us the evening before the invitations leave: hers has to wait.
        _act("consent", 0, 0, 1, "email:confirmed"),
        _act("consent", 0, 0, 1, "sms:confirmed"),
        _act("add", 0, 16, 650, "LEG-08"),
        # Takes everything out again.
        _act("add", 0, 8, 290, "BEA-OS", 1),
        _act("remove", 0, 8, 300, "BEA-OS", 1),
        # Buys in another way what she left in her cart; brings half of it back when its points count.
        _act("consent", 1, 0, 1, "email:confirmed"),
        _act("add", 1, 2, 240, "LEG-10"),
        _act("order", 1, 2, 290, "plain", 1),
        _act("refund", 1, 36, 300, "first"),
        _act("mention", 1, 3, 300, "instagram", twice=True),
        # Takes her yes back, and shops on.
        _act("consent", 2, 0, 1, "email:confirmed"),
        _act("consent", 2, 1, 1, "email:denied"),
        _act("add", 2, 4, 300, "SWE-08"),
        _act("order", 2, 6, 300, "cart"),
        # Ticked a box in Germany and never confirmed it.
        _act("consent", 3, 0, 1, "email:granted"),
        _act("add", 3, 4, 300, "SWE-08"),
        # Leaves two carts within days: one code.
        _act("consent", 4, 0, 1, "email:confirmed"),
        _act("add", 4, 5, 300, "LEG-08"),
        _act("add", 4, 9, 300, "GLO-OS", 1),
        _act("order", 4, 11, 300, "plain", 3),
        _act("deliver", 4, 12, 300, which=2),
        _act("refund", 4, 15, 300, "all", 2),
        # Said no under one name, and later yes under the other.
        _act("consent", 5, 0, 1, "email:denied"),
        _act("consent", 5, 0, 30, "email:confirmed", as_guest=True),
        _act("merge", 5, 1),
        _act("add", 5, 4, 300, "LEG-08"),
        # Unsubscribed.
        _act("consent", 6, 0, 1, "email:confirmed"),
        _act("suppress", 6, 2, 300, "unsubscribe"),
        _act("add", 6, 5, 300, "LEG-08"),
        # Was given a code for her cart, and buys without it while it lives: her card brings no second one.
        _act("consent", 7, 0, 1, "email:confirmed"),
        _act("add", 7, 5, 300, "SWE-08"),
        _act("order", 7, 6, 300, "plain", 4),
    ),
    trouble="ok",
    popup_places=2,
)

#: Two people share a mailbox that refuses the first of two mails which are due at one instant.
SHARED = Story(
    people=(_person(_NEW_YORK), _person(_NEW_YORK, shares_mailbox=True)),
    acts=(
        _act("consent", 0, 0, 1, "email:confirmed"),
        _act("consent", 1, 0, 1, "email:confirmed"),
        _act("add", 1, 7, 0, "LEG-08"),
        _act("add", 0, 7, 0, "LEG-08"),
    ),
    trouble="rejected",
    popup_places=1,
)
