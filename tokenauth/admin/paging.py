"""Pages of a table of any size: never counted to its end, and never skipped far into."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

__all__ = ["MAX_ROWS", "BoundedPaginator", "SessionList"]

MAX_ROWS = 2000
"""So many rows are counted, and can be paged through: 40 pages. A count of ten million is a scan
of them, and so is the page at their end. Where several filters leave one row in twenty, each row
that is counted costs twenty that are read: the bound decides how long the page takes."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # is no generic at run time
    """Counts no more than :data:`MAX_ROWS` rows and one."""

    def page(self, number: Any) -> Page:  # type: ignore[type-arg]  # as above
        """Return a page; the rows before it are skipped by their keys, without their users."""
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows: Any = self.object_list
        if first:
            end = min(first + self.per_page, self.count)
            keys = list(rows.values_list("pk", flat=True)[first:end])
            return Page(rows.filter(pk__in=keys), number, self)
        return super().page(number)

    @cached_property
    def count(self) -> int:
        """The number of rows that there are pages for."""
        return min(self._counted, MAX_ROWS)

    @property
    def has_more(self) -> bool:
        """Whether there are rows beyond the last page."""
        return self._counted > MAX_ROWS

    @cached_property
    def _counted(self) -> int:
        # In the order of the list, and so by its index. Without one PostgreSQL reads the table
        # from its oldest page on, and those seen today are at the other end.
        rows: Any = self.object_list
        return int(rows.values("pk")[: MAX_ROWS + 1].count())


class SessionList(ChangeList):
    """The list of sessions: ordered by one indexed column, and by the key where that is equal."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the order that was asked for, in which an index can be read.

        Both parts go the same way: MariaDB reads an index forward or backward, and sorts the
        whole table for anything else.
        """
        first = super().get_ordering(request, queryset)[0]
        sign = "-" if str(first).startswith("-") else ""
        names = dict.fromkeys([str(first).removeprefix("-"), "id"])
        return [f"{sign}{name}" for name in names if name != "pk"]
