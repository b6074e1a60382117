"""Who meets whom, and from which row: every pair and triple of actors, and named scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

from proofs.model import others, programs
from proofs.model.parts import Actor, Call, Network, Scenario
from proofs.model.programs import Rules
from proofs.model.state import Jar, Row

__all__ = ["CAST", "ROWS", "browser", "combinations", "honest", "limits", "named", "scenario"]

FAR = 500
"""An end that no scenario reaches by waiting."""

ROWS = {
    "rested": Row(2, 2, 0, -100, expires_at=FAR),
    "fresh": Row(2, 1, 0, -10, expires_at=FAR),
    "used": Row(2, 2, 0, -10, expires_at=FAR),
    "unused": Row(2, 1, 0, -100, expires_at=FAR),
    "fourth late": Row(2, 1, 0, -100, 1, 3, FAR),
    "fifth late": Row(2, 1, 0, -100, 1, 4, FAR),
    "stepped up": Row(2, 1, 2, -10, expires_at=FAR),
    "behind": Row(1, 1, 0, -100, expires_at=FAR),
    "expiring": Row(2, 1, 0, -100, expires_at=10),
    "expired": Row(2, 2, 0, -100, expires_at=-10),
    "over": Row(2, 2, 0, -100, expires_at=-10, absolute_expires_at=-10),
    "long over": Row(2, 2, 0, -100, expires_at=-40, absolute_expires_at=-40),
}
"""Where a session may be when they meet, by name. Tokens 0 to 2 were issued; and if it is
behind, because the database was restored, token 2 is newer than the row."""

CAST: dict[str, Call] = {
    "refresh(2)": (programs.rotate, (2,)),
    "refresh(1)": (programs.rotate, (1,)),
    "refresh(0)": (programs.rotate, (0,)),
    "use(2)": (programs.use, (2,)),
    "logout": (others.logout, ()),
    "revoke": (others.revoke, ("admin",)),
    "step-up": (others.step_up, ()),
    "password": (others.change_password, ()),
    "password elsewhere": (others.change_password_elsewhere, ()),
    "deactivate": (others.deactivate, ()),
    "prune": (others.prune, ()),
    "25 seconds": (others.wait, (25,)),
}
"""What an actor may do once, by name."""


def combinations(size: int, grace: int = 30) -> Iterator[Scenario]:
    """Yield every choice of so many actors, the same one twice included, from every row.

    Args:
        size: how many actors.
        grace: the grace period in seconds.
    """
    for row_name, row in ROWS.items():
        for names in combinations_with_replacement(CAST, size):
            if {call.partition("(")[0] for call in names} <= {"25 seconds", "deactivate"}:
                continue  # nobody looks at the session
            yield scenario(row_name, row, names, Rules(grace=grace))


def scenario(row_name: str, row: Row, names: tuple[str, ...], rules: Rules) -> Scenario:
    """Return a scenario of :data:`CAST`'s actors, each of whom does one thing once."""
    counted = [
        name if names.count(name) == 1 else f"{name}#{names[: place + 1].count(name)}"
        for place, name in enumerate(names)
    ]
    actors = tuple(Actor(label, (CAST[name],)) for label, name in zip(counted, names, strict=True))
    title = f"{row_name}: {', '.join(names)}"
    if rules.grace != Rules().grace:
        title += f", grace {rules.grace}"
    return Scenario(title, actors, row, rules)


def _of(row: str, *names: str, grace: int = 30) -> Scenario:
    return scenario(row, ROWS[row], names, Rules(grace=grace))


def named() -> Iterator[Scenario]:
    """Yield the scenarios of four, and those in which one actor does several things."""
    yield _of("rested", "refresh(2)", "refresh(2)", "refresh(2)", "refresh(2)")
    yield _of("rested", "refresh(2)", "refresh(2)", "refresh(1)", "25 seconds")
    yield _of("unused", "refresh(1)", "refresh(1)", "refresh(2)", "use(2)")
    yield _of("unused", "refresh(1)", "refresh(2)", "logout", "25 seconds")
    yield _of("rested", "refresh(2)", "refresh(2)", "logout", "step-up")
    yield _of("fresh", "refresh(2)", "refresh(1)", "step-up", "step-up")
    yield _of("rested", "refresh(2)", "refresh(0)", "password", "revoke")
    yield _of("rested", "refresh(2)", "refresh(2)", "step-up", "password")
    yield _of("behind", "refresh(2)", "refresh(2)", "refresh(1)", "use(2)")
    yield _of("expiring", "refresh(2)", "use(2)", "logout", "25 seconds")
    yield _of("over", "prune", "prune", "logout", "25 seconds")
    yield _of("expiring", "prune", "refresh(2)", "revoke", "25 seconds")
    yield _of("rested", "refresh(2)", "refresh(2)", "deactivate", "revoke")
    # Who arrived before the end writes after somebody else was told of it.
    found, tick = (
        Actor("refresh(2), finds the end", (CAST["refresh(2)"],)),
        Actor("clock", (CAST["25 seconds"],)),
    )
    for name in ("refresh(2)", "refresh(1)", "use(2)", "step-up", "password"):
        early = Actor(name, (CAST[name],))
        yield Scenario(f"expiring: {name}, told too late", (early, found, tick), ROWS["expiring"])
    lost = ROWS["behind"]._replace(expires_at=10)
    early = Actor("refresh(2)", (CAST["refresh(2)"],))
    yield Scenario("expiring and behind", (early, found, tick), lost)
    again: Call = (programs.rotate, (3,))
    twice = Actor("refresh(2), then (3)", (CAST["refresh(2)"], again))
    wait = Actor("clock", (CAST["25 seconds"], CAST["25 seconds"]))
    for row in ("rested", "fresh", "unused"):
        thief = Actor("thief(1), twice", (CAST["refresh(1)"], CAST["refresh(1)"]))
        yield Scenario(f"{row}: thief and victim", (twice, thief, wait), ROWS[row])
    for row in ("rested", "unused"):
        other = Actor("use(2)", (CAST["use(2)"],))
        yield Scenario(f"{row}: two refreshes and a use", (twice, other), ROWS[row])
    winner = Actor("refresh(2), then use(3)", (CAST["refresh(2)"], (programs.use, (3,))))
    loser = Actor("refresh(2)", (CAST["refresh(2)"],))
    yield Scenario("a race without grace", (winner, loser, tick), ROWS["rested"], Rules(grace=0))
    behind = Actor("refresh(2), 2 s behind", (CAST["refresh(2)"],), -2)
    before = Actor("refresh(2), 2 s ahead", (CAST["refresh(2)"],), 2)
    older = Actor("refresh(1), 2 s ahead", (CAST["refresh(1)"],), 2)
    for grace in (0, 30):
        rules = Rules(grace=grace)
        yield Scenario(
            f"clocks apart, grace {grace}", (behind, before, older), ROWS["rested"], rules
        )


def browser(gives_up: int, life: int, grace: int = 30) -> Scenario:
    """Return an honest browser whose tabs share a jar, on a network that is slow and loses answers.

    Args:
        gives_up: so long a tab waits for its answer, in seconds.
        life: so long a request may be under way until the server has dealt with it.
        grace: the grace period in seconds.
    """
    refresh: Call = (others.tab_refresh, ())
    use: Call = (others.tab_use, ())
    network = Network(gives_up, life)
    clock = Actor("clock", ((others.wait, (10,)),) * 3)
    start, jar, rules = Row(0, 0, 0, -100, expires_at=FAR), Jar(0, 0), Rules(grace=grace)
    twice = Actor("tab A", (refresh, refresh, use))
    other = Actor("tab B", (refresh,))
    title = f"honest browser: gives up after {gives_up} s, requests live {life} s, grace {grace} s"
    return Scenario(
        title, (twice, other, clock), start, rules, honest=True, jar=jar, network=network
    )


def honest() -> Iterator[Scenario]:
    """Yield what honest clients do within the guarantee: nobody may be called a thief."""
    yield browser(gives_up=9, life=20)
    refresh: Call = (others.tab_refresh, ())
    use: Call = (others.tab_use, ())
    start, jar = Row(0, 0, 0, -100, expires_at=FAR), Jar(0, 0)
    tabs = (Actor("tab A", (refresh, use)), Actor("tab B", (refresh,)))
    for name in ("step-up", "password", "logout", "revoke", "prune"):
        other = Actor(name, (CAST[name],))
        actors = (*tabs, other, Actor("clock", ((others.wait, (20,)),)))
        yield Scenario(
            f"honest browser beside {name}", actors, start, Rules(), honest=True, jar=jar
        )
    answers = (refresh, (others.wait, (60,)))
    one = Scenario(
        "honest client, four lost answers in a row at most",
        (),
        start,
        Rules(),
        honest=True,
        jar=jar,
    )
    alone = Actor("client", answers * 4 + (refresh, use, (others.wait, (60,)), refresh))
    yield one._replace(actors=(alone,))


def limits() -> Iterator[tuple[Scenario, str]]:
    """Yield what is known to happen, so that nobody believes the opposite, and what it is called.

    The first is the guarantee's own border: when the time after which a client gives up and the
    time that a request can live are together the grace to the second, three things must happen
    in one second, and do here.
    """
    yield browser(gives_up=10, life=20), "an honest client was called a thief"
