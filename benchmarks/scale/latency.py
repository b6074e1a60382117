"""How long a refresh takes in a small and in a large table, turn and turn about."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median, quantiles

from django.test import Client

from benchmarks.scale.databases import execute, one, sizes, using
from benchmarks.scale.loading import HISTORY, Lot, origin, token
from tokenauth.audit import Origin
from tokenauth.sessions import rotate
from tokenauth.tokens.encoding import decode_base64url

__all__ = ["Refresher", "compare", "describe"]

WARM_UP = 200
COMMITS = {"on": "durable", "off": "`synchronous_commit = off`"}
Samples = dict[tuple[str, str], list[float]]


def by_function(raw: str, place: Origin) -> str:
    """Refresh by the domain's function; return the next token."""
    tokens = rotate(raw, transport="body", origin=place)
    # A move is written and recorded: then the statements that are timed would not be a refresh's.
    assert tokens.session.moves == 0, f"{tokens.session} was not loaded to be at {place}"
    return str(tokens.refresh)


def by_endpoint(raw: str, place: Origin) -> str:
    """Refresh at the endpoint, in this process."""
    client = Client(REMOTE_ADDR=place.ip, HTTP_USER_AGENT=place.user_agent)
    response = client.post(
        "/auth/refresh/", json.dumps({"refresh": raw}), content_type="application/json"
    )
    assert response.status_code == 200, response.content
    return str(response.json()["refresh"])


WAYS: dict[str, Callable[[str, Origin], str]] = {
    "`rotate()`": by_function,
    "`POST refresh/`": by_endpoint,
}


class Refresher:
    """Refreshes sessions of a lot, and remembers which token each has now.

    Args:
        lot: the sessions.
        seed: of the random choice.
        first: the first session that may be chosen.
        count: how many; by default all.
    """

    def __init__(self, lot: Lot, *, seed: int, first: int = 0, count: int | None = None) -> None:
        self._lot, self._random = lot, random.Random(seed)
        self._numbers = range(first, first + (count or lot.count))
        self._current: dict[int, str] = {}

    def __call__(self, refresh: Callable[[str, Origin], str] = by_function) -> float:
        """Refresh a random session, from where it was; return the milliseconds that it took."""
        number = self._random.choice(self._numbers)
        raw, place = self._current.get(number) or token(self._lot, number), origin(number)
        began = time.perf_counter()
        successor = refresh(raw, place)
        took = (time.perf_counter() - began) * 1000
        assert _generation(successor) == _generation(raw) + 1 > HISTORY - 1
        self._current[number] = successor
        return took


def _generation(raw: str) -> int:
    body = decode_base64url(raw)
    assert body is not None
    return int.from_bytes(body[18:22], "big")


def compare(refreshers: dict[str, Refresher], rounds: int) -> Samples:
    """Refresh in each database in turn, both ways, in random order.

    Args:
        refreshers: by alias.
        rounds: how often each is timed, after a warm-up.

    Returns:
        Milliseconds, by way and alias.
    """
    order = random.Random(1)
    turns = [(way, alias) for way in WAYS for alias in refreshers]
    samples: Samples = defaultdict(list)
    for number in range(WARM_UP + rounds):
        order.shuffle(turns)
        for way, alias in turns:
            with using(alias):
                took = refreshers[alias](WAYS[way])
            if number >= WARM_UP:
                samples[way, alias].append(took)
    return samples


def describe(lots: dict[str, Lot], rounds: int) -> list[str]:
    """Measure with durable commits and without; return the section of the report."""
    small, large = lots
    refreshers = {alias: Refresher(lot, seed=2) for alias, lot in lots.items()}
    few, many = (f"{lot.count:,}: median, p99 (ms)" for lot in lots.values())
    lines = [
        f"| | commits | {few} | {many} | ratio of medians | ratio of p99 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for commits, shown in COMMITS.items():
        for alias in lots:
            execute(alias, f"SET synchronous_commit = {commits}")
        samples = compare(refreshers, rounds)
        for way in WAYS:
            of_small, of_large = samples[way, small], samples[way, large]
            lines.append(f"| {way} | {shown} {_cells(of_small, of_large)}")
    text = (
        f"{rounds:,} refreshes of random living sessions, each from where it was, for each figure, "
        f"grace 0, so that every one rotates; the databases `{small}` and `{large}` in turn, in "
        f"one process, in random order, after {WARM_UP} each to warm up. Both were vacuumed, "
        "analysed and read once from end to end (pg_prewarm)."
    )
    return [*lines, "", *(_size(alias, lot) for alias, lot in lots.items()), "", text]


def _cells(small: list[float], large: list[float]) -> str:
    (few, few99), (many, many99) = (_summary(samples) for samples in (small, large))
    return (
        f"| {few:.2f}, {few99:.2f} | {many:.2f}, {many99:.2f} "
        f"| **{many / few:.2f}** | {many99 / few99:.2f} |"
    )


def _summary(samples: list[float]) -> tuple[float, float]:
    return median(samples), quantiles(samples, n=100, method="inclusive")[98]


def _size(alias: str, lot: Lot) -> str:
    found = sizes(alias)
    keys = one(alias, "SELECT pg_relation_size('tokenauth_authsession_pkey')")
    return (
        f"- {lot.count:,} sessions, {lot.count * HISTORY:,} rows of history, {lot.users:,} users: "
        f"{found['all'] / 2**20:,.0f} MiB; sessions "
        f"{found['tokenauth_authsession'] / 2**20:,.0f} MiB, of which indexes "
        f"{found['tokenauth_authsession indexes'] / 2**20:,.0f} MiB and of these the primary key "
        f"{keys / 2**20:,.0f} MiB."
    )
