"""What an exception may say once it crosses into Prefect."""

from __future__ import annotations

import pytest

from flows.errors import FlowError, told, without_personal_data
from segue.intake import IntakeError

ADDRESS = "quillon001@mailbox.example.com"


def test_a_strangers_words_are_dropped() -> None:
    """Drivers quote values; kind and place are enough to find the fault."""
    with pytest.raises(FlowError) as caught, without_personal_data("Shard 3 of run 7"):
        int(ADDRESS)
    assert str(caught.value).startswith("Shard 3 of run 7 stopped: ValueError (at tests/flows/test_errors.py:")
    assert ADDRESS not in str(caught.value)


def test_nothing_of_the_original_is_shown_with_it() -> None:
    """Prefect prints the chain of causes; it is cut."""
    with pytest.raises(FlowError) as caught, without_personal_data("x"):
        raise RuntimeError(ADDRESS)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_our_own_errors_keep_the_cure() -> None:
    """They are written without personal data, and the cure is what the marketer needs."""
    assert "give --mapping" in told(IntakeError("orders.csv holds a table; give --mapping"))


def test_a_flow_error_passes_as_it_is() -> None:
    """It has been through here."""
    with pytest.raises(FlowError, match=r"\Aalready told\Z"), without_personal_data("x"):
        raise FlowError("already told")
