"""The comparison with other packages: its words, and that the documents say what was measured.

The behaviours are tried on packages made up here, whose faults are known.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier, Lock
from typing import Any

import pytest

from benchmarks.comparison import behaviours, report
from benchmarks.comparison.candidate import Candidate, Reply, Tokens
from benchmarks.comparison.lab import Lab
from benchmarks.comparison.registry import CANDIDATES, SHORT
from benchmarks.comparison.wire import Answer

pytestmark = pytest.mark.any_database

ROUNDS = 3
FIGURES = json.loads(report.FIGURES.read_text())


class MadeUp(Candidate):
    """A package without HTTP: a chain of numbered tokens for each login."""

    title = distribution = configuration = staff_way = "made up"

    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self.numbers = count()
        self.lock = Lock()

    def login(self, http: Any, username: str) -> Reply:
        """Start a chain."""
        name = str(next(self.numbers))
        self.newest[name] = 0
        return Reply(200, 7, self._tokens(name, 0))

    def _tokens(self, name: str, number: int) -> Tokens:
        text = f"made-up_{name}_{number}_"
        return Tokens(text, text)

    def refresh(self, http: Any, held: Tokens) -> Reply:
        """Ask the rule of the package."""
        _, name, number, _ = held.refresh.split("_")
        with self.lock:
            answer = self._decide(name, int(number))
        if answer is None:
            return Reply(401, 0, held)
        return Reply(200, 3, self._tokens(name, answer))

    def _decide(self, name: str, number: int) -> int | None:
        raise NotImplementedError  # the made-up packages below differ in this alone

    def call(self, http: Any, access: str) -> Answer:
        """Accept an access token while its chain lives."""
        lives = access.split("_")[1] in self.newest
        return Answer(200 if lives else 401, 1, {}, {})


class Strict(MadeUp):
    """Rotates, and refuses everything but the newest token."""

    def _decide(self, name: str, number: int) -> int | None:
        if self.newest.get(name) != number:
            return None
        self.newest[name] += 1
        return number + 1


class Suspicious(Strict):
    """As the strict one, and ends the session over any other token."""

    def _decide(self, name: str, number: int) -> int | None:
        answer = super()._decide(name, number)
        if answer is None:
            self.newest.pop(name, None)
        return answer


class Forking(MadeUp):
    """Gives everybody who asks a token of their own, and honours all of them."""

    def _decide(self, name: str, number: int) -> int | None:
        self.newest[name] += 1
        return self.newest[name]


class Overwriting(Strict):
    """Answers the login's token always, and remembers the last answer only."""

    def _decide(self, name: str, number: int) -> int | None:
        if number and number != self.newest[name]:
            return None
        self.newest[name] += 1
        return self.newest[name]


class Repeating(Strict):
    """Gives the predecessor the same successor again."""

    def _decide(self, name: str, number: int) -> int | None:
        if number == self.newest[name] - 1:
            return self.newest[name]
        return super()._decide(name, number)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Two threads."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


def look(behaviour: str, candidate: Candidate, pool: ThreadPoolExecutor) -> dict[str, int]:
    """Look at one behaviour of a made-up package."""
    nobody: Any = None
    lab = Lab(candidate, ROUNDS, (nobody, nobody), nobody, pool, Barrier(2))
    return dict(behaviours.BEHAVIOURS[behaviour](lab))


@pytest.mark.django_db
class TestBehaviours:
    @pytest.mark.parametrize(
        ("package", "words"),
        [
            (Forking, "two independent chains live on"),
            (Overwriting, "two tokens, one of them dead"),
            (Repeating, "one successor for both"),
            (Strict, "one tab is refused, the other goes on"),
            (Suspicious, "one tab is refused, and the session is dead"),
        ],
    )
    def test_race(self, package: type[MadeUp], words: str, pool: ThreadPoolExecutor):
        """What lives on after two refreshes is told apart."""
        assert look("race", package(), pool) == {words: ROUNDS}

    @pytest.mark.parametrize(
        ("package", "words"),
        [
            (Forking, "goes on, another successor"),
            (Repeating, "goes on, the same successor"),
            (Strict, "logged out"),
        ],
    )
    def test_lost_answer(self, package: type[MadeUp], words: str, pool: ThreadPoolExecutor):
        """Whether the client goes on, and with what."""
        assert look("lost", package(), pool) == {words: ROUNDS}

    @pytest.mark.parametrize(
        ("package", "words"),
        [
            (Forking, "the old token is answered; no, it lives on"),
            (Strict, "no, it lives on"),
            (Suspicious, "yes, both tokens"),
        ],
    )
    def test_theft(self, package: type[MadeUp], words: str, pool: ThreadPoolExecutor):
        """Whether the current token outlives the return of an old one."""
        assert look("theft", package(), pool) == {words: ROUNDS}

    @pytest.mark.parametrize("behaviour", ["deactivated", "password"])
    def test_blind_package_is_seen(self, behaviour: str, pool: ThreadPoolExecutor):
        """A package that never looks at the account is told from one that does."""
        words = "access token works on; refresh goes on working"
        assert look(behaviour, Strict(), pool) == {words: ROUNDS}

    def test_statements(self, pool: ThreadPoolExecutor):
        """The costs are those that the server counted."""
        keys = ("login_cost", "refresh_cost", "call_cost")
        assert [look(key, Strict(), pool) for key in keys] == [{"7": 3}, {"3": 3}, {"1": 3}]

    def test_token_in_a_row_is_found(self, pool: ThreadPoolExecutor, user: Any):
        """Whatever column a token stands in."""
        user.first_name = "made-up_0_0_ made-up_1_0_ made-up_2_0_"
        user.save()
        words = "refresh and access token (after a refresh: no token)"
        assert look("at_rest", Strict(), pool) == {words: ROUNDS}


class TestDocuments:
    def test_tables_are_those_of_the_last_run(self):
        """`make comparison ARGS=--check` agrees."""
        assert report.stale() == []

    @pytest.mark.parametrize("path", report.DOCUMENTS)
    def test_another_figure_makes_them_stale(self, path: str):
        """A table does not survive a run that saw something else."""
        text = (report.ROOT / path).read_text()
        other = json.loads(json.dumps(FIGURES))
        other[0]["figures"]["race"] = {"something else": ROUNDS}
        assert report.render(path, text, other) != text

    def test_a_document_without_a_marked_section_is_refused(self):
        """Nothing is thought to be written that was not."""
        with pytest.raises(ValueError, match="0 sections"):
            report.render("README.md", "# Nothing here", FIGURES)

    def test_every_candidate_was_measured_in_every_round(self):
        """The figures are those of one whole run."""
        assert [result["name"] for result in FIGURES] == [*CANDIDATES]
        assert len({result["rounds"] for result in FIGURES}) == 1
        for result in FIGURES:
            for key, figures in result["figures"].items():
                assert figures is None or sum(figures.values()) == result["rounds"], key

    def test_the_versions_measured_are_the_ones_pinned(self):
        """Whoever takes newer versions measures again."""
        lines = (report.ROOT / "requirements" / "comparison.txt").read_text()
        pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", lines, re.MULTILINE))
        measured = {result["distribution"]: result["version"] for result in FIGURES}
        measured.pop("django-tokenauth")
        assert measured.items() <= pins.items()
        assert FIGURES[0]["environment"]["Django"] == pins["django"]

    def test_only_this_package_goes_on_after_the_grace(self):
        """The README says so beneath its table."""
        going_on = {
            result["name"]
            for result in FIGURES
            if any(words.startswith("goes on") for words in result["figures"]["lost_late"] or ())
        }
        assert going_on == {"tokenauth"}
        assert going_on < set(SHORT)
