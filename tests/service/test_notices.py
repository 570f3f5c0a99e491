"""Where colleagues are told: what the settings name, and which of them is missing or wrong."""

from __future__ import annotations

from typing import Any

import pytest

from segue.service import NoticeError, receivers_of
from segue.settings import Settings

OPTIONS = {"smtp": {"host": "mail.example.com", "port": 2525, "username": "shop", "password": "swordfish"}}
DESK = "desk@example.com"


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **changes)


def test_nothing_set_is_nobody_told() -> None:
    for one in (settings(), settings(notify_webhook="", notify_email=" , ", notify_smtp="")):
        told = receivers_of(one)
        assert (told.webhook, told.mail) == (None, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"connector_options": OPTIONS},
            ("mail.example.com", 2525, "shop", "swordfish", True, False, "orders@saltmere.example.com"),
            id="the connector's server",
        ),
        pytest.param(
            {"connector_options": OPTIONS, "notify_smtp": "smtp://u:p%40%2F%23%3A%20%C3%BC@post.example.com"},
            ("post.example.com", 587, "u", "p@/#: ü", True, False, "orders@saltmere.example.com"),
            id="a server of its own comes first; odd signs",
        ),
        pytest.param(
            {"notify_smtp": "smtps://post.example.com?from=desk%40example.com"},
            ("post.example.com", 465, "", "", False, True, DESK),
            id="TLS from the first byte, its own sender",
        ),
        pytest.param(
            {"notify_smtp": "smtp://127.0.0.1:25?starttls=false"},
            ("127.0.0.1", 25, "", "", False, False, "orders@saltmere.example.com"),
            id="a relay next door",
        ),
    ],
)
def test_the_mail_server_is_found(given: dict[str, Any], expected: tuple[Any, ...]) -> None:
    mail = receivers_of(settings(notify_email=f"{DESK}, ops@example.com", **given)).mail
    assert mail is not None
    assert mail.to == (DESK, "ops@example.com")
    assert (mail.host, mail.port, mail.username, mail.password, mail.starttls, mail.ssl, mail.sender) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"notify_webhook": "hooks.example.com/swordfish"}, "SEGUE_NOTIFY_WEBHOOK is no web address"),
        ({"notify_email": "desk@example.com, swordfish"}, "address 2 in SEGUE_NOTIFY_EMAIL"),
        ({"notify_email": "desk@example.com\nBcc:x@example.com"}, "address 1 in SEGUE_NOTIFY_EMAIL"),
        ({"notify_email": DESK}, "SEGUE_NOTIFY_SMTP=smtp://.*or the host of the connector smtp"),
        ({"notify_email": DESK, "notify_smtp": "smtp://u:sword/fish@mail.example.com"}, "percent-encoded"),
        ({"notify_email": DESK, "notify_smtp": "smtp://u:1/swordfish@mail.example.com"}, "percent-encoded"),
        ({"notify_email": DESK, "notify_smtp": "smtp://u:1#swordfish@mail.example.com"}, "percent-encoded"),
        ({"notify_email": DESK, "notify_smtp": "mail.example.com:swordfish"}, "percent-encoded"),
        ({"notify_email": DESK, "notify_smtp": "smtp://m.example.com?swordfish=1"}, "starttls=false"),
    ],
)
def test_what_cannot_work_names_the_setting_and_no_secret(given: dict[str, str], said: str) -> None:
    with pytest.raises(NoticeError, match=said) as told:
        receivers_of(settings(**given))
    assert "swordfish" not in str(told.value)


def test_nothing_of_it_is_shown() -> None:
    """Neither by the settings nor by what they are read into."""
    ours = settings(
        notify_webhook="https://hooks.example.com/swordfish", notify_email=DESK, notify_smtp="smtp://u:swordfish@m.test"
    )
    shown = f"{ours!r} {ours} {receivers_of(ours)!r}"
    assert not [word for word in ("swordfish", DESK) if word in shown]
