"""The simulation of browsers and thieves: its outcomes in small, and that it can see."""

import json
import multiprocessing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from proofs.simulation.browser import BEST, NAIVE, PAGE, Behaviour
from proofs.simulation.cells import all_cells
from proofs.simulation.figures import Results, bounds, quantile
from proofs.simulation.report import plots, rendered
from proofs.simulation.run import Cell, Tally, constants, run_cell
from proofs.simulation.thief import Habit
from proofs.simulation.world import World
from tokenauth import protocol

DOCS = Path(__file__).parents[1] / "docs" / "proofs"
SEED = 1
DAYS = 500
GO_ON = (Habit.STEADY, Habit.NOW_AND_THEN)


def simulate(rule: str, world: World | None = None, **facts: object) -> Tally:
    """Return what happens in 500 days, or as many as ``days`` says."""
    cell = Cell("test", rule, world or World(), days=DAYS)
    return run_cell(replace(cell, **facts), SEED)  # type: ignore[arg-type]


def set_now() -> tuple[int, timedelta]:
    """Return the constants of the decision."""
    return protocol.MAX_LATE_RUN, protocol.RACE


def caught(tally: Tally) -> float:
    """Return the share of used thefts that ended the session."""
    return sum(theft.outcome == "caught" for theft in tally.thefts) / len(tally.thefts)


class TestHonestUsers:
    @pytest.mark.parametrize("client", [BEST, PAGE, NAIVE], ids=lambda client: client.name)
    @pytest.mark.parametrize("seen", [True, False], ids=["here", "elsewhere"])
    def test_default_grace_logs_nobody_out(self, client: Behaviour, *, seen: bool) -> None:
        """No false logout in 500 browser-days, whatever the client."""
        tally = simulate("ours 30", World(uses_seen=seen), behaviour=client)
        assert (tally.days, tally.logouts) == (DAYS, 0)

    def test_default_grace_is_put_to_the_test(self) -> None:
        """The same days have rotations, repeats and late answers in plenty."""
        tally = simulate("ours 30", behaviour=NAIVE)
        assert tally.rotations > 20 * DAYS
        assert tally.repeats > DAYS
        assert tally.late_answers > 50

    @pytest.mark.parametrize("grace", [0, 10, 30, 60])
    def test_ours_never_forks(self, grace: int) -> None:
        """No token is ever exchanged for two different ones."""
        assert simulate(f"ours {grace}", behaviour=NAIVE, days=100).forked_days == 0

    def test_fresh_successors_fork(self) -> None:
        """A grace that mints afresh forks on most days."""
        assert simulate("fresh", days=100).forked_days > 50

    @pytest.mark.parametrize("rule", ["strict", "401 only", "fresh", "last two"])
    def test_the_others_log_users_out(self, rule: str) -> None:
        """Under the other rules the same days are full of false logouts."""
        assert simulate(rule, behaviour=NAIVE, days=200).days_with_logout > 10


class TestWhatItCanSee:
    """If it saw no logout where there must be some, its zeros would mean nothing."""

    def test_clients_that_wait_too_long(self) -> None:
        """Clients and requests that live for 60 s break the guarantee."""
        world = World(give_up=60.0, request_life=60.0)
        tally = simulate("ours 30", world, behaviour=NAIVE)
        assert tally.logouts > 0
        assert "too many late answers" not in tally.causes

    def test_no_grace(self) -> None:
        """Without a grace, tabs without a lock end their own session."""
        assert simulate("ours 0", behaviour=NAIVE, days=100).logouts > 50

    def test_a_cookie_store_that_was_put_back(self) -> None:
        """An old token is reuse, however honest the user."""
        tally = simulate("ours 30", World(snapshot=3600.0), days=100)
        assert tally.days_with_logout > 20

    def test_one_late_answer_in_a_row_is_too_few(self) -> None:
        """A limit of one logs out users whose network is bad."""
        world = World(loss=0.2)
        few = simulate("ours 30", world, behaviour=NAIVE, late_run=1)
        usual = simulate("ours 30", world, behaviour=NAIVE)
        assert few.logouts > 10 * max(1, usual.logouts)


class TestThieves:
    @pytest.mark.parametrize("rule", ["ours 0", "ours 10", "ours 30", "ours 60"])
    @pytest.mark.parametrize("seen", [True, False], ids=["here", "elsewhere"])
    def test_caught_if_both_go_on(self, rule: str, *, seen: bool) -> None:
        """Every stolen token that both sides go on using is caught."""
        world = World(uses_seen=seen)
        tally = simulate(rule, world, days=200, habits=GO_ON, thief_seen=seen)
        assert len(tally.thefts) > 50
        assert caught(tally) == 1

    def test_at_the_median_by_the_second_turn(self) -> None:
        """The thief's first use or the victim's next refresh ends it."""
        tally = simulate("ours 30", days=200, habits=GO_ON)
        assert quantile(sorted(theft.turns for theft in tally.thefts), 0.5) <= 2

    def test_not_if_he_follows_unseen(self) -> None:
        """Who follows within the grace each time is not caught."""
        world = World(uses_seen=False)
        facts = {"days": 20, "habits": (Habit.FOLLOWS,), "thief_seen": False}
        assert caught(simulate("ours 30", world, **facts)) < 0.5

    def test_the_limit_catches_who_takes_turns(self) -> None:
        """Late answers without a limit let him go on for longer."""
        world = World(uses_seen=False)
        facts = {"days": 100, "habits": (Habit.TAKES_TURNS,), "thief_seen": False}
        limited = simulate("ours 30", world, late_run=3, **facts).thefts
        endless = simulate("ours 30", world, late_run=10**9, **facts).thefts
        assert max(theft.turns for theft in limited) < max(theft.turns for theft in endless)


class TestRepeatability:
    def test_processes_make_no_difference(self) -> None:
        """The seed decides, not the number of processes."""
        cell = Cell("test", "ours 0", days=120, behaviour=NAIVE)
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            assert run_cell(cell, SEED, pool) == run_cell(cell, SEED)

    def test_another_seed_is_another_run(self) -> None:
        """The seed decides."""
        cell = Cell("test", "ours 30", days=20)
        assert run_cell(cell, 1) != run_cell(cell, 2)

    def test_constants_are_put_back(self) -> None:
        """A cell's constants are the decision's while it runs, and only then."""
        kept = set_now()
        with constants(Cell("test", "ours 0", late_run=9, race=1.0)):
            assert set_now() == (9, timedelta(seconds=1))
        assert set_now() == kept


class TestFigures:
    def test_rule_of_three(self) -> None:
        """What was never seen has an upper bound."""
        assert bounds(0, 100_000) == (0.0, 3 / 100_000)

    def test_wilson_interval(self) -> None:
        """As Newcombe (1998), table I: 81 of 263."""
        assert bounds(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)

    def test_quantile(self) -> None:
        """The smallest value that the share does not exceed."""
        assert [quantile([1, 2, 3, 4], share) for share in (0, 0.5, 0.51, 1)] == [1, 2, 3, 4]

    def test_cells_are_all_there(self) -> None:
        """What is published was simulated for every cell."""
        kept = json.loads((DOCS / "simulation.json").read_text())["cells"]
        assert set(kept) == {cell.name for cell in all_cells()}

    def test_page_says_what_was_found(self) -> None:
        """The tables are those of the results."""
        results = _published()
        page = (DOCS / "simulation.md").read_text()
        assert rendered(page, results) == page

    def test_plots_show_what_was_found(self) -> None:
        """The plots are those of the results."""
        for name, picture in plots(_published()).items():
            assert (DOCS / name).read_text() == picture


def _published() -> Results:
    results = Results(DOCS / "simulation.json", SEED)
    kept = json.loads(results.path.read_text())
    results.about, results.cells = kept["about"], kept["cells"]
    return results
