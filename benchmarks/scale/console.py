"""How long each page of the admin takes with few sessions and with many, and by which indexes."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks.scale.databases import one, sizes, using
from benchmarks.scale.loading import Lot, token
from benchmarks.scale.variety import FORMER_CLIENT, address
from tokenauth.admin.filters import FILTERS
from tokenauth.admin.periods import CHOICES
from tokenauth.models import AuthSession
from tokenauth.statistics import gather

__all__ = ["Page", "describe", "pages"]

LIST = "/admin/tokenauth/authsession/"
WANTED = 1.5
HEAD = [
    "| page | statements | rows: {few} | {many} | ms: {few} | {many} | ratio | indexes |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
]


@dataclass(frozen=True, slots=True)
class Page:
    """One page to measure.

    Attributes:
        name: for the table.
        path: of the page, or of the form.
        data: of the query; with ``posted``, of the form.
        posted: whether it is a form.
    """

    name: str
    path: str = LIST
    data: dict[str, str] = field(default_factory=dict)
    posted: bool = False


def pages(lot: Lot) -> Iterator[Page]:
    """Give the pages of a database."""
    yield Page("list")
    yield Page("list, page 40", data={"p": "40"})
    columns = {"created": "6", "ends at the latest": "10"}
    for name, column in columns.items():
        yield Page(f"list by {name}, oldest first", data={"o": column})
    yield from _filters(lot)
    yield from _searches(lot)
    number = lot.count // 2
    yield Page("a session", f"{LIST}{lot.session_id(number)}/change/")
    posted = {"token": token(lot, number)}
    yield Page("a token finds its session", f"{LIST}find-by-token/", posted, posted=True)
    yield Page("overview", reverse("admin:tokenauth_authsession_overview"))
    yield from _events(lot)
    yield Page("a user", reverse("admin:auth_user_change", args=[lot.users - 10]))


def _filters(lot: Lot) -> Iterator[Page]:
    model_admin = admin.site.get_model_admin(AuthSession)
    for kind in FILTERS:
        if not hasattr(kind, "lookups"):
            continue
        found: Any = kind(None, {}, model_admin.model, model_admin)  # type: ignore[arg-type]  # asks nothing of the request
        for value, _label in found.lookup_choices:
            query = {str(found.parameter_name): str(value)}
            yield Page(f"{found.title}: {value}", data=query)
    for value, _label in CHOICES:
        yield Page(f"created: {value}", data={"created": value})
    yield Page("created: two days", data=_two_days(lot, "created"))
    yield Page("client: a rare one", data={"client": FORMER_CLIENT})
    yield Page(
        "active, on a tablet, by app", data={"status": "active", "kind": "tablet", "client": "app"}
    )
    yield Page("reuse, not for 14 days", data={"suspicious": "reuse", "seen": "not14"})


def _two_days(lot: Lot, prefix: str) -> dict[str, str]:
    first = lot.first.date() + lot.span / 2
    return {f"{prefix}_from": str(first), f"{prefix}_to": str(first + timedelta(days=1))}


def _events(lot: Lot) -> Iterator[Page]:
    queries: dict[str, dict[str, str]] = {
        "": {},
        ": alarms": {"alarms": "only"},
        **{f": {kind}": {"type": kind} for kind in ("login", "revoked", "reuse")},
        ": reason lost": {"reason": "lost"},
        ": today": {"time": "today"},
        ": two days": _two_days(lot, "time"),
        ", search: user name": {"q": f"user{lot.users - 10}"},
        ", search: id": {"q": str(lot.session_id(lot.count // 3))},
        ", search: address": {"q": address(lot)},
    }
    for name, data in queries.items():
        yield Page(f"events{name}", reverse("admin:tokenauth_authevent_changelist"), data)


def _searches(lot: Lot) -> Iterator[Page]:
    name = f"user{lot.users - 10}"
    terms = {
        "user name": name,
        "beginning of user names": name[:-1],
        "e-mail": f"{name}@example.com",
        "beginning of an e-mail": f"{name}@",
        "no such user": "nobody at all",
        "id": str(lot.session_id(lot.count // 3)),
        "address": address(lot),
        "network of 256": f"{address(lot)}/24",
        "network of 65,536": f"{address(lot)}/16",
        "network of all": "10.0.0.0/8",
        "no such network": "192.0.2.0/24",
    }
    for label, term in terms.items():
        yield Page(f"search: {label}", data={"q": term})


class Visitor:
    """A superuser who opens pages of one database.

    Args:
        alias: the database.
        lot: what is in it.
    """

    def __init__(self, alias: str, lot: Lot) -> None:
        self.alias, self.client, self.pages = alias, Client(), list(pages(lot))
        self.rows: dict[str, int] = {}
        with using(alias):
            self.client.force_login(get_user_model().objects.get(is_superuser=True))

    def open(self, page: Page) -> float:
        """Open a page; return the milliseconds that it took."""
        send = self.client.post if page.posted else self.client.get
        began = time.perf_counter()
        with using(self.alias):
            response: Any = send(page.path, page.data)
        took = (time.perf_counter() - began) * 1000
        assert response.status_code == (302 if page.posted else 200), (page, response)
        self.rows[page.name] = _rows(response)
        return took

    def explain(self, page: Page) -> tuple[int, set[str]]:
        """Return the number of statements, and the indexes (or tables, if read whole) of each."""
        with CaptureQueriesContext(connections[self.alias]) as captured:
            self.open(page)
        read: set[str] = set()
        for query in captured.captured_queries:
            if "tokenauth_" in query["sql"] or '"auth_user"' in query["sql"]:
                read |= _indexes(self.alias, query["sql"])
        return len(captured.captured_queries), read


def _rows(response: Any) -> int:
    changelist = (getattr(response, "context_data", None) or {}).get("cl")
    return len(changelist.result_list) if changelist else 1


def _indexes(alias: str, sql: str) -> set[str]:
    if not sql.startswith("SELECT"):
        return set()
    with connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        found = cursor.fetchone()[0]
    plan = json.loads(found) if isinstance(found, str) else found
    return set(_names(plan[0]["Plan"]))


def _names(plan: dict[str, Any]) -> Iterator[str]:
    if "Index Name" in plan:
        yield str(plan["Index Name"])
    elif plan["Node Type"] == "Seq Scan":
        yield f"**all of {plan['Relation Name']}**"
    for part in plan.get("Plans", ()):
        yield from _names(part)


def describe(lots: dict[str, Lot], rounds: int) -> list[str]:
    """Open every page in both databases, turn and turn about; return the section of the report."""
    visitors = [Visitor(alias, lot) for alias, lot in lots.items()]
    counting = [_count(visitor) for visitor in visitors]
    small, large = visitors
    samples = _samples(visitors, rounds)
    few, many = (f"{lot.count:,}" for lot in lots.values())
    lines = [line.format(few=few, many=many) for line in HEAD]
    for number, page in enumerate(large.pages):
        taken = [median(samples[visitor.alias, number]) for visitor in visitors]
        statements = [visitor.explain(visitor.pages[number])[0] for visitor in visitors]
        assert statements[0] == statements[1], (page, statements)
        shown = ", ".join(sorted(_short(name) for name in large.explain(page)[1]))
        rows = [visitor.rows[page.name] for visitor in visitors]
        ratio = f"{taken[1] / taken[0]:.2f}"
        ratio = f"**{ratio}**" if taken[1] > WANTED * taken[0] else ratio
        times = [f"{milliseconds:.0f}" for milliseconds in taken]
        cells = (page.name, statements[0], *rows, *times, ratio, shown)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    size = sizes(large.alias)
    text = (
        f"Medians of {rounds} requests by Django's test client as a superuser, the two databases "
        f"in turn and the pages in random order, rendering and the admin's own statements (session "
        f"and user) included. Databases of {one(small.alias, _SIZE)} and "
        f"{size['all'] / 2**20:,.0f} MiB, of which the sessions' indexes are "
        f"{size['tokenauth_authsession indexes'] / 2**20:,.0f} MiB. A ratio above {WANTED} is "
        f"bold. `tokenauth_stats` ran before, as it should each hour: from nothing, "
        f"{counting[0]:.1f} s and {counting[1]:.1f} s."
    )
    return [*lines, "", text]


def _count(visitor: Visitor) -> float:
    """Count what the overview shows, as the hourly command does; return the seconds it took."""
    began = time.perf_counter()
    with using(visitor.alias):
        assert gather().complete
    return time.perf_counter() - began


_SIZE = "SELECT pg_size_pretty(pg_database_size(current_database()))"


def _samples(visitors: list[Visitor], rounds: int) -> dict[tuple[str, int], list[float]]:
    samples: dict[tuple[str, int], list[float]] = defaultdict(list)
    numbers, order = list(range(len(visitors[0].pages))), random.Random(1)
    for round_ in range(rounds + 1):
        order.shuffle(numbers)
        for number in numbers:
            for visitor in visitors:
                took = visitor.open(visitor.pages[number])
                if round_:
                    samples[visitor.alias, number].append(took)
    return samples


def _short(name: str) -> str:
    return name.replace("tokenauth_", "")
