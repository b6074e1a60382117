"""Plots as SVG, without a library: what is drawn is a few lines, dots and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log10
from xml.sax.saxutils import escape

__all__ = ["Chart", "Line", "dots", "lines"]

COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad")
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT, GAP = 60, 40, 330, 260, 70


@dataclass(slots=True)
class Chart:
    """SVG elements, collected one by one."""

    width: int
    height: int
    _parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, anchor: str = "start") -> None:
        """Write words."""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def line(self, points: Sequence[tuple[float, float]], colour: str, extra: str = "") -> None:
        """Draw a line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" {extra}/>')

    def dot(self, x: float, y: float, colour: str, *, hollow: bool = False) -> None:
        """Draw a dot."""
        fill = "white" if hollow else colour
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{colour}" '
            'stroke-width="2"/>'
        )

    def svg(self, title: str) -> str:
        """Return the whole picture; the title is for those who cannot see it."""
        size = f'viewBox="0 0 {self.width} {self.height}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {FONT}>',
                f"<title>{escape(title)}</title>",
                f'<rect width="{self.width}" height="{self.height}" fill="white"/>',
                *self._parts,
                "</svg>\n",
            ]
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diagram: shares from 0 to 1 at 1, 2, 3 and so on.

    Attributes:
        name: for the key.
        shares: the heights.
        colour: which of the four.
        dashed: it is.
    """

    name: str
    shares: Sequence[float]
    colour: int
    dashed: bool = False


def lines(title: str, across: str, panels: Sequence[tuple[str, Sequence[Line]]]) -> str:
    """Return diagrams side by side.

    Args:
        title: of the picture.
        across: what the horizontal axes count.
        panels: each diagram's heading and lines.
    """
    width = LEFT + len(panels) * (PLOT_WIDTH + GAP)
    chart = Chart(width, TOP + PLOT_HEIGHT + 110)
    for number, (heading, drawn) in enumerate(panels):
        _panel(chart, LEFT + number * (PLOT_WIDTH + GAP), heading, across, drawn)
    for number, line in enumerate(panels[0][1]):
        x = LEFT + number % 4 * 180
        y = TOP + PLOT_HEIGHT + 70 + number // 4 * 22
        chart.line([(x, y - 4), (x + 26, y - 4)], COLOURS[line.colour], _stroke(line))
        chart.text(x + 32, y, line.name)
    return chart.svg(title)


def _stroke(line: Line) -> str:
    return 'stroke-width="2"' + (' stroke-dasharray="6 4"' if line.dashed else "")


def _panel(chart: Chart, left: float, heading: str, across: str, drawn: Sequence[Line]) -> None:
    bottom = TOP + PLOT_HEIGHT
    most = max(len(line.shares) for line in drawn)
    chart.text(left, TOP - 16, heading)
    for percent in (0, 25, 50, 75, 100):
        y = bottom - PLOT_HEIGHT * percent / 100
        chart.line([(left, y), (left + PLOT_WIDTH, y)], "#dddddd")
        chart.text(left - 8, y + 4, f"{percent} %", "end")
    step = PLOT_WIDTH / (most - 1)
    for place in range(most):
        chart.text(left + step * place, bottom + 20, str(place + 1), "middle")
    chart.text(left + PLOT_WIDTH / 2, bottom + 42, across, "middle")
    for line in drawn:
        points = [
            (left + step * place, bottom - PLOT_HEIGHT * share)
            for place, share in enumerate(line.shares)
        ]
        chart.line(points, COLOURS[line.colour], _stroke(line))


def dots(
    title: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[tuple[float, bool]]]]
) -> str:
    """Return one row of dots for each thing, on a logarithmic axis from 0.01 to 100,000.

    Args:
        title: of the picture.
        names: what the dots of each row are, for the key.
        rows: each row's name and its values; a value that is a bound, not a measurement, is
            drawn hollow.
    """
    left, height, decades = 220, 30, 7
    chart = Chart(left + 560, TOP + height * len(rows) + 90)
    step = 520 / decades
    bottom = TOP + height * len(rows)
    for decade in range(decades + 1):
        x = left + step * decade
        chart.line([(x, TOP - 10), (x, bottom)], "#dddddd")
        chart.text(x, bottom + 18, f"{10.0 ** (decade - 2):,g}", "middle")
    for number, (name, values) in enumerate(rows):
        y = TOP + height * number + height / 2
        chart.text(left - 12, y + 4, name, "end")
        for which, (value, is_bound) in enumerate(values):
            x = left + step * (log10(max(value, 0.01)) + 2)
            chart.dot(x, y + 5 * (which - 1), COLOURS[which], hollow=is_bound)
    chart.text(left, TOP - 20, title)
    for which, name in enumerate(names):
        x = 30 + which * 170
        chart.dot(x, bottom + 52, COLOURS[which])
        chart.text(x + 12, bottom + 56, name)
    chart.dot(30 + len(names) * 170, bottom + 52, "#555555", hollow=True)
    chart.text(42 + len(names) * 170, bottom + 56, "none seen: 95 % bound")
    return chart.svg(title)
