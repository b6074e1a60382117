"""What is looked at. Each function says in words what happened, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from django.contrib.auth import get_user_model

from benchmarks.comparison.candidate import Reply, Tokens
from benchmarks.comparison.dump import all_rows
from benchmarks.comparison.lab import Lab, Login

__all__ = ["ATOMIC", "BEHAVIOURS", "REFRESH_ONLY", "Behaviour"]

Behaviour = Callable[[Lab], Counter[str]]


def race(lab: Lab) -> Counter[str]:
    """Two tabs refresh at the same moment with one token. What lives on?

    A token lives if it can be refreshed, and what that gives can be refreshed too.
    """
    seen: Counter[str] = Counter()
    for login in lab.logins(settled=True):
        replies = lab.both(login.tokens)
        held = {reply.tokens.refresh: reply.tokens for reply in replies if reply.ok}
        seen[_race_words(replies, len(held), _living(lab, [*held.values()]))] += 1
    return seen


def _living(lab: Lab, held: list[Tokens]) -> int:
    for _ in range(2):
        replies = [lab.refresh(tokens) for tokens in held]
        held = [reply.tokens for reply in replies if reply.ok]
    return len(held)


def _race_words(replies: list[Reply], tokens: int, living: int) -> str:
    failed = [reply for reply in replies if not reply.ok]
    if not failed:
        return {
            (1, 1): "one successor for both",
            (2, 2): "two independent chains live on",
            (2, 1): "two tokens, one of them dead",
        }.get((tokens, living), "both answered, and both tokens are dead")
    errors = sum(reply.status >= 500 for reply in failed)
    word = "gets a 500" if errors else "is refused"
    if len(failed) == 2:
        return "both refused" if not errors else "both fail, with a 500"
    return f"one tab {word}, " + ("the other goes on" if living else "and the session is dead")


def lost(lab: Lab) -> Counter[str]:
    """The answer to a refresh was lost, and the client asks again at once."""
    return _repeated(lab, 0)


def lost_late(lab: Lab) -> Counter[str]:
    """The answer to a refresh was lost, and the client asks again when any grace is over."""
    return _repeated(lab, lab.candidate.grace)


def _repeated(lab: Lab, pause: float) -> Counter[str]:
    pairs = [(login.tokens, lab.refresh(login.tokens)) for login in lab.logins(settled=True)]
    lab.wait(pause)
    return Counter(_repeated_words(lab, held, dropped) for held, dropped in pairs)


def _repeated_words(lab: Lab, held: Tokens, dropped: Reply) -> str:
    assert dropped.ok, f"the first refresh: {dropped.status}"
    again = lab.refresh(held)
    if again.status >= 500:
        return f"error {again.status}"
    if not again.ok:
        return "logged out"
    if not (lab.works(again.tokens) and lab.refresh(again.tokens).ok):
        return "answered, with dead tokens"
    same = again.tokens.refresh == dropped.tokens.refresh
    return "goes on, the same successor" if same else "goes on, another successor"


def theft(lab: Lab) -> Counter[str]:
    """A token that was rotated twice comes back, late. Does the current one die?

    The owner uses each access token, as owners do.
    """
    chains = [[login.tokens] for login in lab.logins(settled=True)]
    for _ in range(2):
        for chain in chains:
            reply = lab.refresh(chain[-1])
            assert reply.ok, f"rotation: {reply.status}"
            assert reply.tokens.refresh != chain[-1].refresh, "it did not rotate"
            assert lab.works(reply.tokens)
            chain.append(reply.tokens)
        lab.wait(max(lab.candidate.quiet, lab.candidate.grace))
    return Counter(_theft_words(lab, chain[0], chain[-1]) for chain in chains)


def _theft_words(lab: Lab, stolen: Tokens, current: Tokens) -> str:
    thief = lab.refresh(stolen)
    works, lives = lab.works(current), lab.refresh(current).ok
    start = "the old token is answered; " if thief.ok else ""
    if lives:
        return start + "no, it lives on"
    return start + ("yes, but its access token works on" if works else "yes, both tokens")


def deactivated(lab: Lab) -> Counter[str]:
    """The user is deactivated by ``QuerySet.update()``."""

    def act(login: Login) -> None:
        get_user_model()._default_manager.filter(pk=login.user.pk).update(is_active=False)

    return _after(lab, act)


def password(lab: Lab) -> Counter[str]:
    """The password is changed by ``set_password()`` and ``save()``, as the Django admin does."""

    def act(login: Login) -> None:
        user = get_user_model()._default_manager.get(pk=login.user.pk)
        user.set_password("another horse, another battery")
        user.save()

    return _after(lab, act)


def revoked(lab: Lab) -> Counter[str]:
    """Staff end the session in the way that the package has for it."""
    if not lab.candidate.staff_way:
        return Counter({"staff have no way": lab.rounds})
    return _after(lab, lambda login: lab.candidate.revoke(lab.staff, login.user))


def _after(lab: Lab, act: Callable[[Login], None]) -> Counter[str]:
    seen: Counter[str] = Counter()
    for login in lab.logins():
        assert lab.works(login.tokens)
        act(login)
        words = [f"access token {'works on' if lab.works(login.tokens) else 'is refused'}"]
        if lab.candidate.rotates:
            words.append(_refresh_words(lab, login.tokens))
        seen["; ".join(words)] += 1
    return seen


def _refresh_words(lab: Lab, held: Tokens) -> str:
    reply = lab.refresh(held)
    if reply.status >= 500:
        return f"refresh: error {reply.status}"
    if not reply.ok:
        return "refresh is refused"
    if lab.works(reply.tokens):
        return "refresh goes on working"
    return "refresh is answered, and what it gives is refused"


def at_rest(lab: Lab) -> Counter[str]:
    """Which token that works can be read in the database, after a login and after a refresh?"""
    logins = [login.tokens for login in lab.logins(settled=True)]
    seen = [_readable(lab, tokens) for tokens in logins]
    if lab.candidate.rotates:
        refreshed = [lab.refresh(tokens).tokens for tokens in logins]
        later = [_readable(lab, tokens) for tokens in refreshed]
        seen = [
            a if a == b else f"{a} (after a refresh: {b})" for a, b in zip(seen, later, strict=True)
        ]
    return Counter(seen)


def _readable(lab: Lab, held: Tokens) -> str:
    rows = all_rows()
    assert lab.works(held)
    found = [
        name
        for name, text in (("refresh", held.refresh), ("access", held.access))
        if text and (text in rows or text.encode().hex() in rows)
    ]
    words = f"{' and '.join(found)} token" if found else "no token"
    also = lab.candidate.other_credential(lab.http, rows)
    return f"{words}; {also}" if also else words


def login_cost(lab: Lab) -> Counter[str]:
    """How many statements a login costs."""
    return Counter(str(login.reply.statements) for login in lab.logins())


def refresh_cost(lab: Lab) -> Counter[str]:
    """How many statements a refresh costs that rotates, the second of its session."""
    first = [lab.refresh(login.tokens) for login in lab.logins(settled=True)]
    lab.wait(lab.candidate.quiet)
    return Counter(str(lab.refresh(reply.tokens).statements) for reply in first)


def call_cost(lab: Lab) -> Counter[str]:
    """How many statements an API request costs that is not the first with its access token."""
    seen: Counter[str] = Counter()
    for login in lab.logins():
        assert lab.works(login.tokens)
        answer = lab.candidate.call(lab.http, login.tokens.access)
        assert answer.ok
        seen[str(answer.statements)] += 1
    return seen


def first_call_cost(lab: Lab) -> Counter[str]:
    """How many statements the first API request with an access token costs."""
    calls = [lab.candidate.call(lab.http, login.tokens.access) for login in lab.logins()]
    assert all(answer.ok for answer in calls)
    return Counter(str(answer.statements) for answer in calls)


# Staff come first: an admin page that offers every token in a list is slow once there are many.
BEHAVIOURS: dict[str, Behaviour] = {
    "revoked": revoked,
    "race": race,
    "lost": lost,
    "lost_late": lost_late,
    "theft": theft,
    "deactivated": deactivated,
    "password": password,
    "at_rest": at_rest,
    "login_cost": login_cost,
    "refresh_cost": refresh_cost,
    "call_cost": call_cost,
    "first_call_cost": first_call_cost,
}
ATOMIC: dict[str, Behaviour] = {"theft_atomic": theft}
"""Looked at again in a project with ``ATOMIC_REQUESTS``."""

REFRESH_ONLY = {"race", "lost", "lost_late", "theft", "theft_atomic", "refresh_cost"}
"""What has no meaning where nothing rotates."""
