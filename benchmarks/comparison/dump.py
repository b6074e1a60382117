"""A look at all that is in the database."""

from __future__ import annotations

from django.db import connection

__all__ = ["all_rows"]


def all_rows() -> str:
    """Return every row of every table as text; bytes are in hexadecimal digits, as in a dump."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows: list[str] = []
        for table in tables:
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT t::text FROM {name} t")
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)
