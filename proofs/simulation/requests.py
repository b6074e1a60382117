"""What travels between a client and the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["ENDED", "TRY_AGAIN", "Answer", "Client", "Request", "Token"]

Token = tuple[Any, int]
"""A refresh token: the row of its session, and which of that session's tokens it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says.

    Attributes:
        status: 200, 401 or 503.
        token: the refresh token in the answer, if there is one.
        generation: of the access token.
    """

    status: int
    token: int | None = None
    generation: int = 0


ENDED = Answer(401)
TRY_AGAIN = Answer(503)


class Client(Protocol):
    """Whoever sends requests: a tab, or a thief.

    Attributes:
        is_thief: a thief.
        has_good_network: nothing of his is lost or late.
    """

    is_thief: bool
    has_good_network: bool

    def hears(self, request: Request, answer: Answer) -> None:
        """Take an answer that has arrived, in time or not."""

    def misses(self, request: Request) -> None:
        """Give up waiting for an answer."""

    def silent_until(self, request: Request) -> float | None:
        """When what is sent to this client now can be taken; ``None``: never."""


class Request:
    """One request to refresh.

    Attributes:
        client: who sent it.
        token: the refresh token in it.
        sent: when.
        turn: the sender's, then: a tab that was reloaded meanwhile takes no answer.
        epoch: the browser's, then: one that slept or crashed meanwhile takes none either.
        over: the sender no longer waits.
        arrived: what the clock of the serving host showed on arrival.
        attempts: how often the server has read the row for it.
        raced: it has lost a race to rotate.
    """

    __slots__ = (
        *("arrived", "attempts", "client", "epoch", "over", "raced", "sent", "token", "turn"),
    )

    def __init__(self, client: Client, token: Token, sent: float, turn: int, epoch: int) -> None:
        self.client = client
        self.token = token
        self.sent = sent
        self.turn = turn
        self.epoch = epoch
        self.over = False
        self.arrived = 0.0
        self.attempts = 0
        self.raced = False
