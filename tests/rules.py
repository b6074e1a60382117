"""Two promises of the suite: every required rule has a test, and in CI nothing is skipped."""

import os
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from tests.required_rules import REQUIRED_RULES


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--req-table``: print which test proves which rule, and run nothing."""
    parser.addoption(
        "--req-table",
        action="store_true",
        help="print the rules and their tests; fail if a required rule has none",
    )


def pytest_configure(config: pytest.Config) -> None:
    """In CI, let a skipped or expected failure fail the run."""
    if os.environ.get("CI", "").lower() == "true":
        config.pluginmanager.register(NoSkips(), "no-skips")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Print the table instead of running the tests, if that was asked for."""
    if not session.config.getoption("--req-table"):
        return None
    proved = rules_of(session.items)
    terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    for line in table(proved):
        terminal.write_line(line)
    missing = REQUIRED_RULES.keys() - proved.keys()
    terminal.write_line(f"{len(REQUIRED_RULES)} required rules, {len(missing)} without a test")
    if missing:
        session.testsfailed = len(missing)
    return True


def rules_of(items: Iterable[pytest.Item]) -> dict[str, list[str]]:
    """Return the tests of each rule, without the parameters of each test."""
    proved: dict[str, list[str]] = defaultdict(list)
    for item in items:
        name = item.nodeid.partition("[")[0]
        for mark in item.iter_markers("req"):
            for rule in mark.args:
                if name not in proved[rule]:
                    proved[rule].append(name)
    return proved


def table(proved: dict[str, list[str]]) -> list[str]:
    """Return the lines of the table, the rules in the order of their numbers."""
    lines = []
    for rule in sorted(REQUIRED_RULES.keys() | proved.keys(), key=lambda rule: int(rule[4:])):
        lines.append(f"{rule}  {REQUIRED_RULES.get(rule, '(not required)')}")
        lines += [f"    {name}" for name in proved.get(rule, ["MISSING"])]
    return lines


class NoSkips:
    """Turn a run with skipped or expectedly failing tests into a failed one."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what did not run to its end; an expected failure counts as skipped."""
        if report.skipped or hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember modules that skipped themselves."""
        if report.skipped:
            self.skipped.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run."""
        if self.skipped and session.exitstatus in {pytest.ExitCode.OK, 0}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which tests did not run."""
        if self.skipped:
            terminalreporter.section("not run, which CI does not allow", red=True)
        for name in self.skipped:
            terminalreporter.write_line(name)
