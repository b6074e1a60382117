"""What can go wrong, in the words of the protocol.

::

    TokenAuthError
    ├── RefreshFailed
    │   ├── RefreshInvalid       not authentic, unknown, or sent the wrong way: nothing changed
    │   ├── RefreshSuperseded    older than a step-up: nothing changed
    │   └── SessionEnded         the session is over, with a coarse ``reason``
    ├── AccessInvalid            an access token that is not accepted, for whatever fault
    ├── AmbiguousCookie          two cookies of one name: which one is honest cannot be told
    ├── AccountUnusable          no session may be started for this account
    ├── SecondStepFailed         a challenge or an answer that does not complete a login
    ├── TooManyGuesses           so many logins failed that this one has to wait
    ├── UnknownClient            a client that ``TOKENAUTH_CLIENTS`` does not have
    └── TryAgain                 lost too many races; nothing changed, safe to repeat

No HTTP in here: :mod:`tokenauth.responses` translates, in one table. Messages are for the log;
what a client is told never depends on them.
"""

from __future__ import annotations

__all__ = [
    "AccessInvalid",
    "AccountUnusable",
    "AmbiguousCookie",
    "RefreshFailed",
    "RefreshInvalid",
    "RefreshSuperseded",
    "SecondStepFailed",
    "SessionEnded",
    "TokenAuthError",
    "TooManyGuesses",
    "TryAgain",
    "UnknownClient",
]


class TokenAuthError(Exception):
    """Base of every error that this package raises on purpose."""


class RefreshFailed(TokenAuthError):
    """A refresh that gave no tokens."""


class RefreshInvalid(RefreshFailed):
    """The refresh token is malformed, forged, unknown, or came by the wrong transport."""


class RefreshSuperseded(RefreshFailed):
    """The refresh token is from before a step-up: the client should use the one it holds now."""


class SessionEnded(RefreshFailed):
    """The session is over.

    Attributes:
        reason: ``logout``, ``revoked``, ``expired``, ``account`` or ``reuse``: as much as the
            holder of an authentic token may know.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the session has ended: {reason}")
        self.reason = reason


class AccessInvalid(TokenAuthError):
    """The access token is not accepted. The message says why, for the log only.

    Attributes:
        is_foreign: whether it names none of our keys, so it may be meant for somebody else.
    """

    def __init__(self, message: str, *, is_foreign: bool = False) -> None:
        super().__init__(message)
        self.is_foreign = is_foreign


class AmbiguousCookie(TokenAuthError):
    """The request has two refresh cookies, of which a sibling host may have planted one."""


class AccountUnusable(TokenAuthError):
    """The account does not exist or is not active, so it gets no session."""


class SecondStepFailed(TokenAuthError):
    """The challenge of a login is no longer good, never was, or was not answered rightly."""


class TooManyGuesses(TokenAuthError):
    """So many logins failed that this one was not looked at.

    Attributes:
        wait: in how many full seconds one will be; at least 1.
    """

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many guesses: try again in {wait} s")
        self.wait = wait


class UnknownClient(TokenAuthError):
    """The client is not one of ``TOKENAUTH_CLIENTS``: add it there, or name one that is."""


class TryAgain(TokenAuthError):
    """Other writers won three times in a row, or the database refused to wait.

    Nothing was changed; the same call may be made again after a moment.
    """
