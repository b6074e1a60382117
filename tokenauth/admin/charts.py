"""Plots of figures over time: geometry for an SVG that the server draws.

Everything that reaches the template is text or a number that was made here: no colour, style or
script is inline, so the pages work under a strict Content-Security-Policy. Coordinates are
formatted here too, because a template would write them with the comma of the reader's language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.formats import number_format
from django.utils.translation import gettext as _

__all__ = ["Chart", "Curve", "Share", "draw", "format_number", "shares"]

WIDTH, HEIGHT = 480, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 10, 10, 24
_MOST_LABELS = 5
_GRID_LINES = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """One course over time.

    Attributes:
        label: what it is.
        values: one for each stretch of time; ``None`` where nothing was counted.
        is_level: whether it is a level, of which a sum says nothing.
    """

    label: str
    values: Sequence[int | None]
    is_level: bool = False

    def describe(self) -> str:
        """Return the curve in words."""
        known = [value for value in self.values if value is not None]
        facts = {"label": self.label, "most": format_number(max(known, default=0))}
        if not known:
            return _("%(label)s: not counted yet.") % facts
        if self.is_level:
            facts |= {"least": format_number(min(known)), "last": format_number(known[-1])}
            text = _("%(label)s: between %(least)s and %(most)s, %(last)s at the end.")
            return text % facts
        facts |= {"total": format_number(sum(known))}
        return _("%(label)s: %(total)s in all, %(most)s at most at a time.") % facts


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, what it says, and which end of the text is there."""

    at: str
    text: str
    anchor: str = "end"


@dataclass(frozen=True, slots=True)
class Line:
    """A curve as it is drawn.

    Attributes:
        label: what it is.
        paths: the connected parts, each as the ``d`` of an SVG path.
        unfinished: the part that leads to the stretch of time that is not over, if there is one.
        dots: points without a neighbour, as pairs of coordinates.
    """

    label: str
    paths: list[str] = field(default_factory=list)
    unfinished: str = ""
    dots: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot, with the same in words and as a table.

    Attributes:
        name: its id in the page.
        title: what it shows.
        text: the same in words.
        lines: the curves.
        ups: marks of the axis of numbers.
        alongs: marks of the axis of time.
        header: what the columns of the table are.
        rows: the figures: a time, and a text for each curve.
        is_empty: whether there is nothing to draw.
    """

    name: str
    title: str
    text: str
    lines: list[Line]
    ups: list[Tick]
    alongs: list[Tick]
    header: list[str]
    rows: list[tuple[str, list[str]]]
    is_empty: bool
    width: str = str(WIDTH)
    height: str = str(HEIGHT)
    left: str = str(_LEFT)
    right: str = str(WIDTH - _RIGHT)
    bottom: str = str(HEIGHT - _BOTTOM)


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a whole.

    Attributes:
        label: which.
        count: how many, as text.
        percent: its share, as text for people.
        width: its share of 100, as a coordinate.
    """

    label: str
    count: str
    percent: str
    width: str


def format_number(number: float) -> str:
    """Return a number as people of the current language write it."""
    return number_format(round(number), decimal_pos=0, force_grouping=True)


def draw(name: str, title: str, times: Sequence[tuple[str, str]], curves: Sequence[Curve]) -> Chart:
    """Return a plot of curves over the same stretches of time.

    Args:
        name: for the id of the plot.
        title: what it shows.
        times: for each stretch its short name, for the axis (or nothing), and its full one, for
            the table. The last stretch is not over yet.
        curves: each with as many values.
    """
    known = [value for curve in curves for value in curve.values if value is not None]
    step = _nice_step(max(known, default=0))
    top = step * _GRID_LINES
    return Chart(
        name=name,
        title=title,
        text=" ".join(curve.describe() for curve in curves),
        lines=[_line(curve, top) for curve in curves],
        ups=[Tick(_y(step * n, top), format_number(step * n)) for n in range(_GRID_LINES + 1)],
        alongs=_marks([short for short, _full in times]),
        header=[curve.label for curve in curves],
        rows=[
            (_row_name(full, index, len(times)), [_cell(curve.values[index]) for curve in curves])
            for index, (_short, full) in enumerate(times)
        ],
        is_empty=not any(known),
    )


def _marks(names: Sequence[str]) -> list[Tick]:
    """Return the marks of the axis of time, from the right, as many as there is room for."""
    named = [index for index, name in enumerate(names) if name][::-1]
    every = max(1, math.ceil(len(named) / _MOST_LABELS))
    last = len(names) - 1
    return [
        Tick(_x(index, len(names)), names[index], "end" if index == last else "middle")
        for index in named[::every]
    ]


def shares(counts: Sequence[tuple[str, int]]) -> list[Share]:
    """Return the parts of a whole.

    Args:
        counts: what people read, and how many; in order.
    """
    total = sum(count for _label, count in counts)
    return [
        Share(
            label=label,
            count=format_number(count),
            percent=_("%(share)s %%") % {"share": format_number(100 * count / total)},
            width=_coordinate(100 * count / total),
        )
        for label, count in counts
        if count
    ]


def _row_name(name: str, index: int, count: int) -> str:
    return _("%(time)s (so far)") % {"time": name} if index == count - 1 else name


def _cell(value: int | None) -> str:
    return "-" if value is None else format_number(value)


def _nice_step(most: int) -> int:
    """Return the least of 1, 2, 5, 10, 20 ... of which four reach ``most``."""
    step, power = 1, 1
    while step * _GRID_LINES < most:
        if step == power:
            step = 2 * power
        elif step == 2 * power:
            step = 5 * power
        else:
            power *= 10
            step = power
    return step


def _line(curve: Curve, top: int) -> Line:
    points = [
        None if value is None else (_x(index, len(curve.values)), _y(value, top))
        for index, value in enumerate(curve.values)
    ]
    unfinished = ""
    # A count that is not over yet would look like a fall.
    if not curve.is_level and len(points) > 1:
        unfinished = _path([point for point in points[-2:] if point is not None])
        points = points[:-1]
    paths, dots = [], []
    run: list[tuple[str, str]] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
            continue
        if len(run) == 1:
            dots += run
        elif run:
            paths.append(_path(run))
        run = []
    return Line(curve.label, paths, unfinished, dots)


def _path(points: Sequence[tuple[str, str]]) -> str:
    return "M" + " L".join(f"{x} {y}" for x, y in points)


def _x(index: int, count: int) -> str:
    return _coordinate(_LEFT + (WIDTH - _LEFT - _RIGHT) * index / max(1, count - 1))


def _y(value: int, top: int) -> str:
    return _coordinate(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / top)


def _coordinate(value: float) -> str:
    return f"{value:.1f}"
