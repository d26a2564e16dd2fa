"""How a migration writes a table: each column as "name type", with "?" where it may be NULL.

Types: a number (a string of at most that length), text, json, time (UTC), date, bool, int, float.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from matcher.records.tables import UtcTime

TYPES: Mapping[str, type[TypeEngine[Any]]] = {
    "text": sa.Text, "json": sa.JSON, "time": UtcTime, "date": sa.Date, "bool": sa.Boolean, "int": sa.Integer,
    "float": sa.Double,
}  # fmt: skip


def column(spec: str, default: str | None = None) -> sa.Column[Any]:
    """A column from its specification; `default` fills it in the rows that a table has already."""
    name, kind = spec.removesuffix("?").split()
    of = sa.String(length=int(kind)) if kind.isdigit() else TYPES[kind]()
    return sa.Column(name, of, nullable=spec.endswith("?"), server_default=default)


def create(
    name: str,
    columns: str,
    *,
    key: str,
    parent: str = "",
    unique: str = "",
    indexes: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Create a table and its indexes; a row goes with that of `parent`, "column table.column"."""
    constraints: list[sa.Constraint] = []
    if parent:
        own, other = parent.split()
        constraints.append(sa.ForeignKeyConstraint([own], [other], ondelete="CASCADE"))
    constraints.append(sa.PrimaryKeyConstraint(*key.split()))
    if unique:
        constraints.append(sa.UniqueConstraint(*unique.split()))
    op.create_table(name, *(column(spec.strip()) for spec in columns.split(",")), *constraints)
    for index, indexed in (indexes or {}).items():
        op.create_index(index, name, list(indexed))
