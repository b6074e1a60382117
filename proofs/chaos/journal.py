"""The clients' side of the story: what each asked, when, and what it was answered.

The journal judges while it is written: what must hold at every moment is looked at with each
answer (:meth:`Journal.write`); the rest is looked at afterwards, in ``invariants``.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tokenauth.tokens.encoding import decode_base64url

__all__ = ["Entry", "Journal", "Story", "generation_of", "session_of"]

ELSEWHERE = frozenset({"admin revoke", "project's view"})
"""Requests to views that are not the product's: their 5xx are counted beside the invariant."""


def generation_of(token: str) -> int:
    """Return the generation that a refresh token names."""
    return int.from_bytes(decode_base64url(token)[18:22], "big")


def session_of(token: str) -> uuid.UUID:
    """Return the session that a refresh token names."""
    return uuid.UUID(bytes=decode_base64url(token)[2:18])


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of a client.

    Attributes:
        asked: when it was sent, in seconds of the monotonic clock.
        answered: when its answer was there, or it was clear that there is none.
        action: what was asked, such as ``refresh``.
        presented: the generation of the refresh token that was sent; -1 without one.
        status: of the answer; 0 without an answer.
        code: of an error, or the reason of ``session_ended``.
        given: the generation of the refresh token in the answer; -1 without one.
        access: the generation of the access token in the answer; -1 without one.
        fault: what was to happen to the request.
    """

    asked: float
    answered: float
    action: str
    presented: int = -1
    status: int = 0
    code: str = ""
    given: int = -1
    access: int = -1
    fault: str = ""


@dataclass(slots=True)
class Story:
    """All that the clients know of one session.

    Attributes:
        sid: its id.
        transport: how its token travels.
        tokens: the refresh tokens that were answered, by generation: exactly one for each.
        accesses: the newest access tokens that were answered, at most five.
        entries: every request about it.
        doomed: when somebody first asked to end it.
        ended: when that was first answered with success.
        ended_by: what was asked then.
        jumps: how many step-ups were asked for; each may skip a generation.
    """

    sid: uuid.UUID
    transport: str
    tokens: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    accesses: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    doomed: float | None = None
    ended: float | None = None
    ended_by: str = ""
    jumps: int = 0

    def doom(self) -> None:
        """Note that somebody is about to ask for its end."""
        if self.doomed is None:
            self.doomed = time.monotonic()

    def end(self, how: str) -> None:
        """Note that somebody was told that it has ended."""
        if self.ended is None:
            self.ended, self.ended_by = time.monotonic(), how

    @property
    def newest(self) -> str:
        """The refresh token of the newest generation that was answered."""
        return next(iter(self.tokens[max(self.tokens)]))


class Journal:
    """Everything, from all threads.

    Attributes:
        stories: by session id.
        requests: how many requests were sent, by action.
        answers: how many answers of each status and code came.
        unanswered: how many requests got no answer.
        broken: what did not hold: by invariant, pairs of a sentence and the session, if any.
    """

    def __init__(self) -> None:
        self.stories: dict[uuid.UUID, Story] = {}
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.unanswered = 0
        self.unanswered_logins = 0
        self.broken: dict[str, list[tuple[str, Story | None]]] = defaultdict(list)
        self._lock = threading.Lock()

    def breach(self, invariant: str, sentence: str, story: Story | None = None) -> None:
        """Note that an invariant does not hold."""
        with self._lock:
            self.broken[invariant].append((sentence, story))

    def open(self, sid: uuid.UUID, transport: str) -> Story:
        """Return a session's story; begin it if this is the first that is heard of it."""
        with self._lock:
            return self.stories.setdefault(sid, Story(sid, transport))

    def write(self, entry: Entry, story: Story | None, body: dict[str, Any]) -> None:
        """Write an entry down, and judge it.

        Args:
            entry: the request and its answer.
            story: of which session; ``None`` if it is about none.
            body: the answer, for the tokens in it.
        """
        page = entry.action if entry.action in ELSEWHERE else ""
        with self._lock:
            self.requests[entry.action] += 1
            if entry.status:
                kind = f"{page} {entry.status} {entry.code}".strip()
                self.answers[kind] += 1
            else:
                self.unanswered += 1
                self.unanswered_logins += entry.action == "login"
            if story is not None:
                story.entries.append(entry)
        if entry.status >= 500 and entry.code != "try_again" and not page:
            self.breach("5xx", f"{entry.action} was answered {entry.status} {entry.code}", story)
        if story is not None:
            self._judge(entry, story)

    def _judge(self, entry: Entry, story: Story) -> None:
        lived = story.doomed is None or story.doomed > entry.answered
        own = entry.action in {"refresh", "me", "reauthenticate", "project's view"}
        if own and entry.status == 401 and lived:
            text = f"{entry.action} was refused ({entry.code}), and nobody had ended the session"
            self.breach("lost", text, story)
        late = story.ended is not None and entry.asked > story.ended
        if own and entry.status == 200 and late:
            text = f"{entry.action} was answered after {story.ended_by} had ended the session"
            self.breach("revocation", text, story)
        if entry.status == 401 and entry.code in {"refresh_invalid", "refresh_missing"}:
            self.breach("lost", f"a token of ours was called {entry.code}", story)
        generation = max(entry.given, entry.access)
        steps = {0, 1} if not story.jumps else range(2 + 2 * story.jumps)
        if entry.action == "refresh" and entry.status == 200 and entry.presented >= 0:
            if generation - entry.presented not in steps:
                text = f"generation {entry.presented} was answered with {generation}"
                self.breach("fork", text, story)
            if entry.given >= 0 and entry.given != entry.access:
                text = f"refresh token {entry.given}, but access token {entry.access}"
                self.breach("fork", text, story)
