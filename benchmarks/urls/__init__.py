"""The paths of each project: ``ok`` and ``username`` for each way to authenticate, and its own."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from benchmarks.views import OkView, UsernameView

__all__ = ["api"]


def api(name: str, authentication: Any, **attributes: Any) -> list[URLPattern]:
    """Return the paths of the two API views under one authentication class.

    Args:
        name: the first segment of the paths: the candidate's name.
        authentication: the class, or ``None`` for no authentication.
        attributes: further attributes of the views.
    """
    classes = [] if authentication is None else [authentication]
    attributes["authentication_classes"] = classes
    return [
        path(f"{name}/ok", OkView.as_view(**attributes)),
        path(f"{name}/username", UsernameView.as_view(**attributes)),
    ]
