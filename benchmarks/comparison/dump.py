"""A look at all that is in the database."""

from __future__ import annotations

from django.db import connection

__all__ = ["all_rows"]


def all_rows() -> str:
    """Return every row of every table as text; bytes are in hexadecimal digits, as in a dump."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        values: list[object] = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            values += [value for row in cursor.fetchall() for value in row]
    return "\n".join(_text(value) for value in values)


def _text(value: object) -> str:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)
