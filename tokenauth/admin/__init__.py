"""The Django admin: staff see every session, how it ended, and end those that should not go on.

*   :mod:`~tokenauth.admin.sessions`: the list, and revoking sessions;
*   :mod:`~tokenauth.admin.page`: the page of one session, with its :mod:`~tokenauth.admin.signs` of
    trouble and the :mod:`~tokenauth.admin.timeline` of what happened;
*   :mod:`~tokenauth.admin.many`: revoking by description: of users, a network, a group, everyone;
*   :mod:`~tokenauth.admin.users` and :mod:`~tokenauth.admin.user_page`: "revoke all sessions", and
    a user's sessions, on the project's own pages of users;
*   :mod:`~tokenauth.admin.overview`: figures and plots of what happens to sessions;
*   :mod:`~tokenauth.admin.events`: the audit trail, and :mod:`~tokenauth.admin.export` its CSV;
*   :mod:`~tokenauth.admin.revoking`: what all of them share: who may, why, and the record of it;
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
