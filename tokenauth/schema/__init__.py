"""The endpoints in a project's OpenAPI schema, if it uses drf-spectacular.

Imported when ``drf_spectacular`` is one of ``INSTALLED_APPS``, and by nothing else: importing the
extensions is what registers them.
"""

from __future__ import annotations

from tokenauth.schema.extensions import AccessTokenScheme, ViewExtension

__all__ = ["AccessTokenScheme", "ViewExtension"]
