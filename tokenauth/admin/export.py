"""The audit trail as CSV: what is filtered, from the first byte on, however much it is.

Rows are read in portions, each from where the last one ended in the index, so no transaction,
cursor or memory grows with the export. The file is for programs: codes instead of words, and
times in ISO 8601, in UTC.
"""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tokenauth import system
from tokenauth.admin.display import plain
from tokenauth.admin.periods import PeriodFilter
from tokenauth.models import AuthEvent

__all__ = ["COLUMNS", "PORTION", "defuse", "export"]

PORTION = 2000
"""So many rows are read, and sent, at a time."""

COLUMNS = (
    *("time", "event", "user_key", "user", "session", "actor_key", "actor"),
    *("reason", "address", "user_agent", "detail"),
)
"""The header of the file."""

_MAX_MESSAGE = 1000
# OWASP, "CSV Injection": what a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def defuse(text: str) -> str:
    """Return ``text`` as one plain line that no spreadsheet takes for a formula."""
    return f"'{plain(text)}" if text.startswith(_FORMULA) else plain(text)


class _Filtered(ChangeList):
    """What the list would show, without counting it or reading a page of it."""

    def get_results(self, request: HttpRequest) -> None:
        """Read nothing."""
        self.result_count = self.full_result_count = 0
        self.result_list = self.queryset.none()
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False


def export(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Return the events that the request's parameters filter, streamed; leave a history entry.

    Args:
        model_admin: of the events.
        request: a POST of a member of staff who may see them.
    """
    try:
        events = _filtered(model_admin, request)
    except IncorrectLookupParameters:
        return HttpResponseBadRequest(_("That filter is not known. Go back to the list."))
    rows = _Rows(events, _begin_entry(request))
    name = f"tokenauth-events-{system.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        rows.stream_async() if isinstance(request, ASGIRequest) else rows.stream(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _filtered(model_admin: Any, request: HttpRequest) -> QuerySet[Any]:
    changelist: Any = _Filtered(
        request,
        model_admin.model,
        model_admin.get_list_display(request),
        model_admin.get_list_display_links(request, ()),
        model_admin.get_list_filter(request),
        model_admin.date_hierarchy,
        model_admin.get_search_fields(request),
        model_admin.get_list_select_related(request),
        model_admin.list_per_page,
        model_admin.list_max_show_all,
        model_admin.list_editable,
        model_admin,
        model_admin.get_sortable_by(request),
        model_admin.search_help_text,
    )
    if any(spec.is_wrong for spec in changelist.filter_specs if isinstance(spec, PeriodFilter)):
        raise IncorrectLookupParameters
    found: QuerySet[Any] = changelist.queryset
    return found


def _begin_entry(request: HttpRequest) -> LogEntry:
    """Leave the entry before the first row goes out: an export that is cut short is one too."""
    user: Any = request.user
    filters = urlencode(list(request.GET.items())) or _("no filter")
    return LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(AuthEvent),
        object_id=None,
        object_repr=_("Export of events"),
        action_flag=CHANGE,
        change_message=_("Began an export of events: %(filters)s")
        % {"filters": plain(filters)[:_MAX_MESSAGE]},
    )


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


class _Rows:
    """The lines of the file, in portions.

    Args:
        events: filtered, in any order.
        entry: of the history, which is told at the end how many there were.
    """

    def __init__(self, events: QuerySet[Any], entry: LogEntry) -> None:
        name = f"user__{get_user_model().USERNAME_FIELD}"
        actor = f"actor__{get_user_model().USERNAME_FIELD}"
        self._events = events.order_by("-created_at", "-pk").values_list(
            *("pk", "created_at", "type", "user_key", name, "session_id", "actor_key", actor),
            *("reason", "ip", "user_agent", "detail"),
        )
        self._entry = entry
        self._writer = csv.writer(_Echo())
        self._last: tuple[int, datetime] | None = None
        self._begun = self._ended = False
        self._sent = 0

    def stream(self) -> Iterator[str]:
        try:
            while text := self._next():
                yield text
        finally:
            self._end_entry()

    async def stream_async(self) -> AsyncIterator[str]:
        try:
            while text := await sync_to_async(self._next)():
                yield text
        finally:
            await sync_to_async(self._end_entry)()

    def _next(self) -> str:
        """Return the next portion, or nothing at the end; the header is the first one."""
        if not self._begun:
            self._begun = True
            return self._line(COLUMNS)
        if self._ended:
            return ""
        events = self._events
        if self._last is not None:
            pk, at = self._last
            events = events.filter(
                Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk), created_at__lte=at
            )
        rows = list(events[:PORTION])
        self._ended = len(rows) < PORTION
        if rows:
            self._last = rows[-1][0], rows[-1][1]
        self._sent += len(rows)
        return "".join(self._line(_cells(row)) for row in rows)

    def _line(self, cells: Any) -> str:
        return str(self._writer.writerow(cells))

    def _end_entry(self) -> None:
        text = ngettext(
            "Exported %(count)d event: %(filters)s",
            "Exported %(count)d events: %(filters)s",
            self._sent,
        )
        filters = self._entry.change_message.partition(": ")[2]
        self._entry.change_message = text % {"count": self._sent, "filters": filters}
        self._entry.save(update_fields=["change_message"])


def _cells(row: tuple[Any, ...]) -> list[str]:
    _pk, at, *others, detail = row
    texts = [*("" if value is None else str(value) for value in others)]
    texts.append(json.dumps(detail, ensure_ascii=False) if detail else "")
    return [at.astimezone(UTC).isoformat(), *(defuse(text) for text in texts)]
