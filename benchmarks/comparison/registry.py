"""The candidates, in the order of the tables."""

from __future__ import annotations

__all__ = ["CANDIDATES", "PROJECTS", "SHORT", "SLOW"]

PROJECTS = "benchmarks.comparison.projects"

CANDIDATES = {
    "simplejwt": "SimpleJWT",
    "dj_rest_auth": "DjRestAuth",
    "allauth_headless": "AllauthHeadless",
    "oauth_toolkit": "OAuthToolkit",
    "oauth_toolkit_hashed": "OAuthToolkitHashed",
    "knox": "Knox",
    "ninja_jwt": "NinjaJWT",
    "jwt_allauth": "JwtAllauth",
    "drf_sessions": "DrfSessions",
    "tokenauth": "TokenAuth",
}
"""The folder of each in :data:`PROJECTS`, and the class in its ``client`` module."""

SHORT = (
    "simplejwt",
    "dj_rest_auth",
    "allauth_headless",
    "oauth_toolkit",
    "oauth_toolkit_hashed",
    "knox",
    "tokenauth",
)
"""Those in the README."""

SLOW = ("tokenauth", "oauth_toolkit")
"""Those with a long grace to wait for."""
