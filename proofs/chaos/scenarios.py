"""One scenario for each kind of request: what leads up to it, and then the request with a fault.

A scenario is run once without a fault, to learn its statements, and then once for every gap
between two of them. The client always repeats what got no answer; afterwards the invariants are
looked at as for every other session.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from proofs.chaos.client import Client
from proofs.chaos.faults import PLACES_OF_ANSWER, Plan
from proofs.chaos.journal import generation_of
from proofs.chaos.line import token_in
from proofs.chaos.stage import Stage

__all__ = ["Scenario", "gaps_of", "scenarios"]


def has_step_up() -> bool:
    """Return whether the product has ``reauthenticate/``."""
    try:
        reverse("tokenauth:reauthenticate")
    except NoReverseMatch:
        return False
    return True


Run = Callable[[Stage, str, Plan], None]


@dataclass(frozen=True)
class Scenario:
    """One kind of request.

    Attributes:
        name: of the kind.
        transport: of its client.
        run: does it, with a fault in the request that the scenario is about.
    """

    name: str
    transport: str
    run: Run

    @property
    def title(self) -> str:
        """Name and transport."""
        return f"{self.name} ({self.transport})"


def _started(stage: Stage, transport: str, *, used: bool = True) -> Client:
    client = stage.client(transport)
    client.login()
    if used:
        client.use()
    return client


def _rotated(stage: Stage, client: Client) -> None:
    stage.sleep(client)
    client.refresh()
    client.use()


def _finish(client: Client) -> None:
    """Go on as after any request: refresh, use."""
    client.refresh()
    client.use()


def _refused(client: Client) -> None:
    """Try what has ended; the journal knows that nothing of it may be answered."""
    client.refresh()
    client.use()


def _login(stage: Stage, transport: str, plan: Plan) -> None:
    client = stage.client(transport)
    client.login(plan)
    _finish(client)


def _login_over(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    client.login(plan)
    _finish(client)


def _use(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport, used=False)
    client.use(plan)
    _finish(client)


def _call(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport, used=False)
    client.call(plan)
    _finish(client)


def _rotate(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    stage.sleep(client)
    client.refresh(plan)
    _finish(client)


def _wake(stage: Stage, transport: str, plan: Plan) -> None:
    """Four tabs refresh at once; one has read the row, and writes after the others."""
    client = _started(stage, transport)
    stage.sleep(client)
    token = client.jar.refresh
    plans = [plan, Plan("stall", "before", 2), Plan(), Plan()]
    with ThreadPoolExecutor(len(plans)) as pool:
        send = [pool.submit(client.send_refresh, token, plan=one, insist=True) for one in plans]
        answers = [future.result() for future in send]
    given = {generation_of(text) for answer in answers if (text := token_in(answer))}
    if given != {1}:
        text = f"four refreshes at once with generation 0 were given {sorted(given)}"
        stage.line.journal.breach("fork", text, client.story)
    client.take(answers[0])
    _finish(client)


def _keep(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport, used=False)
    client.refresh(plan)
    _finish(client)


def _repeat(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    stage.sleep(client)
    client.send_refresh(client.jar.refresh)  # an answer that never arrives
    client.refresh(plan)
    _finish(client)


def _late(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    stage.sleep(client)
    client.send_refresh(client.jar.refresh)
    stage.sleep(client)
    client.refresh(plan)
    _finish(client)


def _logout(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    client.logout(plan)
    _refused(client)


def _revoke(stage: Stage, transport: str, plan: Plan) -> None:
    other = _started(stage, transport)
    client = stage.client(transport, other.username)
    client.login()
    client.revoke(other, plan)
    _refused(other)
    _finish(client)


def _revoke_others(stage: Stage, transport: str, plan: Plan) -> None:
    others = [_started(stage, transport)]
    others.append(stage.client(transport, others[0].username))
    others[1].login()
    client = stage.client(transport, others[0].username)
    client.login()
    client.revoke_others(others, plan)
    for other in others:
        _refused(other)
    _finish(client)


def _staff(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    stage.staff.revoke(client.story, plan)
    _refused(client)


def _reuse(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    stolen = client.jar.refresh
    _rotated(stage, client)
    _rotated(stage, client)
    client.replay(stolen, plan)
    _refused(client)


def _step_up(stage: Stage, transport: str, plan: Plan) -> None:
    client = _started(stage, transport)
    client.step_up(plan)
    _finish(client)


_KINDS: dict[str, Run] = {
    "login": _login,
    "first use": _use,
    "project's view": _call,
    "rotate": _rotate,
    "four tabs at once": _wake,
    "keep": _keep,
    "repeat": _repeat,
    "late": _late,
    "logout": _logout,
    "revoke": _revoke,
    "revoke others": _revoke_others,
    "staff": _staff,
    "reuse": _reuse,
}


# To these the transport makes no difference.
_SAME = {("staff", "cookie"), ("project's view", "cookie")}


def scenarios() -> list[Scenario]:
    """Return all scenarios, for both transports where it makes a difference."""
    kinds = dict(_KINDS)
    if has_step_up():
        kinds["step-up"] = _step_up
    both = itertools.product(kinds.items(), ("body", "cookie"))
    found = [Scenario(name, transport, run) for (name, run), transport in both]
    found = [one for one in found if (one.name, one.transport) not in _SAME]
    return [*found, Scenario("login over", "cookie", _login_over)]


def gaps_of(statements: list[str], fault: str) -> list[Plan]:
    """Return a plan for every gap of a request that sends these statements.

    Each gap once: after one statement is before the next. A connection matters no more once the
    answer is being sent; a worker does.
    """
    count = len(statements)
    places = [Plan(fault, "before", number) for number in range(1, count + 1)]
    places.append(Plan(fault, "after", count))
    if fault == "kill":
        places += [Plan(fault, place) for place in PLACES_OF_ANSWER]
    return places
