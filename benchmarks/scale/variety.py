"""Sessions as a site has them after some weeks: of every state, kind, client and reason."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from benchmarks.scale import loading
from benchmarks.scale.databases import execute
from benchmarks.scale.loading import Lot, fill

__all__ = ["FORMER_CLIENT", "SESSIONS", "address", "facts_of", "load_variety"]

FORMER_CLIENT = "television"
"""A client that one session in a thousand is of."""
EACH = 10
"""One session in so many has a history and events."""

# Numbers below 1000 that have nothing to do with each other decide about each fact of a session.
SESSIONS = """
INSERT INTO tokenauth_authsession (id, user_id, client, transport, persistent, device_name, seed,
    generation, confirmed_generation, floor, rotated_at, late_generation, late_run, grace_count,
    created_at, last_seen_at, expires_at, absolute_expires_at, auth_time, amr, auth_hash, first_ip,
    last_ip, first_user_agent, last_user_agent, revoked_at, revoked_reason, revoked_note, device,
    device_kind, new_device, moves, moved_at)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
    1 + (i * 7919::bigint) %% %(users)s,
    CASE WHEN a = 7 THEN %(former)s WHEN a < 550 THEN 'app' ELSE 'browser' END,
    CASE WHEN a < 550 THEN 'body' ELSE 'cookie' END, true, '',
    sha256(convert_to(%(name)s || i, 'UTF8')), %(newest)s, %(newest)s, 0, seen,
    CASE WHEN i %% 2500 = 17 THEN 2 ELSE 0 END,
    CASE WHEN i %% 2500 = 17 THEN 2 ELSE 0 END, CASE WHEN i %% 3300 = 19 THEN 150 ELSE 0 END,
    began, seen, least(seen + %(idle)s, began + %(absolute)s), began + %(absolute)s,
    began, '["pwd"]', %(hash)s, first_ip, CASE WHEN b < 300 THEN other_ip ELSE first_ip END,
    agent, agent,
    CASE WHEN reason <> '' THEN seen END, reason, '',
    CASE WHEN c < 450 THEN 'Firefox on Windows' WHEN c < 900 THEN 'Safari on iPhone'
        ELSE 'Chrome on Android' END,
    CASE WHEN c < 450 THEN 'desktop' WHEN c < 900 THEN 'phone' WHEN c < 940 THEN 'tablet'
        WHEN c < 950 THEN 'other' ELSE '' END,
    b >= 900, 0, CASE WHEN i %% 3300 = 23 THEN seen END
FROM generate_series(0, %(count)s - 1) i
CROSS JOIN LATERAL (
    SELECT %(start)s + i::bigint * %(span)s / %(count)s AS ms, (i * 104729::bigint) %% 997 AS a,
        (i * 15485863::bigint) %% 1009 AS b, (i * 1299709::bigint) %% 1013 AS c,
        (i * 611953::bigint) %% 991 AS d, (i * 86028121::bigint) %% 864000 AS e) n
CROSS JOIN LATERAL (
    SELECT md5(%(name)s || i) AS h, to_timestamp(ms / 1000.0) AS began,
        '10.0.0.0'::inet + (i * 32452843::bigint) %% (%(count)s / 10) AS first_ip,
        '10.0.0.0'::inet + (i * 49979687::bigint) %% (%(count)s / 10) AS other_ip,
        (%(agents)s::text[])[1 + i %% 3] AS agent,
        CASE WHEN i %% 5000 = 13 THEN 'reuse' WHEN d < 150 THEN 'logout'
            WHEN d < 190 THEN 'replaced' WHEN d < 210 THEN 'user' WHEN d < 220 THEN 'password'
            WHEN d < 225 THEN 'account'
            WHEN d < 227 THEN 'admin' WHEN d = 227 THEN 'lost' ELSE '' END AS reason) m
CROSS JOIN LATERAL (
    SELECT CASE WHEN d %% 5 < 2 THEN greatest(began, least(began + interval '29 days', now())
            - e * interval '1 second')
        ELSE least(began + e * interval '2 seconds', now()) END AS seen) s
"""
_HISTORY = """
INSERT INTO tokenauth_refreshtoken (session_id, generation, issued_at, ip, user_agent)
SELECT id, g, created_at + g * interval '1 minute', first_ip, first_user_agent
FROM tokenauth_authsession CROSS JOIN generate_series(0, %(newest)s) g
WHERE first_ip - '10.0.0.0'::inet < %(count)s / 10 / %(each)s
"""
_EVENTS = """
INSERT INTO tokenauth_authevent (created_at, type, user_id, user_key, actor_key, session_id, ip,
    user_agent, reason, detail)
SELECT created_at, 'login', user_id, user_id::text, '', id, first_ip, first_user_agent, '',
    '{}'::jsonb
FROM tokenauth_authsession WHERE first_ip - '10.0.0.0'::inet < %(count)s / 10 / %(each)s
UNION ALL
SELECT revoked_at, 'revoked', user_id, user_id::text, '', id, first_ip, first_user_agent,
    revoked_reason, '{}'::jsonb
FROM tokenauth_authsession
WHERE revoked_at IS NOT NULL AND first_ip - '10.0.0.0'::inet < %(count)s / 10 / %(each)s
"""


def facts_of(lot: Lot) -> dict[str, Any]:
    """Return the parameters of the statements."""
    return {
        **loading.facts_of(lot),
        "former": FORMER_CLIENT,
        "each": EACH,
    }


def load_variety(alias: str, lot: Lot) -> None:
    """Load a lot of sessions that differ, history and events of some, and a few staff."""
    execute(alias, "UPDATE auth_user SET is_staff = true, is_superuser = id = 1 WHERE id <= 20")
    fill(alias, lot, facts_of(lot), SESSIONS, _HISTORY, _EVENTS)


def address(lot: Lot) -> str:
    """Return an address that some ten sessions began from, and its /24 some 2,500."""
    return str(IPv4Address("10.0.0.0") + lot.count // 20)
