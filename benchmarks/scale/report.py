"""Where the figures go: marked sections of ``docs/benchmarks/scale.md``, each written anew."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["REPORT", "write"]

REPORT = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks" / "scale.md"


def write(section: str, lines: list[str]) -> None:
    """Replace what stands between the marks of a section.

    Raises:
        ValueError: the file has no such marks.
    """
    text = REPORT.read_text()
    marks = re.compile(
        rf"(<!-- {section}: written by python -m benchmarks.scale -->\n).*?(<!-- end -->)",
        re.DOTALL,
    )
    body = "\n".join(lines)
    replaced, found = marks.subn(lambda mark: f"{mark[1]}\n{body}\n\n{mark[2]}", text)
    if found != 1:
        raise ValueError(f"{REPORT} has no section {section}")
    REPORT.write_text(replaced)
    print(body)
