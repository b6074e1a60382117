"""The Django admin: staff see every session, how it ended, and end those that should not go on.

*   :mod:`~tokenauth.admin.sessions`: the list, the page of one session, and revoking them;
*   :mod:`~tokenauth.admin.overview`: figures and plots of what happens to sessions;
*   :mod:`~tokenauth.admin.events`: the audit trail, and :mod:`~tokenauth.admin.export` its CSV;
*   :mod:`~tokenauth.admin.users`: "revoke all sessions" on the project's own page of users;
*   :mod:`~tokenauth.admin.revoking`: what both share: who may, why, and the record of it;
*   :mod:`~tokenauth.admin.readonly`: nothing is added, changed or deleted, and no secret is shown;
*   :mod:`~tokenauth.admin.display`: how a session reads.
"""

from __future__ import annotations

from django.contrib import admin

from tokenauth.admin.events import AuthEventAdmin
from tokenauth.admin.sessions import AuthSessionAdmin
from tokenauth.admin.users import RevokeSessionsMixin, follow_user_admins, revoke_all_sessions
from tokenauth.models import AuthEvent, AuthSession

__all__ = ["AuthEventAdmin", "AuthSessionAdmin", "RevokeSessionsMixin", "revoke_all_sessions"]

admin.site.register(AuthSession, AuthSessionAdmin)
admin.site.register(AuthEvent, AuthEventAdmin)
follow_user_admins()
