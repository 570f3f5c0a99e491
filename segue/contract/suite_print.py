"""The contract of print connectors as tests: subclass, give the fixtures and say how your files are read.

    class TestPostcards(PrintConnectorContract):
        @pytest.fixture
        def wire(self): ...

        @pytest.fixture
        def connector(self, wire): ...

        def cards_in(self, path): ...   # the numbers of the cards in a printed file, in order

What the wire cannot play is skipped, visibly.
"""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from segue.contract.errors import UnsupportedError
from segue.contract.protocols import PrintConnector
from segue.contract.suite import MessageConnectorContract
from segue.contract.suite_parts import PAGE, Wire, card, message, send, texts_of
from segue.contract.types import Channel, Key, Message, Outcome, PrintContent

HOSTILE = ("../up", "a/b", "a_b", "a b", "A b", "", ".", "..", "Zürich 東京", "x" * 300, "nul\0", "_reprints")


def spooled(connector: PrintConnector, numbers: Sequence[int]) -> list[Key]:
    """Spool the cards of these numbers and return their keys."""
    batch = [message(number, Channel.PRINT) for number in numbers]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: len(batch)}
    return [m.key for m in batch]


class PrintConnectorContract(MessageConnectorContract):
    """What `print_run` relies on, beyond what every message connector gives."""

    channel: ClassVar[Channel] = Channel.PRINT

    @pytest.fixture
    def connector(self, wire: Wire) -> PrintConnector:  # noqa: ARG002 - yours needs it
        """The connector under test; give your own."""
        raise LookupError("override the fixture `connector` in your subclass")

    def cards_in(self, path: Path) -> list[int]:  # noqa: ARG002 - yours needs it
        """The numbers of the cards in a printed file, in the order they lie in; give your own."""
        raise LookupError("override the method `cards_in` in your subclass")

    def test_has_the_shape_of_a_print_connector(self, connector: PrintConnector) -> None:
        """It spools once a key, closes its spool and prints again."""
        assert isinstance(connector, PrintConnector)
        assert connector.capabilities.idempotent

    def test_calls_a_page_by_its_location(self, connector: PrintConnector) -> None:
        """A print run asks for the pages of a place by what stands before the last `/`."""
        (result,) = send(connector, [message(1, Channel.PRINT)]).results
        assert (result.provider_id or "").rpartition("/")[0] == "new-york"

    def test_prints_what_is_kept_in_the_order_given(self, connector: PrintConnector) -> None:
        """The packing order is the caller's, and a page that is not named is not printed."""
        keys = spooled(connector, range(6))
        files = connector.close_spool("new-york", [keys[4], keys[0], keys[3]], name="monday")
        assert self.cards_in(files[0]) == [4, 0, 3]
        assert all(path.is_file() for path in files)

    def test_the_same_name_makes_the_same_files(self, connector: PrintConnector) -> None:
        """A run that is repeated overwrites its own files and leaves the others."""
        keys = spooled(connector, range(3))
        first = connector.close_spool("new-york", keys, name="monday")
        tuesday = connector.close_spool("new-york", keys[:1], name="tuesday")
        again = connector.close_spool("new-york", keys[1:], name="monday")
        assert list(again) == list(first)
        assert set(first).isdisjoint(tuesday)
        assert self.cards_in(again[0]) == [1, 2]
        assert self.cards_in(tuesday[0]) == [0]

    def test_nothing_kept_leaves_no_page(self, connector: PrintConnector) -> None:
        """If every order is cancelled, no earlier file may be packed by mistake."""
        keys = spooled(connector, range(2))
        pages = connector.close_spool("new-york", keys, name="monday")[0]
        assert pages not in connector.close_spool("new-york", [], name="monday")
        assert not pages.exists()

    def test_a_key_that_is_not_spooled_prints_nothing(self, connector: PrintConnector) -> None:
        """The error says how many, and names nobody."""
        keys = spooled(connector, range(2))
        unknown = [message(7, Channel.PRINT).key, message(8, Channel.PRINT).key]
        with pytest.raises(UnsupportedError, match="2 of 4") as told:
            connector.close_spool("new-york", [*keys, *unknown], name="monday")
        assert unknown[0] not in texts_of(told.value)
        with pytest.raises(UnsupportedError):
            connector.reprint(unknown, name="again")

    def test_prints_any_page_again(self, connector: PrintConnector) -> None:
        """Also one that was printed, one that was left out, and from two locations at once."""
        keys = spooled(connector, range(4))
        connector.close_spool("new-york", keys[:2], name="monday")
        connector.close_spool("boston", keys[2:3], name="monday")
        assert self.cards_in(connector.reprint([keys[3], keys[2], keys[0]], name="torn")) == [3, 2, 0]

    def test_the_first_page_of_a_key_stays(self, connector: PrintConnector) -> None:
        """A retry is composed anew; what is printed, and printed again, is what was accepted first."""
        (key,) = spooled(connector, [1])
        changed: Message = replace(
            message(1, Channel.PRINT), content=PrintContent(frame=PAGE, data=card(2), location="boston", order="#2")
        )
        assert send(connector, [changed]).count() == {Outcome.ACCEPTED: 1}
        assert self.cards_in(connector.close_spool("new-york", [key], name="monday")[0]) == [1]
        assert self.cards_in(connector.reprint([key], name="again")) == [1]

    def test_names_are_names_and_no_paths(self, connector: PrintConnector) -> None:
        """Locations and runs are called as the shop calls them: no two share a file, and none leaves the folder."""
        keys = spooled(connector, [1])
        made = [connector.close_spool(place, keys, name="run")[0].resolve() for place in (*HOSTILE, "plain")]
        made += [connector.close_spool("plain", keys, name=name)[0].resolve() for name in HOSTILE]
        made += [connector.reprint(keys, name=name).resolve() for name in (*HOSTILE, "plain")]
        assert len({str(path).lower() for path in made}) == len(made)
        depths = {len(path.parts) for path in made}
        root = made[len(HOSTILE)].parent.parent
        assert max(depths) - min(depths) <= 1
        assert all(path.is_relative_to(root) for path in made)
        assert all(self.cards_in(path) == [1] for path in made)
