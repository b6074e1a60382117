"""A filter by time: today, 7 days, 30 days, or from one day to another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth import system
from tokenauth.selection import created_between

__all__ = ["CHOICES", "CreatedFilter", "EventTimeFilter", "PeriodFilter", "beginning"]

CHOICES = (
    ("today", gettext_lazy("today")),
    ("7", gettext_lazy("in the last 7 days")),
    ("30", gettext_lazy("in the last 30 days")),
)
"""The spans that are offered: their value in an address, and what they are called."""


def beginning(span: str) -> datetime:
    """Return when ``"today"``, or a span of so many days, began for the reader."""
    now = system.now()
    if span == "today":
        return _midnight(now.astimezone(get_current_timezone()).date())
    return now - timedelta(days=int(span))


class _DaysForm(forms.Form):
    """Two days; either may be left out. Named by the parameters of its filter."""

    def __init__(self, names: tuple[str, str], data: dict[str, Any] | None) -> None:
        super().__init__(data, auto_id="id_%s")
        self.names = names
        for name, label in zip(names, (_("From"), _("To, and including")), strict=True):
            self.fields[name] = forms.DateField(
                label=label,
                required=False,
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
                input_formats=["%Y-%m-%d"],
                # Between them, every day is a time in every time zone and has an id.
                validators=[
                    MinValueValidator(date(1970, 1, 3)),
                    MaxValueValidator(date(9000, 1, 1)),
                ],
            )

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        first, last = (self.cleaned_data.get(name) for name in self.names)
        if first and last and last < first:
            raise ValidationError(_("The second day must not be before the first."))
        return self.cleaned_data


class PeriodFilter(admin.ListFilter):
    """By the days of the reader's time zone.

    What is no day is said beside the field, and finds nothing: a list that showed everything
    instead would be acted upon as if it were the answer.

    Attributes:
        prefix: what the names of its parameters begin with.
    """

    prefix: str
    template = "admin/tokenauth/period_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.names():
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = _DaysForm(self.names()[1:], self.used_parameters or None)

    @classmethod
    def names(cls) -> tuple[str, str, str]:
        """Return the names of its parameters: the ready-made choice, the first and the last day."""
        return cls.prefix, f"{cls.prefix}_from", f"{cls.prefix}_to"

    def narrow(
        self, rows: QuerySet[Any], first: datetime | None, last: datetime | None
    ) -> QuerySet[Any]:
        """Return the rows from ``first`` on and before ``last``; None is no border."""
        raise NotImplementedError  # a filter that forgot it must not show every row

    @property
    def parameter_name(self) -> str:
        """The name of the parameter of the choices; themes ask every filter for one."""
        return self.prefix

    @property
    def is_wrong(self) -> bool:
        """Whether what was sent is no day, or no range."""
        return self.form.is_bound and not self.form.is_valid()

    def expected_parameters(self) -> list[str | None]:
        """Return the names of the parameters."""
        return [*self.names()]

    def has_output(self) -> bool:
        """It is always offered."""
        return True

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Return the links; the template finds the form, and what stays, beside them."""
        names = self.names()
        self.others = {key: text for key, text in changelist.params.items() if key not in names}
        yield {
            "selected": not self.used_parameters,
            "query_string": changelist.get_query_string(remove=list(names)),
            "display": _("Any time"),
        }
        for value, text in CHOICES:
            yield {
                "selected": value == self.used_parameters.get(self.prefix),
                "query_string": changelist.get_query_string({self.prefix: value}, names[1:]),
                "display": text,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the time that was chosen."""
        chosen = self.used_parameters.get(self.prefix)
        if chosen in dict(CHOICES):
            queryset = self.narrow(queryset, beginning(chosen), None)
        if self.is_wrong:
            return queryset.none()
        if not self.form.is_bound:
            return queryset
        first, last = (self.form.cleaned_data[name] for name in self.form.names)
        return self.narrow(
            queryset,
            _midnight(first) if first else None,
            _midnight(last + timedelta(days=1)) if last else None,
        )


class CreatedFilter(PeriodFilter):
    """Sessions by the login."""

    title = gettext_lazy("created")
    prefix = "created"

    def narrow(
        self, rows: QuerySet[Any], first: datetime | None, last: datetime | None
    ) -> QuerySet[Any]:
        """Return the sessions that began then."""
        return created_between(rows, first, last)


class EventTimeFilter(PeriodFilter):
    """Events by their time."""

    title = gettext_lazy("time")
    prefix = "time"

    def narrow(
        self, rows: QuerySet[Any], first: datetime | None, last: datetime | None
    ) -> QuerySet[Any]:
        """Return the events of that time."""
        if first is not None:
            rows = rows.filter(created_at__gte=first)
        if last is not None:
            rows = rows.filter(created_at__lt=last)
        return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), get_current_timezone())
