"""Where the project has mounted the endpoints, as its URLconf says, and checks of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.urls import (
    NoReverseMatch,
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    reverse,
)
from django.urls.resolvers import LocalePrefixPattern
from django.utils.functional import Promise
from django.utils.translation import override

from tokenauth.checks.problem import Problem
from tokenauth.conf import config
from tokenauth.cookies import refresh_cookie_path
from tokenauth.views import LoginView

__all__ = ["Mount", "check_mounts", "has_login", "mounts", "public_paths"]

NOT_MOUNTED = Problem(
    "E072",
    'reverse("tokenauth:refresh") fails, so the refresh cookie has no path.',
    'Mount the endpoints by path("auth/", include("tokenauth.urls")), in no other namespace and '
    "without arguments before it, or set TOKENAUTH_REFRESH_COOKIE_PATH.",
)
MOUNTED_TWICE = Problem(
    "E073",
    "The endpoints are mounted {count} times, so the refresh cookie has no single path.",
    "Mount them once, or set TOKENAUTH_REFRESH_COOKIE_PATH to the path that all mounts share.",
)
MOUNT_MOVES = Problem(
    "E074",
    "The path of the endpoints depends on the language: the refresh cookie would be lost when "
    "it changes.",
    "Mount them outside of i18n_patterns(), or set TOKENAUTH_REFRESH_COOKIE_PATH.",
)

APP_NAME = "tokenauth"  # of both URL modules, with login and without


@dataclass(frozen=True, slots=True)
class Mount:
    """One place where the endpoints are included.

    Attributes:
        namespace: by which ``reverse()`` finds them.
        moves: whether their path depends on the language.
    """

    namespace: str
    moves: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    entry: URLPattern | URLResolver
    namespace: str
    moves: bool


def _walk(resolver: URLResolver, namespace: str = "", *, moves: bool = False) -> Iterator[_Entry]:
    for entry in resolver.url_patterns:
        moves_here = moves or _depends_on_language(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = ":".join(filter(None, [namespace, entry.namespace]))
            yield _Entry(entry, inner, moves_here)
            yield from _walk(entry, inner, moves=moves_here)
        else:
            yield _Entry(entry, namespace, moves_here)


def _depends_on_language(pattern: object) -> bool:
    written = getattr(pattern, "_route", getattr(pattern, "_regex", ""))
    return isinstance(pattern, LocalePrefixPattern) or isinstance(written, Promise)


def _everything() -> Iterator[_Entry]:
    if getattr(settings, "ROOT_URLCONF", None):
        yield from _walk(get_resolver())


def mounts() -> list[Mount]:
    """Return every place where the endpoints are included."""
    return [
        Mount(found.namespace, found.moves)
        for found in _everything()
        if isinstance(found.entry, URLResolver) and found.entry.app_name == APP_NAME
    ]


def has_login() -> bool:
    """Return whether the login endpoint is reachable, by whatever name."""
    views = (getattr(found.entry, "callback", None) for found in _everything())
    classes = (getattr(view, "view_class", None) for view in views)
    return any(isinstance(cls, type) and issubclass(cls, LoginView) for cls in classes)


def public_paths() -> list[str]:
    """Return the paths of all mounts, in every language that they depend on."""
    paths: dict[str, None] = {}
    for mount in mounts():
        languages = [code for code, _name in settings.LANGUAGES] if mount.moves else [None]
        for language in languages:
            with override(language):
                try:
                    paths[_path_of(mount)] = None
                except NoReverseMatch:  # it has arguments: no fixed path leads to it
                    continue
    return list(paths)


def _path_of(mount: Mount) -> str:
    found = reverse(f"{mount.namespace}:refresh").removeprefix(get_script_prefix())
    # Under WSGI the prefix is that of the request, and there is none yet.
    prefix = (settings.FORCE_SCRIPT_NAME or "").removesuffix("/")
    return f"{prefix}/{found}".removesuffix("/").rpartition("/")[0] + "/"


def check_mounts(**_: Any) -> list[CheckMessage]:
    """The endpoints have one path, or the refresh cookie has its own (E072 to E074)."""
    if config.refresh_cookie_path is not None:
        return []
    try:
        refresh_cookie_path()
    except NoReverseMatch:
        return [NOT_MOUNTED.found()]
    found = mounts()
    messages = [MOUNT_MOVES.found()] if any(mount.moves for mount in found) else []
    if len(found) > 1:
        messages.append(MOUNTED_TWICE.found(count=len(found)))
    return messages
