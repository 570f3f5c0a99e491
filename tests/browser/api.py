"""Ask a site's Prefect what a browser cannot show."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from flows.up import Site


def call(site: Site, path: str, body: Any = None, method: str | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - http, our own server
        f"{site.url}/api{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    for patience in (0.5, 1, 2, 4, None):
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - the same
                content = answer.read()
            break
        except urllib.error.HTTPError as error:
            # "Busy, ask again": its database was locked. Prefect's own client asks again, too.
            if error.code != 503 or patience is None:
                raise
            time.sleep(patience)
    return json.loads(content) if content else None
