"""SendGrid's suppression downloads: they differ by their columns, bounces and blocks by the file's name alone.

`created` is Unix seconds. A block is temporary and suppresses nobody. Group unsubscribes look like global ones and are
taken as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from segue.intake import records as r
from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Format, Options
from segue.intake.formats.senders import Sender
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, same_name


class _Suppressed(Sender):
    """Addresses never to be written to, all for one reason."""

    def __init__(self, table: Table, options: Options, *, reason: str) -> None:
        super().__init__("import:sendgrid", options)
        by_name = Columns(table.columns)
        self._email, self._created = by_name["email"], by_name["created"]
        self._reason = reason

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the address."""
        line = row.line
        found = self.who(line, tally, email=(self._email(row), "email"))
        if found is None:
            return
        at = self.said_at(self._created(row), line, tally, "created", no=True)
        yield self.silence(line, str(found[0]), self._reason, at)


class _Blocks(Sender):
    """Refused for a while: nothing to remember."""

    def __init__(self, _table: Table, options: Options) -> None:
        super().__init__("import:sendgrid", options)
        self._count = 0

    def read(self, row: Row, tally: Tally) -> Iterable[r.Fact]:
        """Return nothing; count."""
        self._count += 1
        tally.skip(row.line, "temporary_block")
        return ()

    def finish(self, tally: Tally) -> Iterable[r.Fact]:
        """Say what became of them."""
        tally.notes.append(f"{self._count:,} blocks passed over: they are temporary and suppress nobody")
        return ()


def _looks(*wanted: str, blocks: bool | None = None) -> Callable[[tuple[str, ...], str], bool]:
    """Make what recognises files with just these columns; `blocks`: only files called so, or only others."""

    def recognises(columns: tuple[str, ...], file: str) -> bool:
        called = "block" in file.casefold()
        return {same_name(column) for column in columns} == set(wanted) and blocks in {None, called}

    return recognises


def _format(what: str, title: str, columns: tuple[str, ...], reason: str | None) -> Format:
    mixed = what in {"blocks", "bounces"}
    return Format(
        name=f"sendgrid-{what}",
        title=f"SendGrid {title}",
        needed=["email"],
        recognises=_looks(*columns, blocks=what == "blocks" if mixed else None),
        door=_Blocks if reason is None else partial(_Suppressed, reason=reason),
        known=columns,
    )


FORMATS = (
    _format("blocks", "blocks", ("status", "reason", "email", "created"), None),
    # A bounce file by any other name: taken for bounces, the stricter of the two.
    _format("bounces", "bounces", ("status", "reason", "email", "created"), "hard_bounce"),
    _format("invalid-emails", "invalid addresses", ("reason", "email", "created"), "hard_bounce"),
    _format("spam-reports", "spam reports", ("ip", "email", "created"), "complaint"),
    _format("unsubscribes", "unsubscribes", ("email", "created"), "unsubscribe"),
)
