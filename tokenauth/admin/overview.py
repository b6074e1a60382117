"""The overview: what happens to sessions, in figures and plots.

Everything comes from the statistics, and from what an index finds at once: it takes no longer with
ten million sessions than with ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth import system
from tokenauth.admin.charts import Chart, Curve, Share, draw, format_number, shares
from tokenauth.admin.display import badge, describe_device, describe_user, plain, relative
from tokenauth.admin.shell import page
from tokenauth.database import write_alias
from tokenauth.exceptions import TryAgain
from tokenauth.figures import Figures, read_figures
from tokenauth.models import (
    AuthSession,
    DeviceKind,
)
from tokenauth.statistics import HOUR, Measure, floor_hour, gather
from tokenauth.suspicion import suspicions_of, where_suspicious

__all__ = ["PERIODS", "overview"]

GATHER_SECONDS = 1.0
"""So long the page counts what nobody has counted yet; the rest is for the next one."""

SCAN_AT_MOST = 100_000
"""With more sessions than that, active ones are counted by the command alone."""

SUSPICIOUS_SHOWN = 10

PERIODS = {
    "24h": gettext_lazy("24 hours"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
}
"""How much time the plots may show, by the parameter ``period``."""

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Number:
    label: str
    count: str
    change: str


def overview(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Return the page.

    Args:
        model_admin: of the sessions.
        request: of a member of staff who may see them.
    """
    now = system.now()
    is_complete = _gather(now)
    period = request.GET.get("period")
    if period not in PERIODS:
        period = "24h"
    edges = _edges(period, now)
    today = _today(now)
    figures = read_figures(min(edges[0], today - _WEEK), now)
    return page(
        model_admin,
        request,
        "overview.html",
        title=_("Overview"),
        numbers=_numbers(figures, today),
        complete_until=None if is_complete else figures.complete_until,
        active=figures.active,
        periods=[(name, text, name == period) for name, text in PERIODS.items()],
        charts=_charts(figures, period, edges),
        clients=_clients(figures, edges[0]),
        devices=_devices(figures, edges[0]),
        top_users=_top_users(model_admin, figures),
        suspicious=_suspicious(model_admin, now),
    )


def _gather(now: datetime) -> bool:
    """Count what is due; a database that is busy does not keep anybody from the page."""
    try:
        return gather(now, max_seconds=GATHER_SECONDS, scan_at_most=SCAN_AT_MOST).complete
    except TryAgain:
        return False


def _today(now: datetime) -> datetime:
    local = now.astimezone(get_current_timezone())
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _edges(period: str, now: datetime) -> list[datetime]:
    """Return the borders of what the plots show: hours, or days of the reader."""
    if period == "30d":
        today = _today(now)
        # Through the calendar, because a day may have 23 hours, or 25.
        days = [today.replace(tzinfo=None) + timedelta(days=n) for n in range(-29, 2)]
        return [day.replace(tzinfo=today.tzinfo) for day in days]
    hours = 24 if period == "24h" else 7 * 24
    return [floor_hour(now) + n * HOUR for n in range(1 - hours, 2)]


def _times(period: str, edges: Sequence[datetime]) -> list[tuple[str, str]]:
    zone = get_current_timezone()
    local = [edge.astimezone(zone) for edge in edges[:-1]]
    short = "TIME_FORMAT" if period == "24h" else "MONTH_DAY_FORMAT"
    full = "DATE_FORMAT" if period == "30d" else "DATETIME_FORMAT"
    return [
        # In a week of hours the days are named.
        ("" if period == "7d" and at.hour else date_format(at, short), date_format(at, full))
        for at in local
    ]


def _numbers(figures: Figures, today: datetime) -> list[_Number]:
    """Return today's figures, each beside those of a week ago until the same time of day."""
    then, until = today - _WEEK, figures.now - _WEEK
    labels = (
        (Measure.SIGN_IN, _("Sign-ins today")),
        (Measure.FAILURE, _("Failed sign-ins today")),
        (Measure.REFRESH, _("Refreshes today")),
        (Measure.REUSE, _("Refresh tokens reused today")),
        (Measure.REVOKED, _("Sessions revoked today")),
    )
    active = figures.active
    before = figures.active_at(active.hour - _WEEK) if active else None
    first = _Number(
        _("Active sessions"),
        format_number(active.count) if active else "-",
        _change(active.count, before) if active and before is not None else "",
    )
    others = []
    for measure, label in labels:
        count, last_week = figures.total(measure, today), figures.total(measure, then, until)
        others.append(_Number(label, format_number(count), _change(count, last_week)))
    return [first, *others]


def _change(count: int, before: int) -> str:
    facts: dict[str, Any] = {"before": format_number(before)}
    if count == before:
        return _("as many as a week ago")
    if not before:
        return _("none a week ago")
    facts["share"] = format_number(abs(100 * (count - before) / before))
    if count > before:
        return _("%(share)s %% more than a week ago (%(before)s)") % facts
    return _("%(share)s %% fewer than a week ago (%(before)s)") % facts


def _charts(figures: Figures, period: str, edges: Sequence[datetime]) -> list[Chart]:
    times = _times(period, edges)

    def curve(label: str, measure: str) -> Curve:
        return Curve(label, figures.course(measure, edges))

    return [
        draw(
            "sign-ins",
            _("Sign-ins and failures"),
            times,
            [
                curve(_("Sign-ins"), Measure.SIGN_IN),
                curve(_("Failed sign-ins"), Measure.FAILURE),
            ],
        ),
        draw("refreshes", _("Refreshes"), times, [curve(_("Refreshes"), Measure.REFRESH)]),
        draw(
            "ends",
            _("Reuse, late answers and revocations"),
            times,
            [
                curve(_("Sessions revoked"), Measure.REVOKED),
                curve(_("Late answers"), Measure.LATE_ANSWER),
                curve(_("Refresh tokens reused"), Measure.REUSE),
            ],
        ),
        draw(
            "active",
            _("Active sessions"),
            times,
            [Curve(_("Active sessions"), figures.course_of_active(edges), is_level=True)],
        ),
    ]


def _clients(figures: Figures, start: datetime) -> list[Share]:
    found = figures.by_key(Measure.SIGN_IN, start)
    return shares([(plain(client) or _("unknown"), count) for client, count in found])


def _devices(figures: Figures, start: datetime) -> list[Share]:
    names = {kind.value: str(kind.label) for kind in DeviceKind}
    found = figures.by_key(Measure.DEVICE, start)
    return shares([(names.get(kind, _("unknown")), count) for kind, count in found])


def _top_users(model_admin: Any, figures: Figures) -> list[dict[str, Any]]:
    """Return the users with the most active sessions, each with the address of their list."""
    users = _load_users([key for key, _count in figures.top_users])
    address = reverse(f"{model_admin.admin_site.name}:tokenauth_authsession_changelist")
    return [
        {
            "name": plain(users[key].get_username()) if key in users else plain(key),
            "address": f"{address}?{urlencode({'user': key})}",
            "count": format_number(count),
        }
        for key, count in figures.top_users
    ]


def _load_users(keys: Sequence[str]) -> dict[str, Any]:
    model = get_user_model()
    wanted = []
    for key in keys:
        try:
            wanted.append(model._meta.pk.to_python(key))
        except ValidationError:
            continue  # the key of another user model, which the project had before
    users = model._base_manager.using(write_alias()).filter(pk__in=wanted)
    return {str(user.pk): user for user in users}


def _suspicious(model_admin: Any, now: datetime) -> list[dict[str, Any]]:
    rows = where_suspicious(AuthSession.objects.using(write_alias()).with_user())
    name = f"{model_admin.admin_site.name}:tokenauth_authsession_change"
    return [
        {
            "user": describe_user(session),
            "device": describe_device(session),
            "address": reverse(name, args=[quote(session.pk)]),
            "created": relative(session.created_at, now),
            "status": badge(session, now),
            "signs": [why.label for why in suspicions_of(session)],
        }
        for session in rows.order_by("-pk")[:SUSPICIOUS_SHOWN]
    ]
