"""Settings keep what is secret to themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.settings import HOME_FILE, Settings, settings_of


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


def test_a_homes_own_file_counts_for_it_and_the_environment_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the demo was played with is what its desk runs with, until somebody says otherwise."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / ".env").write_text("SEGUE_SHARD_SIZE=7\nSEGUE_MAX_ATTEMPTS=2\n")
    (home / HOME_FILE).write_text("SEGUE_SHARD_SIZE=8\nSEGUE_HOUSE__LOYALTY__STARTS_ON=2024-01-01\n")
    assert settings_of(home).shard_size == 8
    assert settings_of(home).max_attempts == 2
    assert settings_of(home).house.loyalty.starts_on is not None
    assert settings_of(tmp_path / "another").shard_size == 7
    monkeypatch.setenv("SEGUE_SHARD_SIZE", "9")
    assert settings_of(home).shard_size == 9
