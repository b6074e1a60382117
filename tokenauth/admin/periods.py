"""A filter by time: today, 7 days, 30 days, or from one day to another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_last_value_from_parameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext_lazy as _

from tokenauth import system

__all__ = ["EventTimeFilter", "PeriodFilter"]

_CHOICES = (("today", _("Today")), ("7d", _("Past 7 days")), ("30d", _("Past 30 days")))
_DAYS = {"7d": 7, "30d": 30}
# A year that no date and time zone can move out of what dates can say.
_YEARS = range(1970, 9999)


class PeriodFilter(admin.ListFilter):
    """By one column of times, in days of the reader's time zone.

    Attributes:
        column: which.
        prefix: what the names of its parameters begin with.
    """

    column: str
    prefix: str
    template = "admin/tokenauth/period_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self._names():
            value = get_last_value_from_parameters(params, name)
            params.pop(name, None)
            if value:
                self.used_parameters[name] = value
        self.others: list[tuple[str, str]] = []

    def expected_parameters(self) -> list[str | None]:
        """Return the names of the parameters."""
        return [*self._names()]

    def _names(self) -> list[str]:
        return [self.prefix, self.from_name, self.to_name]

    @property
    def parameter_name(self) -> str:
        """The name of the parameter of the ready-made choices; themes ask every filter for one."""
        return self.prefix

    @property
    def from_name(self) -> str:
        """The name of the parameter of the first day."""
        return f"{self.prefix}_from"

    @property
    def to_name(self) -> str:
        """The name of the parameter of the last day."""
        return f"{self.prefix}_to"

    @property
    def from_value(self) -> str:
        """The first day, as it was sent."""
        return str(self.used_parameters.get(self.from_name, ""))

    @property
    def to_value(self) -> str:
        """The last day, as it was sent."""
        return str(self.used_parameters.get(self.to_name, ""))

    def has_output(self) -> bool:
        """Always there."""
        return True

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Return the links, and note what the form for two days must carry along."""
        mine = self._names()
        self.others = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name not in mine
            for value in values
        ]
        chosen = self.used_parameters.get(self.prefix)
        yield {
            "selected": not self.used_parameters,
            "query_string": changelist.get_query_string(remove=mine),
            "display": _("Any time"),
        }
        for name, text in _CHOICES:
            yield {
                "selected": name == chosen,
                "query_string": changelist.get_query_string({self.prefix: name}, mine[1:]),
                "display": text,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the time that was chosen.

        Raises:
            IncorrectLookupParameters: what was sent is no day, or no choice.
        """
        start, end = self._borders()
        if start is not None:
            queryset = queryset.filter(**{f"{self.column}__gte": start})
        if end is not None:
            queryset = queryset.filter(**{f"{self.column}__lt": end})
        return queryset

    def _borders(self) -> tuple[datetime | None, datetime | None]:
        chosen = self.used_parameters.get(self.prefix)
        if chosen == "today":
            return _midnight(system.now().astimezone(get_current_timezone()).date()), None
        if chosen in _DAYS:
            return system.now() - timedelta(days=_DAYS[chosen]), None
        if chosen:
            raise IncorrectLookupParameters
        first, last = self.from_value, self.to_value
        return (
            _midnight(_day(first)) if first else None,
            _midnight(_day(last) + timedelta(days=1)) if last else None,
        )


class EventTimeFilter(PeriodFilter):
    """Events by their time."""

    title = _("time")
    column = "created_at"
    prefix = "time"


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise IncorrectLookupParameters from None
    if day.year not in _YEARS:
        raise IncorrectLookupParameters
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), get_current_timezone())
