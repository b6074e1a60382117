"""All sessions of one network end at once, while clients refresh those and others."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from benchmarks.scale.clean_up import CLIENTS, meets, row_of, run_beside
from benchmarks.scale.databases import execute, make, one
from benchmarks.scale.loading import Lot, add_users, load, settle
from benchmarks.scale.worker import NETWORK, PAUSE, REVOKING, SESSIONS_EACH, revoke_network
from tokenauth.bulk import BATCH_SIZE

__all__ = ["describe"]


def _load(count: int) -> list[Lot]:
    make(REVOKING)
    first, span = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9), timedelta(days=8)
    doomed = Lot("doomed", count, first, span, 10_000)
    others = Lot("others", CLIENTS * SESSIONS_EACH, first, span, 10_000)
    add_users(REVOKING, 10_000)
    load(REVOKING, doomed)
    moved = "'10.0.0.0'::inet + (get_byte(uuid_send(id), 15) * 65536 + get_byte(uuid_send(id), 14))"
    execute(REVOKING, f"UPDATE tokenauth_authsession SET first_ip = {moved}, last_ip = {moved}")
    load(REVOKING, others)
    settle(REVOKING)
    return [others, doomed]


def describe(count: int) -> list[str]:
    """Load, revoke, and return the section of the report."""
    lots = _load(count)
    loads = [os.getloadavg()[0]]
    work, waits, errors = run_beside(revoke_network, REVOKING, lots)
    loads.append(os.getloadavg()[0])
    (turn,) = work.turns
    took, sessions = turn.ended - turn.began, turn.rows[0]
    living = "SELECT count(*) FROM tokenauth_authsession WHERE revoked_at IS NULL"
    assert sessions == count
    assert one(REVOKING, f"{living} AND first_ip <<= '{NETWORK}'") == 0
    assert one(REVOKING, living) == lots[0].count
    events = "SELECT count(*) FROM tokenauth_authevent WHERE type = 'revoked'"
    assert one(REVOKING, events) == count
    beside = [wait for began, wait in waits if meets(began, wait, work.turns)]
    alone = [wait for began, wait in waits if not meets(began, wait, work.turns)]
    batches = len(work.batches)
    text = (
        f"{CLIENTS} client processes, each refreshing in turn a random session of the network and "
        f"one of {SESSIONS_EACH:,} others of its own, with {PAUSE * 1000:.0f} ms of pause; one "
        f"call of `revoke_matching()` in a process of its own, batches of {BATCH_SIZE:,}. Load "
        f"average {loads[0]:.1f} before and {loads[1]:.1f} after. Afterwards no session of the "
        "network was alive, every other one was, and each had one event."
    )
    statements = f"{work.statements / batches:.1f} statements each, BEGIN and COMMIT aside"
    answers = f"{errors['session_ended']:,} `session_ended`, {errors['try_again']} `try_again`"
    longest = max(work.batches) * 1000
    return [
        f"- **{sessions:,} sessions in {took:,.1f} s: {sessions / took:,.0f} a second**.",
        f"- {batches:,} batches, {statements}; the longest took {longest:,.0f} ms.",
        f"- Processor time: {work.seconds:.1f} s of the process that revokes.",
        f"- Peak memory: {work.memory[1] / 1024:.0f} MiB; {work.memory[0] / 1024:.0f} before.",
        f"- Answers other than a rotation: {answers}, no other.",
        "",
        "| a refresh by `rotate()` takes (ms) | number | median | p99 | p99.9 | **longest** |",
        "| --- | --- | --- | --- | --- | --- |",
        row_of("while sessions are revoked", beside),
        row_of("before and after", alone),
        "",
        text,
    ]
