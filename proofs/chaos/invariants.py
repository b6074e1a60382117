"""What must hold afterwards: the rows, against what the clients were told."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from proofs.chaos.client import Client
from proofs.chaos.cluster import Cluster
from proofs.chaos.journal import Journal, Story, generation_of
from proofs.chaos.line import claims_of, token_in
from proofs.chaos.stage import Stage
from tokenauth.conf import config
from tokenauth.tokens.refresh import make_refresh_token

__all__ = ["INVARIANTS", "Figures", "check"]

INVARIANTS = {
    "lost": "living sessions lost",
    "fork": "forks of a session's line of generations",
    "5xx": "answers 5xx other than 503 try_again",
    "revocation": "revocations lost, or not in force",
    "events": "state and audit row apart",
    "behind": "answers that the database does not know of",
    "answer": "requests without an answer in a minute",
}
"""Each invariant by its key, as a count that must be 0."""

_ROWS = """
    SELECT id, transport, generation, revoked_at, revoked_reason, seed, user_id
    FROM tokenauth_authsession
"""
_DOUBLES = """
    SELECT session_id, generation, count(*) FROM tokenauth_refreshtoken
    GROUP BY session_id, generation HAVING count(*) > 1
"""
_BEYOND = """
    SELECT h.session_id, h.generation, s.generation FROM tokenauth_refreshtoken h
    LEFT JOIN tokenauth_authsession s ON s.id = h.session_id
    WHERE s.id IS NULL OR h.generation > s.generation
"""
_MISSING_HISTORY = """
    SELECT coalesce(sum(s.generation + 1 - h.count), 0) FROM tokenauth_authsession s
    JOIN (SELECT session_id, count(*) FROM tokenauth_refreshtoken GROUP BY session_id) h
    ON h.session_id = s.id
"""
_LOGINS = """
    SELECT s.id, count(e.id) FROM tokenauth_authsession s
    LEFT JOIN tokenauth_authevent e ON e.session_id = s.id AND e.type = 'login'
    GROUP BY s.id HAVING count(e.id) <> 1
"""
# The end of all of a user's sessions at once is one event without a session, of the same moment.
_ENDS = """
    SELECT s.id, s.revoked_at IS NOT NULL, count(e.id) FROM tokenauth_authsession s
    LEFT JOIN tokenauth_authevent e ON e.type IN ('revoked', 'reuse') AND (
        e.session_id = s.id OR (
            e.session_id IS NULL AND e.user_id = s.user_id AND e.created_at = s.revoked_at
        )
    )
    GROUP BY s.id HAVING (s.revoked_at IS NOT NULL)::int <> count(e.id)
"""
_EVENTS_ALONE = """
    SELECT e.session_id, e.type FROM tokenauth_authevent e
    LEFT JOIN tokenauth_authsession s ON s.id = e.session_id
    WHERE e.session_id IS NOT NULL AND s.id IS NULL
"""
_BEHIND = "SELECT session_id, detail FROM tokenauth_authevent WHERE type = 'database_behind'"


@dataclass
class Figures:
    """How much was looked at.

    Attributes:
        sessions: rows in the database.
        living: sessions that nobody ended, each refreshed in the end.
        ended: sessions whose end was answered, each tried again in the end.
        tokens: refresh tokens that were answered, each recomputed from its row.
        accesses: access tokens of ended sessions that had not expired, each tried.
        rotations: generations in all.
        events: audit rows.
        missing_history: rotations without a history row: killed between the two statements.
        unclaimed: sessions of logins whose answer was lost.
    """

    sessions: int = 0
    living: int = 0
    ended: int = 0
    tokens: int = 0
    accesses: int = 0
    rotations: int = 0
    events: int = 0
    missing_history: int = 0
    unclaimed: int = 0


@dataclass(frozen=True)
class _Row:
    id: uuid.UUID
    transport: str
    generation: int
    revoked_at: datetime | None
    reason: str
    seed: bytes
    user_id: int | None


def check(stage: Stage) -> Figures:
    """Look at everything; breaches go to the journal.

    Args:
        stage: after the traffic, its database restarted after the last request.
    """
    journal, cluster, figures = stage.line.journal, stage.cluster, Figures()
    rows = {row[0]: _Row(*row) for row in cluster.query(_ROWS)}
    _check_ends(journal, rows)
    _check_tokens(journal, rows, figures)
    _check_tables(journal, cluster)
    _try_everything(stage, figures)
    # Again: nothing that was tried may have changed an ended session.
    rows = {row[0]: _Row(*row) for row in cluster.query(_ROWS)}
    _check_ends(journal, rows)
    _check_tables(journal, cluster)
    figures.sessions = len(rows)
    figures.rotations = sum(row.generation for row in rows.values())
    figures.events = cluster.query("SELECT count(*) FROM tokenauth_authevent")[0][0]
    figures.missing_history = int(cluster.query(_MISSING_HISTORY)[0][0])
    figures.unclaimed = len(rows.keys() - journal.stories.keys())
    if figures.unclaimed > journal.unanswered_logins:
        text = f"{figures.unclaimed} sessions that no client was told of"
        journal.breach("fork", f"{text}, {journal.unanswered_logins} logins without an answer")
    return figures


def _check_ends(journal: Journal, rows: dict[uuid.UUID, _Row]) -> None:
    for story in list(journal.stories.values()):
        row = rows.get(story.sid)
        if row is None:
            journal.breach("lost", "the row is gone", story)
        elif story.ended is not None and row.revoked_at is None:
            text = f"{story.ended_by} was answered, and the row is not revoked"
            journal.breach("revocation", text, story)
        elif story.doomed is None and row.revoked_at is not None:
            text = f"revoked ({row.reason}), and nobody had asked for it"
            journal.breach("lost", text, story)


def _check_tokens(journal: Journal, rows: dict[uuid.UUID, _Row], figures: Figures) -> None:
    for story in journal.stories.values():
        row = rows.get(story.sid)
        if row is None:
            continue
        for generation, tokens in story.tokens.items():
            figures.tokens += len(tokens)
            if generation > row.generation:
                text = f"generation {generation} was answered, the row is at {row.generation}"
                journal.breach("behind", text, story)
            right = make_refresh_token(
                config.refresh_keys, seed=row.seed, session_id=row.id, generation=generation
            )
            if tokens != {right}:
                text = f"{len(tokens)} tokens of generation {generation}, or not the row's own"
                journal.breach("fork", text, story)


def _check_tables(journal: Journal, cluster: Cluster) -> None:
    checks = (
        (_DOUBLES, "fork", "generation {1} is in the history {2} times"),
        (_BEYOND, "fork", "generation {1} is in the history, the row is at {2}"),
        (_LOGINS, "events", "{1} events of its login"),
        (_ENDS, "events", "revoked: {1}, events of it: {2}"),
        (_EVENTS_ALONE, "events", "an event {1} of a session that is not there"),
        (_BEHIND, "behind", "the row was behind a token: {1}"),
    )
    for sql, invariant, sentence in checks:
        for row in cluster.query(sql):
            journal.breach(invariant, sentence.format(*row), journal.stories.get(row[0]))


def _try_everything(stage: Stage, figures: Figures) -> None:
    journal = stage.line.journal
    holders = {client.jar.story.sid: client for client in stage.clients if client.jar.story}
    stories = list(journal.stories.values())
    living = [holders[story.sid] for story in stories if story.doomed is None]
    ended = [story for story in stories if story.ended is not None]
    figures.living, figures.ended = len(living), len(ended)
    figures.accesses = sum(len(_unexpired(story)) for story in ended)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda client: _try_living(stage, client), living))
        list(pool.map(lambda story: _try_ended(stage, story), ended))


def _unexpired(story: Story) -> list[str]:
    return [token for token in story.accesses if claims_of(token)["exp"] > time.time() + 60]


def _try_ended(stage: Stage, story: Story) -> None:
    """Present the newest tokens; the journal knows that none may be answered."""
    client = Client(stage.line, "", story.transport)
    client.jar.story, client.jar.refresh = story, story.newest
    client.refresh()
    for client.access in _unexpired(story):
        client.use()


def _try_living(stage: Stage, client: Client) -> None:
    """Refresh twice at once, after a sleep: both must be answered, with the same successor."""
    journal, token = stage.line.journal, client.jar.refresh
    stage.sleep(client)
    with ThreadPoolExecutor(2) as pool:
        send = [pool.submit(client.send_refresh, token, insist=True) for _ in range(2)]
        answers = [future.result() for future in send]
    if any(answer.status_code != 200 for answer in answers):
        return  # the journal has written it down
    successors = {token_in(answer) for answer in answers}
    generations = {claims_of(answer.json()["access"])["gen"] for answer in answers}
    if len(successors) != 1 or generations != {generation_of(token) + 1}:
        text = f"two refreshes at once with generation {generation_of(token)} gave {generations}"
        journal.breach("fork", text, client.story)
    client.take(answers[0])
    if not client.use():
        journal.breach("lost", "the newest access token was refused", client.story)
