"""The benchmarks' arithmetic: what the tables say follows from what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.projects import CANDIDATES, PROJECTS
from benchmarks.report import BEGIN, END, ratio, render, write
from benchmarks.results import QUICK, Results, Slice
from benchmarks.statements import kind_of


def slices(*walls: float) -> list[Slice]:
    """Return slices of these seconds on the wall, and half as many of the process."""
    return [Slice(wall, wall / 2) for wall in walls]


def measured(**milliseconds: float) -> Results:
    """Results in which each candidate of ``api`` took a second, but for those that are named."""
    results = Results()
    for name in CANDIDATES["api"]:
        taken = milliseconds.get(name.replace("-", "_"), 1000) / 1000
        results.slices["api"][name] = slices(*[taken] * 20)
        results.statements["api"][name] = {}
    return results


def line_of(section: str, beginning: str) -> str:
    """Return the row of a table that begins like this."""
    return next(line for line in section.splitlines() if line.startswith(f"| {beginning}"))


class TestRatio:
    def test_is_the_median_of_the_rounds(self) -> None:
        """One slice that was disturbed does not move it."""
        found = ratio(slices(2, 4, 30), slices(1, 1, 1), lambda taken: taken.wall)
        assert found.middle == 4

    def test_noise_that_both_suffer_cancels(self) -> None:
        """What is compared are slices of one round."""
        noise = [1.0, 9.0, 2.0, 50.0, 3.0]
        over, under = slices(*[3 * value for value in noise]), slices(*noise)
        found = ratio(over, under, lambda taken: taken.wall)
        assert (found.low, found.middle, found.high) == pytest.approx((3, 3, 3))

    def test_interval_is_that_of_the_order_statistics(self) -> None:
        """Of 100 values the 40th and the 61st hold the median by 96 %."""
        values = slices(*range(1, 101))
        found = ratio(values, slices(*[1] * 100), lambda taken: taken.wall)
        assert (found.low, found.high) == (40, 61)

    def test_takes_the_time_it_is_asked_for(self) -> None:
        """The wall is one thing and the process another."""
        over = [Slice(wall=4, cpu=1)]
        assert ratio(over, [Slice(wall=1, cpu=1)], lambda taken: taken.cpu).middle == 1


class TestKindOf:
    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ('SELECT "a"."id" FROM "a" WHERE "a"."id" = 1', "SELECT a"),
            ('SELECT 1 FROM "a" INNER JOIN "b" ON (1 = 1)', "SELECT a + user"),
            ('INSERT INTO "a" ("id") VALUES (1)', "INSERT a"),
            ('UPDATE "a" SET "b" = 1', "UPDATE a"),
            ('DELETE FROM "a" WHERE 1 = 1', "DELETE a"),
            (
                'WITH x AS (UPDATE "a" SET "b" = 1 RETURNING id) INSERT INTO "c"',
                "WITH UPDATE INSERT",
            ),
            ("BEGIN", "BEGIN"),
            ('RELEASE SAVEPOINT "s1"', "RELEASE"),
        ],
    )
    def test_names_verb_and_table(self, statement: str, kind: str) -> None:
        """Statements of one kind differ in their values alone."""
        assert kind_of(statement) == kind


class TestRender:
    def test_target_that_was_reached(self) -> None:
        """It says so."""
        section = render(measured(session=900), QUICK, "- facts")
        assert line_of(section, "Session mode faster").endswith("| met |")

    def test_target_that_was_missed(self) -> None:
        """It says so, as loudly."""
        section = render(measured(session=1200), QUICK, "- facts")
        assert line_of(section, "Session mode faster").endswith("| **not met** |")

    def test_target_is_by_requests_per_second(self) -> None:
        """0.9 of the throughput is 1.11 times the time, not 1.10."""
        section = render(measured(list=1105), QUICK, "- facts")
        assert line_of(section, "List mode").endswith("| met |")

    def test_frames_of_transactions_are_counted_apart(self) -> None:
        """A transaction is no statement about data, and a round trip."""
        results = measured()
        results.statements["api"]["knox"] = {"SELECT a": 2.0, "BEGIN": 1.0, "COMMIT": 1.0}
        assert "| knox | 2 + 2 |" in render(results, QUICK, "- facts")


class TestWrite:
    def test_replaces_what_is_between_the_marks_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The words around the tables are written by hand."""
        document = tmp_path / "benchmarks.md"
        document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
        monkeypatch.setattr(report, "DOCUMENT", document)
        write("new\n")
        assert document.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"

    def test_the_document_has_its_marks(self) -> None:
        """Or there is nothing to write between."""
        assert report.DOCUMENT.read_text("utf-8").count(BEGIN) == 1


class TestCandidates:
    @pytest.mark.parametrize("case", CANDIDATES)
    def test_runs_in_a_project_that_exists(self, case: str) -> None:
        """Each candidate has a process."""
        assert {entry.project for entry in CANDIDATES[case].values()} <= PROJECTS.keys()
