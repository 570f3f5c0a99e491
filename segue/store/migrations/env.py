"""Alembic's entry: runs on the connection it is handed, in that connection's transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from segue.store.tables import metadata
from segue.store.types import UtcTime


def _render(kind: str, obj: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column type by its short name in generated migrations."""
    if kind == "type" and isinstance(obj, UtcTime):
        autogen.imports.add("from segue.store.types import UtcTime")
        return "UtcTime()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_render,
    transactional_ddl=True,
)
context.run_migrations()
