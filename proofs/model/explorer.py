"""The search: every state that any order of the actors' statements can reach."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from proofs.model.database import commit, read, release, write
from proofs.model.others import change_password, tab_refresh
from proofs.model.parts import Database, Mutant, Scenario, Step
from proofs.model.programs import (
    ISSUED,
    decide,
    end_of,
    rotate,
    use,
)
from proofs.model.state import (
    REFUSED,
    Begin,
    Commit,
    Delete,
    Deliver,
    Jar,
    Local,
    Now,
    Outcome,
    Refused,
    Rollback,
    Row,
    Select,
    Statement,
    Take,
    Tick,
    Update,
    User,
    World,
)
from tokenauth.protocol import Verdict

__all__ = ["Check", "Explorer", "Found"]

Check: TypeAlias = Callable[[Scenario, World, Step, World], Iterator[str]]


@dataclass(slots=True)
class _Place:
    upcoming: Statement | Outcome
    told: tuple[Any, ...]
    following: dict[Any, int] = field(default_factory=dict)


@dataclass
class Found:
    """What the exploration of one scenario came to.

    Attributes:
        states: how many different states were reached, all of them if there is no violation.
        schedules: how many different orders of statements lead to an end.
        violation: the first invariant that was broken, by a shortest trace; or ``None``.
        trace: the statements that lead there.
        guards: every guard of every UPDATE and DELETE that was sent.
    """

    states: int = 0
    schedules: int = 0
    violation: str | None = None
    trace: list[str] = field(default_factory=list)
    guards: set[Mutant] = field(default_factory=set)


class Explorer:
    """Explores one scenario on one kind of database.

    Args:
        scenario: who meets whom.
        database: how the database behaves.
        check: yields what is wrong with a step.
        without: guards to leave out.
        eager_clock: an actor looks at the clock at once, with its statement before. Without a
            clock that moves this changes nothing; with one, fewer orders are explored.
    """

    def __init__(
        self,
        scenario: Scenario,
        database: Database,
        check: Check,
        *,
        without: frozenset[Mutant] = frozenset(),
        eager_clock: bool = False,
    ) -> None:
        self.scenario, self.database, self.check = scenario, database, check
        self.without, self.eager = without, eager_clock or not scenario.has_clock
        self.found = Found()
        self._places: list[_Place] = [_Place(Outcome("nowhere"), ())]
        self._firsts: dict[tuple[int, int], int] = {}

    def start(self) -> World:
        """Return the world before the first statement."""
        actors = tuple(Local() for _ in self.scenario.actors)
        return World(0, self.scenario.row, User(), None, None, self.scenario.jar, actors)

    def explore(self) -> Found:
        """Visit every state, breadth first, so that the first violation has a shortest trace."""
        first = self.start()
        numbers = {first: 0}
        came: list[tuple[int, Step] | None] = [None]
        edges: list[list[int]] = [[]]
        queue = deque([first])
        while queue:
            world = queue.popleft()
            number = numbers[world]
            for step, after in self.steps(world):
                for violation in self.check(self.scenario, world, step, after):
                    self.found.states = len(numbers)
                    self.found.violation = violation
                    self.found.trace = self._trace(came, number, step)
                    return self.found
                if after not in numbers:
                    numbers[after] = len(numbers)
                    came.append((number, step))
                    edges.append([])
                    queue.append(after)
                edges[number].append(numbers[after])
        self.found.states = len(numbers)
        self.found.schedules = _count_paths(edges)
        return self.found

    def steps(self, world: World) -> Iterator[tuple[Step, World]]:
        """Yield everything that may happen next."""
        for index, local in enumerate(world.actors):
            if local.request < len(self.scenario.actors[index].calls):
                statement = self._upcoming(index, local)
                assert not isinstance(statement, Outcome)
                for result, after in self._apply(world, index, statement):
                    yield self._told(after, index, statement, result)

    def _upcoming(self, index: int, local: Local) -> Statement | Outcome:
        if not local.place:
            return self._places[self._first(index, local.request)].upcoming
        return self._places[local.place].upcoming

    def _first(self, index: int, request: int) -> int:
        if (index, request) not in self._firsts:
            self._firsts[index, request] = self._add_place(index, request, ())
        return self._firsts[index, request]

    def _follow(self, index: int, local: Local, result: Any) -> int:
        """Return the place where an actor is after one more result."""
        number = local.place or self._first(index, local.request)
        place = self._places[number]
        if result not in place.following:
            told = (*place.told, result)
            place.following[result] = self._add_place(index, local.request, told)
        return place.following[result]

    def _add_place(self, index: int, request: int, told: tuple[Any, ...]) -> int:
        """Run a program anew with all that it was told, to see what it does next."""
        function, arguments = self.scenario.actors[index].calls[request]
        program = function(self.scenario.rules, *arguments)
        try:
            upcoming: Statement | Outcome = next(program)
            for result in told:
                again = program.throw(Refused()) if result is REFUSED else program.send(result)
                upcoming = again
        except StopIteration as stop:
            upcoming = stop.value
        if isinstance(upcoming, Update | Delete):
            self.found.guards |= {
                Mutant(upcoming.label, column, operator) for column, operator, _ in upcoming.where
            }
        self._places.append(_Place(upcoming, told))
        return len(self._places) - 1

    def _told(
        self, world: World, index: int, statement: Statement, result: Any
    ) -> tuple[Step, World]:
        local = world.actors[index]
        begin = local.begin or self._begin(world, index, local, result)
        local = Local(local.request, self._follow(index, local, result), begin)
        while self.eager and isinstance(self._upcoming(index, local), Now):
            now = world.now + self.scenario.actors[index].skew
            local = Local(local.request, self._follow(index, local, now), begin)
        upcoming, outcome = self._upcoming(index, local), None
        if isinstance(upcoming, Deliver):
            outcome = upcoming.outcome
        elif isinstance(upcoming, Outcome):
            outcome = None if isinstance(statement, Deliver) else upcoming
            local = Local(local.request + 1)
        step = Step(index, statement, result, outcome, begin)
        return step, world._replace(actors=_put(world.actors, index, local))

    def _begin(self, world: World, index: int, local: Local, result: Any) -> Begin:
        actor = self.scenario.actors[index]
        function, arguments = actor.calls[local.request]
        row, now, is_tab = world.row, world.now + actor.skew, self._is_tab(index, local)
        sent_at = world.now if is_tab else 0
        if row is None:
            return Begin(sent_at, is_over=True, floor=0, is_outdated=False, is_replay=False)
        presented: int | None = arguments[0] if function in {rotate, use} else None
        if function is tab_refresh:
            presented = result
        # An end by time is not counted: a request that came before it may still move it.
        # Whose password is changed has been authenticated by the caller.
        is_over = row.revoked_at is not None or (
            function is not change_password
            and end_of(row, world.user, min(now, row.expires_at - 1)) != ""
        )
        is_outdated = (
            function in {rotate, use}
            and presented is not None
            and presented <= ISSUED
            and row.floor > self.scenario.row.floor
        )
        is_replay = (
            presented is not None
            and function is not use
            and (decide(row, presented, now, self.scenario.rules.grace).verdict is Verdict.REUSE)
        )
        return Begin(sent_at, is_over, row.floor, is_outdated, is_replay)

    def _apply(self, world: World, index: int, statement: Statement) -> Iterator[tuple[Any, World]]:
        match statement:
            case Now():
                yield world.now + self.scenario.actors[index].skew, world
            case Tick():
                if self._may_tick(world, statement.seconds):
                    yield None, world._replace(now=world.now + statement.seconds)
            case Take():
                yield getattr(world.jar, statement.kind), world
            case Deliver():
                yield from self._deliver(world, index, statement.outcome)
            case Rollback():
                yield None, release(world, index)
            case Commit():
                yield None, commit(world, index)
            case Select():
                yield read(world, index, statement), world
            case _:
                yield from write(world, index, statement, self.database, self.without)
        if self.database.refuses and isinstance(statement, Select | Update | Delete | Commit):
            yield REFUSED, release(world, index)

    def _may_tick(self, world: World, seconds: int) -> bool:
        """Whether every request that a tab has sent is over by then."""
        for index, local in enumerate(world.actors):
            if local.begin is None or not self._is_tab(index, local):
                continue
            under_way = not isinstance(self._upcoming(index, local), Deliver)
            if under_way and world.now + seconds - local.begin.sent_at > self.scenario.network.life:
                return False
        return True

    def _is_tab(self, index: int, local: Local) -> bool:
        function, _ = self.scenario.actors[index].calls[local.request]
        return function.__name__.startswith("tab_")

    def _deliver(self, world: World, index: int, outcome: Outcome) -> Iterator[tuple[str, World]]:
        begin, network = world.actors[index].begin, self.scenario.network
        assert begin is not None
        in_time = world.now - begin.sent_at <= network.gives_up
        if in_time:
            jar = world.jar
            if outcome.kind == "tokens" and outcome.given is not None:
                refresh = outcome.given if outcome.refresh else jar.refresh
                jar = Jar(refresh, outcome.given)
            yield "delivered", world._replace(jar=jar)
        if network.loses or not in_time:
            yield "lost", world

    def _trace(self, came: list[tuple[int, Step] | None], number: int, last: Step) -> list[str]:
        steps, at = [last], came[number]
        while at is not None:
            number, step = at
            steps.append(step)
            at = came[number]
        return [self.describe(step) for step in reversed(steps)]

    def describe(self, step: Step) -> str:
        """Return a step as one line of a trace."""
        line = f"{self.scenario.actors[step.actor].name}: {step.statement}"
        if step.result is REFUSED:
            line += "  -> refused by the database"
        elif isinstance(step.statement, Select):
            line += f"  -> {_brief(step.result[0])}"
        elif isinstance(step.statement, Update | Delete):
            line += f"  -> {step.result} row"
        elif step.result is not None:
            line += f"  -> {step.result}"
        return line if step.outcome is None else f"{line}  => {step.outcome}"


def _put(actors: tuple[Local, ...], index: int, local: Local) -> tuple[Local, ...]:
    return (*actors[:index], local, *actors[index + 1 :])


def _brief(row: Row | None) -> str:
    if row is None:
        return "no row"
    default = Row()
    parts = [
        f"{name} {value}"
        for name, value, usual in zip(Row._fields, row, default, strict=True)
        if value != usual or name == "generation"
    ]
    return ", ".join(parts)


def _count_paths(edges: list[list[int]]) -> int:
    """Count the paths from the first state to any last one. No path returns to a state."""
    waiting = [0] * len(edges)
    for targets in edges:
        for target in targets:
            waiting[target] += 1
    paths = [0] * len(edges)
    paths[0] = 1
    ready, done, ends = [0], 0, 0
    while ready:
        number = ready.pop()
        done += 1
        if not edges[number]:
            ends += paths[number]
        for target in edges[number]:
            paths[target] += paths[number]
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    assert done == len(edges), "a schedule came back to where it was"
    return ends
