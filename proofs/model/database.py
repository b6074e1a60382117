"""What the database does with a statement: locks, transactions, and what others see of them.

One row lock, and what PostgreSQL calls READ COMMITTED: readers see what is committed, a writer
waits for the lock and then looks at the newest row. To wait is to come later: a statement that
would have to wait is not among what may happen next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proofs.model.parts import Database, Mutant
from proofs.model.state import Delete, Lock, Row, Select, Update, User, World, matches

__all__ = ["commit", "read", "release", "write"]


def write(
    world: World,
    index: int,
    statement: Update | Delete,
    database: Database,
    without: frozenset[Mutant],
) -> Iterator[tuple[int, World]]:
    """Yield how a guarded write may end: the count, and the world after it; nothing if it waits.

    Args:
        world: before it.
        index: the actor.
        statement: the write.
        database: how the database behaves.
        without: guards that are left out.
    """
    of_user = isinstance(statement, Update) and statement.table == "user"
    lock = world.user_lock if of_user else world.row_lock
    committed: Any = world.user if of_user else world.row
    where = tuple(
        (column, operator, value)
        for column, operator, value in statement.where
        if (statement.label, column, operator) not in without
    )
    locks = (world.row_lock, world.user_lock)
    if database.one_writer and any(held and held.owner != index for held in locks):
        return
    if lock is not None and lock.owner != index:
        sees_a_match = committed is not None and matches(committed, where)
        if not database.waits and not sees_a_match:
            yield 0, world
        return
    value = committed if lock is None else lock.value
    if value is None or not matches(value, where):
        yield 0, world
        return
    if isinstance(statement, Delete):
        yield 1, world._replace(row=None)
        return
    value = value._replace(**dict(statement.values))
    if statement.commits and lock is None:
        yield 1, world._replace(user=value) if of_user else world._replace(row=value)
        return
    held = Lock(index, value)
    yield 1, world._replace(user_lock=held) if of_user else world._replace(row_lock=held)


def read(world: World, index: int, statement: Select) -> tuple[Row | None, User]:
    """Return the row and its user as an actor sees them: with what itself has written."""
    row, user = world.row, world.user
    if world.row_lock is not None and world.row_lock.owner == index:
        row = world.row_lock.value
    if world.user_lock is not None and world.user_lock.owner == index:
        user = world.user_lock.value
    if row is not None and not matches(row, statement.where):
        row = None
    return row, user


def commit(world: World, index: int) -> World:
    """Return the world after an actor's transaction."""
    row, user = world.row, world.user
    if world.row_lock is not None and world.row_lock.owner == index:
        row = world.row_lock.value
    if world.user_lock is not None and world.user_lock.owner == index:
        user = world.user_lock.value
    return release(world, index)._replace(row=row, user=user)


def release(world: World, index: int) -> World:
    """Return the world without an actor's locks, and what it had written under them."""
    row_lock, user_lock = world.row_lock, world.user_lock
    if row_lock is not None and row_lock.owner == index:
        row_lock = None
    if user_lock is not None and user_lock.owner == index:
        user_lock = None
    return world._replace(row_lock=row_lock, user_lock=user_lock)
