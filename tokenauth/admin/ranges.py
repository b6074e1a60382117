"""The filter by two days that staff type in."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tokenauth.selection import created_between

__all__ = ["CreatedRangeFilter", "midnight"]


def midnight(day: date) -> datetime:
    """Return when a day begins in the current time zone."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


class _RangeForm(forms.Form):
    """Two days; either may be left out."""

    # Between them, every day is a time in every time zone and has an id.
    _limits = (MinValueValidator(date(1970, 1, 3)), MaxValueValidator(date(9000, 1, 1)))
    _input = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    created_from = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=_input,
        input_formats=["%Y-%m-%d"],
        validators=_limits,
    )
    created_to = forms.DateField(
        label=gettext_lazy("To, and including"),
        required=False,
        widget=_input,
        input_formats=["%Y-%m-%d"],
        validators=_limits,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        first, last = (self.cleaned_data.get(name) for name in ("created_from", "created_to"))
        if first and last and last < first:
            raise ValidationError(_("The second day must not be before the first."))
        return self.cleaned_data


class CreatedRangeFilter(admin.ListFilter):
    """By the login, from one day to another. What is no range is said, and narrows nothing."""

    title = gettext_lazy("created from and to")
    template = "admin/tokenauth/created_range_filter.html"
    names = ("created_from", "created_to")
    parameter_name = names[0]  # themes ask every filter for one

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.names:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = _RangeForm(self.used_parameters or None, prefix=None, auto_id="id_%s")

    def has_output(self) -> bool:
        """It is always offered."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """Return the two names."""
        return [*self.names]

    def choices(self, changelist: Any) -> Any:
        """Give the template what it shows: the form, and what must stay in the address."""
        others = {key: text for key, text in changelist.params.items() if key not in self.names}
        clear = changelist.get_query_string(remove=list(self.names))
        yield {"form": self.form, "others": others, "clear": clear if self.form.is_bound else ""}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sessions that began on these days, in the current time zone."""
        if not self.form.is_valid():
            return queryset
        first, last = (self.form.cleaned_data[name] for name in self.names)
        return created_between(
            queryset,
            midnight(first) if first else None,
            midnight(last + timedelta(days=1)) if last else None,
        )
