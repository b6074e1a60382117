"""What was measured, as tables, and what of it must not be."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from proofs.revocation.servers import ROOT
from proofs.revocation.watch import Case

__all__ = ["PAGE", "Report", "Table", "judge"]

PAGE = ROOT / "docs" / "proofs" / "revocation.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"

WATCHED = (
    "case",
    "revocations",
    "last acceptance after the commit, max (s)",
    "median (s)",
    "let in before",
    "refused after",
    "processes",
)


@dataclass
class Table:
    """One table of the page."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[object, ...]] = field(default_factory=list)
    note: str = ""

    def markdown(self) -> str:
        """Return it as the page has it."""
        lines = [f"### {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        lines += [_line(self.header), _line(["---"] * len(self.header))]
        return "\n".join([*lines, *(_line(row) for row in self.rows), ""])


@dataclass
class Report:
    """All tables, and what is wrong."""

    tables: list[Table] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def add(self, table: Table) -> Table:
        """Add a table, and show what it has when the next one comes."""
        self.tables.append(table)
        return table

    def require(self, holds: bool, what: str) -> None:  # noqa: FBT001 - a condition comes first
        """Note a violation unless ``holds``."""
        if not holds:
            self.violations.append(what)
            print(f"VIOLATED: {what}", flush=True)

    def write(self, head: str) -> None:
        """Write the measured part of the page; the rest of it is by hand."""
        found = self.violations
        verdict = "Nothing was violated." if not found else "Violated:\n\n- " + "\n- ".join(found)
        measured = "\n".join([head, "", verdict, "", *(table.markdown() for table in self.tables)])
        before, _, rest = PAGE.read_text().partition(_BEGIN)
        _, _, after = rest.partition(_END)
        PAGE.write_text(f"{before}{_BEGIN}\n{measured}{_END}{after}")


def judge(
    report: Report, table: Table, name: str, cases: list[Case], *, limit: float, processes: int
) -> None:
    """Add a row about revocations of one kind, and note what must not be.

    Args:
        report: where violations go.
        table: where the row goes; its header is :data:`WATCHED`.
        name: of the row.
        cases: what was watched.
        limit: seconds after the commit after which nobody may be let in.
        processes: how many must have refused.
    """
    last = [case.last_acceptance() for case in cases]
    refusals = [refusal for case in cases for refusal in case.refusals()]
    before = sum(case.accepted_before() for case in cases)
    refusing = {refusal.process for refusal in refusals}
    row = (name, len(cases), f"{max(last):.3f}", f"{median(last):.3f}", before, len(refusals))
    table.rows.append((*row, len(refusing)))
    print(f"  {table.title}: {table.rows[-1]}", flush=True)
    where = f"{table.title}: {name}"
    report.require(max(last) <= limit, f"{where}: let in {max(last):.3f} s after the commit")
    report.require(len(refusing) >= processes, f"{where}: only {len(refusing)} processes refused")
    for case in cases:
        report.require(case.accepted_before() > 0, f"{where}: a token that was never let in")
        asked = any(refusal.sent - case.committed > limit for refusal in case.refusals())
        report.require(asked, f"{where}: a token that was not asked about in the end")
    odd = [answer for case in cases for answer in case.odd()]
    report.require(not odd, f"{where}: {len(odd)} other answers, such as {odd[:2]}")


def _line(cells: object) -> str:
    assert isinstance(cells, list | tuple)
    return f"| {' | '.join(str(cell) for cell in cells)} |"
