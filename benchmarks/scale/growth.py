"""What a session takes up after a thousand rotations: rows and bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from benchmarks.scale.databases import execute, make, one, sizes, using
from benchmarks.scale.loading import HISTORY, Lot, add_users, load, token
from tokenauth.sessions import rotate

__all__ = ["describe"]

ALIAS = "growth"
ROTATIONS = 1000
VACUUM_EACH = 100
HEAD = [
    "| | bytes a session: at login | after 1,000 rotations | then VACUUM | history | HOT updates |",
    "| --- | --- | --- | --- | --- | --- |",
]
EXTRA_INDEX = "CREATE INDEX ON tokenauth_authsession (expires_at)"


def describe(count: int) -> list[str]:
    """Rotate ``count`` sessions a thousand times each, three times over; return the section."""
    runs = [
        _run("never vacuumed", count),
        _run(f"VACUUM after each {VACUUM_EACH} rotations", count, vacuum=True),
        _run("never vacuumed, with an index on `expires_at`", count, extra=True),
    ]
    text = (
        f"{count} sessions, {ROTATIONS:,} rotations each by `rotate()`, one session after the "
        "other in each round. Bytes are those of both tables with their indexes "
        "(pg_total_relation_size), divided by the number of sessions. The last line is the "
        "alternative that was rejected."
    )
    return [*HEAD, *runs, "", text]


def _run(name: str, count: int, *, vacuum: bool = False, extra: bool = False) -> str:
    make(ALIAS)
    now = datetime.now(UTC).replace(microsecond=0)
    lot = Lot(ALIAS, count, now - timedelta(hours=1), timedelta(hours=1), count)
    add_users(ALIAS, count)
    load(ALIAS, lot)
    if extra:
        execute(ALIAS, EXTRA_INDEX)
    execute(ALIAS, "VACUUM (FULL, ANALYZE)")
    execute(ALIAS, "SET synchronous_commit = off")
    before = _bytes(count)
    tokens = [token(lot, number) for number in range(count)]
    for rotation in range(1, ROTATIONS + 1):
        with using(ALIAS):
            tokens = [str(rotate(raw, transport="body").refresh) for raw in tokens]
        if vacuum and rotation % VACUUM_EACH == 0:
            execute(ALIAS, "VACUUM")
    after = _bytes(count)
    execute(ALIAS, "VACUUM")
    settled = _bytes(count)
    execute(ALIAS, "SELECT pg_stat_force_next_flush()")
    share = one(ALIAS, _HOT)
    assert one(ALIAS, "SELECT min(generation) FROM tokenauth_authsession") == _last()
    most = one(ALIAS, _MOST_HISTORY)
    return f"| {name} | {before:,} | {after:,} | {settled:,} | {most} at most | {share:.0f} % |"


def _last() -> int:
    return HISTORY - 1 + ROTATIONS


def _bytes(count: int) -> int:
    found = sizes(ALIAS)
    return (found["tokenauth_authsession"] + found["tokenauth_refreshtoken"]) // count


_HOT = """
SELECT 100.0 * n_tup_hot_upd / n_tup_upd FROM pg_stat_user_tables
WHERE relname = 'tokenauth_authsession'
"""
_MOST_HISTORY = """
SELECT max(rows) FROM (SELECT count(*) AS rows FROM tokenauth_refreshtoken GROUP BY session_id) a
"""
