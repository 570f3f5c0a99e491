"""What every table is made of: the metadata, its naming rule, ids and references."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, MetaData

from segue.store.types import BigId

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def own_id() -> Column[int]:
    """The integer primary key every fact has."""
    return Column("id", BigId, primary_key=True, autoincrement=True)


def ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    """A column that points at `target`'s id."""
    return Column(name, BigId, ForeignKey(f"{target}.id"), nullable=nullable)
