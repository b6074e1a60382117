"""By which indexes PostgreSQL reads for each page of the list, among 40,000 varied sessions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.scale.loading import Lot
from benchmarks.scale.variety import SESSIONS, facts_of
from tests.console import LIST
from tests.test_admin import root

__all__ = ["root"]  # a fixture

pytestmark = [
    pytest.mark.vendor("postgresql"),
    pytest.mark.req("REQ-124"),
]

COUNT, SPAN = 40_000, timedelta(days=45)
KEY, END = "tokenauth_authsession_pkey", "absolute_expires_at"
USER, CLIENT, KIND = "session_user", "session_client", "session_kind"
REVOKED, SUSPICIOUS, NEW = "session_revoked", "session_suspicious", "session_new"

# Of the list's own statement; where several indexes do, the planner may take any of them.
PAGES: list[tuple[dict[str, str], tuple[str, ...]]] = [
    ({}, (KEY,)),
    ({"p": "40"}, (KEY,)),
    ({"o": "6"}, (KEY,)),
    ({"o": "10"}, (END,)),
    ({"status": "active"}, (KEY,)),
    ({"status": "idle"}, (KEY,)),
    ({"status": "expired"}, (END,)),
    ({"status": "revoked"}, (KEY, REVOKED)),
    ({"seen": "today"}, (KEY,)),
    ({"seen": "not14"}, (KEY,)),
    ({"created": "7"}, (KEY,)),
    ({"created_from": "%(middle)s", "created_to": "%(middle)s"}, (KEY,)),
    ({"client": "app"}, (KEY, CLIENT)),
    ({"client": "television"}, (CLIENT,)),
    ({"kind": "phone"}, (KEY, KIND)),
    ({"kind": "other"}, (KIND,)),
    ({"new": "yes"}, (KEY, NEW)),
    ({"staff": "yes"}, (USER,)),
    ({"suspicious": "any"}, (SUSPICIOUS,)),
    ({"suspicious": "reuse"}, (SUSPICIOUS, REVOKED)),
    ({"suspicious": "late"}, (SUSPICIOUS,)),
    ({"suspicious": "repeats"}, (SUSPICIOUS,)),
    ({"suspicious": "moved"}, (SUSPICIOUS,)),
    ({"revoked": "lost"}, (REVOKED,)),
    ({"q": "user39"}, (USER,)),
    ({"q": "user3999@example.com"}, (USER,)),
    ({"q": "10.0.3.77"}, ("session_first_ip", "session_last_ip")),
    ({"q": "10.0.3.0/24"}, ("session_first_ip", "session_last_ip")),
    ({"q": "01a1fd59-fca4-70a9-99f6-db7d556ed3e3"}, (KEY,)),
    ({"status": "active", "client": "television"}, (CLIENT, KEY)),
]


@pytest.fixture
def lot(root: Client) -> Lot:
    """Sessions as a site has them after some weeks, and their users, with the planner told."""
    lot = Lot("plans", COUNT, datetime.now(UTC).replace(microsecond=0) - SPAN, SPAN, COUNT // 10)
    # Ids of their own: the superuser has been made already.
    users = [User(pk=n, username=f"user{n}", email=f"user{n}@example.com") for n in range(1, 4001)]
    User.objects.bulk_create(users, ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, facts_of(lot))
        cursor.execute("ANALYZE")
    return lot


def plans(client: Client, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Give the plans of the statements that read sessions: the count's and the list's."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(LIST, query).status_code == 200
    for one in list(captured.captured_queries):
        if 'FROM "tokenauth_authsession"' in one["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {one['sql']}")
                found = cursor.fetchone()[0]
            yield (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def walk(plan: dict[str, Any], *, limited: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Give the nodes of a plan, and whether each stops when a limit is reached.

    What sorts, or builds a hash, reads to the end first.
    """
    limited = (limited or plan["Node Type"] == "Limit") and plan["Node Type"] not in {
        "Sort",
        "Hash",
    }
    yield plan, limited
    for part in plan.get("Plans", ()):
        yield from walk(part, limited=limited)


def test_each_page_by_an_index(lot: Lot, root: Client) -> None:
    """The list reads an index of its filter, and nothing reads the whole table or its end."""
    middle = str((lot.first + lot.span / 2).date())
    wrong = []
    for query, wanted in PAGES:
        asked = {name: text.replace("%(middle)s", middle) for name, text in query.items()}
        found = list(plans(root, asked))
        assert found, query
        nodes = [node for plan in found for node in walk(plan)]
        # A search looks the keys up first.
        telling = found[0] if "q" in query else found[-1]
        of_list = [node.get("Index Name", "") for node, _ in walk(telling)]
        whole = [
            node
            for node, limited in nodes
            if node.get("Relation Name") == "tokenauth_authsession"
            and node["Node Type"] == "Seq Scan"
            and not limited
        ]
        if whole or not any(name in index for name in wanted for index in of_list):
            wrong.append((query, of_list, whole))
    assert not wrong
