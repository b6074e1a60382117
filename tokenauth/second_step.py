"""The challenge between the two steps of a login.

Whoever has proved the password, and is asked for more by the project's gate, gets a challenge: a
signed statement of what was proved, for whom and when. It is good for five minutes, for five
answers, for one session, and, if the session is to be a browser's, in that browser only. Nothing
is stored for it but two counters, and nobody is logged in by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, Signer
from django.utils.crypto import constant_time_compare

from tokenauth import system
from tokenauth.accounts import auth_hash, valid_auth_hashes
from tokenauth.counters import counters
from tokenauth.database import write_alias
from tokenauth.exceptions import SecondStepFailed
from tokenauth.tokens.encoding import encode_base64url

__all__ = ["LIFETIME", "MAX_ANSWERS", "Challenge", "NewChallenge", "make_challenge", "methods_of"]

LIFETIME = timedelta(minutes=5)
"""How long a challenge can be answered."""

MAX_ANSWERS = 5
"""So many answers are looked at; then the user begins again, with the password."""

# The number goes up when the members change, so that no release reads those of another.
_SALT = "tokenauth.second_step.1"
_NONCE_BYTES = 32

_OTHER_FACTORS = frozenset(
    {"face", "fpt", "hwk", "iris", "otp", "pop", "retina", "sc", "sms", "swk", "tel", "vbm"}
)
"""Methods of RFC 8176 section 2 that are something one has or is, which a password is not."""


@dataclass(frozen=True, slots=True)
class NewChallenge:
    """What the client gets; ``repr`` hides it.

    Attributes:
        token: the challenge, to be sent back with the answer.
        nonce: what the browser must hold for it; of no use to other clients.
    """

    token: str = field(repr=False)
    nonce: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a challenge says; all of it is readable for whoever has the token.

    Attributes:
        id: a digest of the nonce.
        proved_at: when the password was proved, in seconds since 1970.
        user_key: of the user who proved it, as text.
        backend: the path of the authentication backend that knew the user.
        account: a digest of the user's session auth hash at that time.
        client: which client asked.
        remember: as the login asked for it.
        device_name: as the login asked for it.
    """

    id: str
    proved_at: int
    user_key: str
    backend: str
    account: str
    client: str
    remember: bool
    device_name: str

    @classmethod
    def read(cls, token: str) -> Challenge:
        """Return what a token says.

        Raises:
            SecondStepFailed: it is not authentic, or too old.
        """
        try:
            challenge = cls(**Signer(salt=_SALT).unsign_object(token))
        except (BadSignature, ValueError):
            raise SecondStepFailed("the challenge is not authentic") from None
        if system.now().timestamp() >= challenge.proved_at + LIFETIME.total_seconds():
            raise SecondStepFailed("the challenge is too old")
        return challenge

    def require_nonce(self, nonces: Iterable[str]) -> None:
        """Refuse a browser that the challenge was not given to: it was carried off, or planted.

        Args:
            nonces: those in the request's cookies. A sibling host may have planted others.

        Raises:
            SecondStepFailed: none is the challenge's.
        """
        if not any(constant_time_compare(_digest(nonce), self.id) for nonce in nonces):
            raise SecondStepFailed("the challenge is of another browser")

    def find_user(self) -> Any:
        """Return the user, as read now.

        Raises:
            SecondStepFailed: the account is gone, inactive, or has changed since, or the project
                no longer has the backend that knew it.
        """
        users = get_user_model()._default_manager.using(write_alias())
        user: Any = users.filter(pk=self.user_key).first()
        if user is None or not getattr(user, "is_active", True):
            raise SecondStepFailed("the account is not active")
        if not any(
            constant_time_compare(_digest(h), self.account) for h in valid_auth_hashes(user)
        ):
            raise SecondStepFailed("the account has changed")
        if self.backend not in settings.AUTHENTICATION_BACKENDS:
            raise SecondStepFailed("the backend is gone")
        user.backend = self.backend
        return user

    def count_answer(self) -> None:
        """Count an answer before it is looked at, so that guesses sent at once are counted too.

        Raises:
            SecondStepFailed: there were too many.
        """
        if counters.increase(self._key("answers"), self._seconds) > MAX_ANSWERS:
            raise SecondStepFailed("the challenge had too many answers")

    def use(self) -> None:
        """Use it up: of several right answers, also at once, one gets a session.

        Raises:
            SecondStepFailed: it was used before.
        """
        if not counters.add(self._key("used"), 1, self._seconds):
            raise SecondStepFailed("the challenge was used before")

    @property
    def _seconds(self) -> float:
        # Twice: hosts whose clocks differ must not forget it while another still honours it.
        return 2 * LIFETIME.total_seconds()

    def _key(self, what: str) -> str:
        return f"tokenauth:second-step:{what}:{self.id}"


def make_challenge(user: Any, *, client: str, remember: bool, device_name: str) -> NewChallenge:
    """Return a challenge for a user who has just proved the password.

    Args:
        user: as the authentication backend returned it.
        client: which client asks.
        remember: whether the browser is to keep the session when it closes.
        device_name: what the user calls the device.
    """
    nonce = encode_base64url(system.random_bytes(_NONCE_BYTES))
    challenge = Challenge(
        id=_digest(nonce),
        proved_at=int(system.now().timestamp()),
        user_key=str(user.pk),
        backend=user.backend,
        account=_digest(auth_hash(user)),
        client=client,
        remember=remember,
        device_name=device_name,
    )
    return NewChallenge(Signer(salt=_SALT).sign_object(asdict(challenge)), nonce)


def methods_of(second: Sequence[str]) -> tuple[str, ...]:
    """Return how a user proved it in two steps, for ``amr``.

    ``mfa`` is added (RFC 8176 section 2) if the second step was something that one has or is:
    two passwords are one factor.

    Args:
        second: the methods of the second step.
    """
    extra = ("mfa",) if _OTHER_FACTORS.intersection(second) else ()
    return tuple(dict.fromkeys(("pwd", *second, *extra)))


def _digest(text: str) -> str:
    # A cookie may hold anything, lone surrogates too.
    return encode_base64url(hashlib.sha256(text.encode(errors="surrogatepass")).digest())
