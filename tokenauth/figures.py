"""Reading the statistics: totals, shares and courses over time, for the overview and the command.

One statement reads the hours that were counted, and a few more count what has happened since,
which is an hour's worth of an index. If nobody has gathered for longer, that is left out, and
``complete_until`` says how far the figures go.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokenauth.database import write_alias
from tokenauth.models import AuthStatistic
from tokenauth.statistics import (
    HOUR,
    MARGIN,
    Measure,
    count_since,
    floor_hour,
    gathered_until,
)

__all__ = ["Active", "Figures", "Summary", "read_figures", "summarize"]


@dataclass(frozen=True, slots=True)
class Active:
    """Active sessions at one moment.

    Attributes:
        hour: the beginning of the hour in which they were counted.
        count: how many.
    """

    hour: datetime
    count: int


@dataclass(slots=True)
class Figures:
    """What was counted, by measure, hour and key.

    Attributes:
        since: the first hour.
        now: when it was read.
        complete_until: everything before was counted; ``None`` if nothing ever was.
        top_users: keys of the users with the most active sessions, and how many those were.
    """

    since: datetime
    now: datetime
    complete_until: datetime | None = None
    top_users: list[tuple[str, int]] = field(default_factory=list)
    _rows: defaultdict[str, list[tuple[datetime, str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    @property
    def active(self) -> Active | None:
        """The active sessions when they were last counted."""
        rows = self._rows[Measure.ACTIVE]
        return Active(rows[-1][0], rows[-1][2]) if rows else None

    def active_at(self, hour: datetime) -> int | None:
        """Return the active sessions that were counted in one hour, if they were."""
        return next((count for at, _, count in self._rows[Measure.ACTIVE] if at == hour), None)

    def add(self, hour: datetime, measure: str, key: str, count: int) -> None:
        """Add what was counted; the hours in order."""
        self._rows[measure].append((hour, key, count))

    def total(self, measure: str, start: datetime, end: datetime | None = None) -> int:
        """Return how often something happened from ``start`` to ``end``.

        An hour that ``end`` is in counts by its share.
        """
        end = end or self.now + HOUR
        found = 0.0
        for hour, _, count in self._rows[measure]:
            if hour >= start and hour < end:
                found += count * min(1.0, (end - hour) / HOUR)
        return round(found)

    def by_key(self, measure: str, start: datetime) -> list[tuple[str, int]]:
        """Return how often something happened since ``start``, by key, the most first."""
        counts: Counter[str] = Counter()
        for hour, key, count in self._rows[measure]:
            if hour >= start:
                counts[key] += count
        return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))

    def course(self, measure: str, edges: Sequence[datetime]) -> list[int]:
        """Return how often something happened between each edge and the next."""
        counts = [0] * (len(edges) - 1)
        for hour, _, count in self._rows[measure]:
            index = _bucket(edges, hour)
            if index is not None:
                counts[index] += count
        return counts

    def course_of_active(self, edges: Sequence[datetime]) -> list[int | None]:
        """Return the active sessions as last counted between each edge and the next."""
        counts: list[int | None] = [None] * (len(edges) - 1)
        for hour, _, count in self._rows[Measure.ACTIVE]:
            index = _bucket(edges, hour)
            if index is not None:
                counts[index] = count
        return counts


def _bucket(edges: Sequence[datetime], time: datetime) -> int | None:
    index = bisect_right(edges, time) - 1
    return index if 0 <= index < len(edges) - 1 else None


@dataclass(frozen=True, slots=True)
class Summary:
    """What happened since some time.

    Attributes:
        sign_ins: sessions that began.
        new_devices: those of them on a device that was new for its user.
        failures: logins and step-ups that failed.
        step_ups: step-ups that did not.
        refreshes: rotations.
        late_answers: predecessors answered after the grace.
        reuse: sessions ended because a superseded refresh token was presented.
        revocations: sessions revoked otherwise, by reason.
        clients: sign-ins by client.
        device_kinds: sign-ins by kind of device.
    """

    sign_ins: int
    new_devices: int
    failures: int
    step_ups: int
    refreshes: int
    late_answers: int
    reuse: int
    revocations: dict[str, int]
    clients: dict[str, int]
    device_kinds: dict[str, int]


def summarize(figures: Figures, start: datetime) -> Summary:
    """Return what happened from ``start`` to the present."""
    return Summary(
        sign_ins=figures.total(Measure.SIGN_IN, start),
        new_devices=figures.total(Measure.NEW_DEVICE, start),
        failures=figures.total(Measure.FAILURE, start),
        step_ups=figures.total(Measure.STEP_UP, start),
        refreshes=figures.total(Measure.REFRESH, start),
        late_answers=figures.total(Measure.LATE_ANSWER, start),
        reuse=figures.total(Measure.REUSE, start),
        revocations=dict(figures.by_key(Measure.REVOKED, start)),
        clients=dict(figures.by_key(Measure.SIGN_IN, start)),
        device_kinds=dict(figures.by_key(Measure.DEVICE, start)),
    )


def read_figures(since: datetime, now: datetime) -> Figures:
    """Return the figures of every hour that begins at ``since`` or later, this one included.

    Args:
        since: the first moment that is of interest.
        now: the present.
    """
    figures = Figures(since, now)
    rows = AuthStatistic.objects.using(write_alias()).filter(
        hour__gte=since, hour__lt=now + timedelta(seconds=1)
    )
    rows = rows.exclude(measure=Measure.GATHERED).order_by("hour", "measure", "key")
    top: list[tuple[datetime, str, int]] = []
    for hour, measure, key, count in rows.values_list("hour", "measure", "key", "count"):
        if measure == Measure.TOP_USER:
            top.append((hour, key, count))
        else:
            figures.add(hour, measure, key, count)
    newest = figures.active
    if newest is not None:
        mine = [(key, count) for hour, key, count in top if hour == newest.hour]
        figures.top_users = sorted(mine, key=lambda entry: (-entry[1], entry[0]))
    _add_present(figures, now)
    return figures


def _add_present(figures: Figures, now: datetime) -> None:
    """Add what has happened since the last hour that was counted, unless that is long ago."""
    known = gathered_until(now)
    if known is None:
        return
    until, last_refresh = known
    figures.complete_until = until
    if until < floor_hour(now - MARGIN):
        return
    for (measure, key), count in count_since(until, last_refresh).counts.items():
        figures.add(until, measure, key, count)
    figures.complete_until = now
