"""What a project might have as REST framework defaults, at its worst.

Each of these breaks every view that uses it. They have no bases where none is asked for: those
modules of REST framework read the settings, which name these classes, while they are imported.
"""

from typing import Any, NoReturn

from rest_framework.throttling import SimpleRateThrottle


def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Fail: this must never be asked."""
    raise RuntimeError("a default of the project was used")


class Authentication:
    """Refuses to authenticate."""

    authenticate = refuse
    authenticate_header = refuse


class Permission:
    """Permits nothing."""

    has_permission = refuse


class Parser:
    """Takes everything and reads nothing."""

    media_type = "*/*"
    parse = refuse


class Renderer:
    """Writes everything, as nothing."""

    media_type = "text/hostile"
    format = "json"
    render = refuse


class Negotiation:
    """Agrees to nothing."""

    select_parser = refuse
    select_renderer = refuse


class Metadata:
    """Describes nothing."""

    determine_metadata = refuse


class Versioning:
    """Knows no version."""

    determine_version = refuse


class Pagination:
    """Has no pages."""

    paginate_queryset = refuse


class Throttle(SimpleRateThrottle):
    """The one default that applies; it allows what the rate of its scope allows."""

    scope = "hostile"

    def get_cache_key(self, request: Any, view: Any) -> str:
        """Count everybody together."""
        return "hostile"


class User:
    """Somebody who is not authenticated, and says otherwise."""

    is_authenticated = True
    is_active = True
    pk = 0


def exception_handler(_error: Exception, _context: Any) -> NoReturn:
    """Handle nothing."""
    refuse()


def view_name(*_args: Any) -> NoReturn:
    """Name nothing."""
    refuse()
