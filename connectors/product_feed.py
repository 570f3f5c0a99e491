"""The product feed as a CSV file in the columns that Meta's catalogues read, and other platforms with them.

One row a variant, all sizes of a thing under its `item_group_id`, so that an ad shows what is there in her size.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from connectors.minor_units import written_out
from segue.contract import CatalogueItem, ConfigurationError, TransientError

COLUMNS: Final = (
    "id",
    "item_group_id",
    "title",
    "description",
    "availability",
    "condition",
    "price",
    "link",
    "image_link",
    "brand",
    "size",
    "color",
    "product_type",
)
_LONGEST_TITLE = 200


def write_feed(path: Path, items: Iterable[CatalogueItem]) -> int:
    """Replace the file at `path` by `items`; return how many there are. Readers see the old file or the new one.

    Raises ConfigurationError if the file cannot be had, TransientError if the disk is full or failing.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for item in items:
                writer.writerow(row_of(item))
                count += 1
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise ConfigurationError(f"cannot write {path.name}; check the connector's folder") from error
    except OSError as error:
        raise TransientError(f"cannot write {path.name}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


def row_of(item: CatalogueItem) -> tuple[str, ...]:
    """One variant's cells, in the order of `COLUMNS`."""
    title = item.title[:_LONGEST_TITLE]
    return (
        item.id,
        item.group,
        title,
        title,
        "in stock" if item.available else "out of stock",
        "new",
        f"{written_out(item.price_minor, item.currency)} {item.currency}",
        item.url,
        item.image_url,
        item.brand,
        item.size or "",
        item.colour or "",
        item.category or "",
    )
