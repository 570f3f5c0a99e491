"""Where tests' worker processes come from: a server that has imported what they need forks them, in milliseconds."""

from __future__ import annotations

import multiprocessing
from typing import Final

CONTEXT: Final = multiprocessing.get_context("forkserver")
# There is one such server in a process, so whoever needs something imported names it here.
CONTEXT.set_forkserver_preload(
    [
        "tests.outbox.child",
        "tests.audiences.child",
        "tests.connectors.shopify_shop",
        "tests.connectors.test_files",
        "tests.connectors.test_offers_csv_crowd",
        "tests.connectors.test_print_insert",
        "tests.connectors.test_shopify_offers_troubles",
        "tests.warm",
    ]
)
