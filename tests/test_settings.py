"""Settings keep what is secret to themselves."""

from __future__ import annotations

import pytest

from segue.settings import Settings


@pytest.mark.parametrize("show", [str, repr])
def test_settings_never_show_a_password(show) -> None:
    """Of the mail server, of the database, or the key behind links: somebody will log the settings one day."""
    settings = Settings(
        _env_file=None,
        connector_options={"smtp": {"host": "mail.example.com", "password": "opensesame"}},
        database_url="postgresql+psycopg://segue:swordfish@db.example.com/segue",
        secret_key="a long and secret sentence",
    )
    shown = show(settings)
    assert "home" in shown
    assert not [word for word in ("opensesame", "swordfish", "a long and secret") if word in shown]
