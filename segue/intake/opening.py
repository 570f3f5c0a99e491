"""Opens a file as the table it is, by its name."""

from __future__ import annotations

from pathlib import Path

from segue.intake.foreign import require_export
from segue.intake.json_table import JsonTable, is_json_lines
from segue.intake.reading import open_text
from segue.intake.rows import CsvTable, Table


def open_table(path: Path) -> Table:
    """Open CSV or JSON lines (also .gz) or Parquet; raises IntakeError for what is none of them."""
    require_export(path)
    if path.suffix.lower() in {".parquet", ".pq"}:
        from segue.intake.parquet import ParquetTable  # noqa: PLC0415 - hardly any file is one, and Arrow is large

        return ParquetTable(path)
    if is_json_lines(path):
        return JsonTable(open_text(path))
    return CsvTable(open_text(path))
