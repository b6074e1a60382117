"""Statements by kind: their verb and their table. Rows differ, kinds do not."""

from __future__ import annotations

__all__ = ["FRAMES", "kind_of"]

FRAMES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
"""Kinds that only frame others: round trips all the same, but counted apart."""

_BEFORE_TABLE = {"SELECT": "FROM", "INSERT": "INTO", "DELETE": "FROM"}


def kind_of(statement: str) -> str:
    """Return for example ``SELECT auth_user``; ``+ user`` behind it tells of a join.

    Args:
        statement: SQL, with or without its parameters.
    """
    words = statement.replace('"', "").split()
    verb = words[0].upper()
    if verb in FRAMES:
        return verb
    if verb == "WITH":
        # One statement that does several things, such as UPDATE and INSERT.
        verbs = [word.strip("(").upper() for word in words]
        return "WITH " + " ".join(word for word in verbs if word in {"UPDATE", "INSERT", "DELETE"})
    marker = _BEFORE_TABLE.get(verb)
    table = words[1] if marker is None else words[words.index(marker) + 1]
    return f"{verb} {table}{' + user' if ' JOIN ' in statement else ''}"
