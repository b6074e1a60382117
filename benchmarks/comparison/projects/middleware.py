"""Counts the statements of each request, at the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["HEADER", "StatementsMiddleware"]

HEADER = "X-Statements"
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class StatementsMiddleware:
    """The outermost middleware: what the others ask of the database counts too.

    Transaction control does not count. The answer carries the number in :data:`HEADER`.

    Args:
        get_response: the next one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the number of statements."""
        count = 0

        def counting(
            execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any
        ) -> Any:
            nonlocal count
            count += not str(sql).startswith(CONTROL)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(counting):
            response = self.get_response(request)
        response.headers[HEADER] = str(count)
        return response
