"""Short ways to read a sender's file: its facts without a database, and what became of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segue.intake import records as r
from segue.intake.export_door import ExportDoor, opened_export
from segue.intake.formats import Options, format_named
from segue.intake.report import Tally

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
#: Files in the vendors' shapes, beside the project.
SAMPLES = Path(__file__).resolve().parents[3] / "../shared/specs/exports/samples"


def at(text: str) -> datetime:
    """`2025-02-01 08:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def digest(address: str) -> str:
    """A stand-in for the keyed hash that tests can read."""
    return f"#{address}"


@dataclass(frozen=True)
class Seen:
    """What one file said."""

    format: str
    facts: list[r.Fact]
    tally: Tally
    notes: list[str]

    @property
    def profiles(self) -> dict[str, dict[str, Any]]:
        """Traits by the strongest name."""
        return {fact.names[0][1]: dict(fact.traits) for fact in self.facts if isinstance(fact, r.Profile)}

    @property
    def consents(self) -> list[tuple[str, str, str, datetime | None]]:
        """Who, channel, state, when; None: undated, and then it was read now."""
        found = [fact for fact in self.facts if isinstance(fact, r.Consent)]
        assert all(fact.is_dated or fact.occurred_at == NOW for fact in found)
        assert all(fact.purpose == "marketing" for fact in found)
        return [(f.names[0][1], f.channel, f.state, f.occurred_at if f.is_dated else None) for f in found]

    @property
    def suppressed(self) -> set[tuple[str, str, datetime]]:
        """Address, reason, when."""
        return {
            (fact.address_hash.removeprefix("#"), fact.reason, fact.occurred_at)
            for fact in self.facts
            if isinstance(fact, r.Suppression)
        }

    @property
    def silenced(self) -> set[tuple[str, str]]:
        """Address and reason."""
        return {(address, reason) for address, reason, _ in self.suppressed}


def seen(file: Path, kind: str | None = None, **options: Any) -> Seen:
    """Read a file through the door that its header and name call for."""
    told = None if kind is None else format_named(kind)
    table, found, _ = opened_export(file, told, time_zone=options.get("time_zone"), date_order=None)
    door = ExportDoor(table, found, Options(hash_address=digest, now=NOW, file_name=file.name, **options))
    tally = Tally()
    facts = [fact for row in table.rows() for fact in door.facts(row, tally)]
    facts.extend(door.finish(tally))
    assert not door.spoilt
    return Seen(found.name, facts, tally, [*tally.notes, *door.notes()])


def written(folder: Path, name: str, *lines: str, **options: Any) -> Seen:
    """Read lines as a file called `name`."""
    file = folder / name
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return seen(file, **options)
